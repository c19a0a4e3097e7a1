#include "broker/fanout/encoder.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

#include "common/check.h"
#include "common/hex.h"

namespace fanfare::fanout {
namespace {

constexpr std::string_view kEvent = "event: ";
constexpr std::string_view kRetry = "retry: ";
constexpr std::string_view kData = "data: ";

constexpr std::size_t decimal_digits(std::uint64_t value) {
  std::size_t digits = 1;
  for (; value >= 10'000; value /= 10'000) digits += 4;
  return digits + (value >= 10) + (value >= 100) + (value >= 1'000);
}

char* write(char* to, std::string_view text) {
  return to + text.copy(to, text.size());
}

char* write_decimal(char* to, std::uint64_t value) {
  return std::to_chars(to, to + 20, value).ptr;
}

// Cuts data into lines at CR, LF and CRLF. Finds each line end with memchr and remembers the next
// of either kind, so that a text with many of one kind and none of the other is scanned once.
class Lines {
 public:
  explicit Lines(std::string_view data)
      : at_(data.data()), end_(data.data() + data.size()), cr_(find('\r')), lf_(find('\n')) {}

  bool one_line() const { return cr_ == end_ && lf_ == end_; }

  // The next line without its end; false after the last one. "" has one line, "a\n" has two.
  bool next(std::string_view& line) {
    if (done_) return false;
    const char* const stop = cr_ < lf_ ? cr_ : lf_;
    line = {at_, static_cast<std::size_t>(stop - at_)};
    if (stop == end_) {
      done_ = true;
      return true;
    }
    const bool crlf = stop == cr_ && lf_ == cr_ + 1 && lf_ != end_;
    at_ = stop + (crlf ? 2 : 1);
    if (cr_ < at_) cr_ = find('\r');
    if (lf_ < at_) lf_ = find('\n');
    return true;
  }

 private:
  const char* find(char c) const {
    if (at_ == end_) return end_;
    const void* const found = std::memchr(at_, c, static_cast<std::size_t>(end_ - at_));
    return found == nullptr ? end_ : static_cast<const char*>(found);
  }

  const char* at_;
  const char* end_;
  const char* cr_;  // the first at or after at_; end_: none
  const char* lf_;
  bool done_ = false;
};

// The bytes behind the chunk.
std::size_t trailer_size(std::string_view frame) {
  std::size_t size = 0;
  const auto [end, error] =
      std::from_chars(frame.data(), frame.data() + frame.size(), size, /*base=*/16);
  CHECK(error == std::errc(), "a frame begins with the size of its chunk");
  constexpr std::size_t kLineEnds = 4;  // behind the size, and behind the text
  const std::size_t chunk = static_cast<std::size_t>(end - frame.data()) + size + kLineEnds;
  return frame.size() - std::min(chunk, frame.size());
}

}  // namespace

char* write_chunk_size(char* to, std::size_t value) {
  return write(write_hex(to, value), "\r\n");
}

Encoder::Encoder(const Epoch& epoch) {
  char* const at = write(id_line_.data(), "id: ");
  *write(at, epoch.text()) = '-';
}

Encoder::Shape Encoder::measure(const Event& event, Sequence sequence) const {
  Shape shape;
  std::size_t size = id_line_.size() + decimal_digits(sequence) + 2;
  if (!event.type.empty()) size += kEvent.size() + event.type.size() + 1;
  if (event.retry_ms) size += kRetry.size() + decimal_digits(*event.retry_ms) + 1;
  Lines lines(event.data);
  shape.one_line = lines.one_line();
  if (shape.one_line) {
    size += kData.size() + event.data.size() + 1;
  } else {
    for (std::string_view line; lines.next(line);) size += kData.size() + line.size() + 1;
  }
  shape.text_size = size;
  shape.frame_size = hex_size(size) + 2 + size + 2 + event.key.size() + (event.removes ? 1 : 0);
  return shape;
}

void Encoder::encode(const Shape& shape, const Event& event, Sequence sequence,
                     std::span<char> frame) const {
  char* at = write_chunk_size(frame.data(), shape.text_size);
  if (!event.type.empty()) {
    at = write(write(at, kEvent), event.type);
    *at++ = '\n';
  }
  if (event.retry_ms) {
    at = write_decimal(write(at, kRetry), *event.retry_ms);
    *at++ = '\n';
  }
  if (shape.one_line) {
    at = write(write(at, kData), event.data);
    *at++ = '\n';
  } else {
    Lines lines(event.data);
    for (std::string_view line; lines.next(line);) {
      at = write(write(at, kData), line);
      *at++ = '\n';
    }
  }
  at = write(at, {id_line_.data(), id_line_.size()});
  at = write(write_decimal(at, sequence), "\n\n\r\n");
  at = write(at, event.key);
  if (event.removes) *at++ = kRemoves;
  CHECK(at == frame.data() + frame.size(), "measure() and encode() agree on the size");
}

void Encoder::renew(std::span<char> frame, Sequence sequence) const {
  const std::size_t key_at = frame.size() - trailer_size({frame.data(), frame.size()});
  constexpr std::size_t kLineEnds = 4;  // behind the id, and behind the text
  const std::size_t line = id_line_.size() + decimal_digits(sequence) + kLineEnds;
  write(frame.data() + (key_at - line), {id_line_.data(), id_line_.size()});
}

KeyOfFrame key_of(std::string_view frame) {
  KeyOfFrame found{.key = frame.substr(frame.size() - trailer_size(frame))};
  found.removes = !found.key.empty() && found.key.back() == kRemoves;
  if (found.removes) found.key.remove_suffix(1);
  return found;
}

}  // namespace fanfare::fanout
