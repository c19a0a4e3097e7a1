#include "bench/load/h2_client.h"

#include <algorithm>

#include "common/letters.h"

namespace fanfare::load {
namespace {

// Chrome's, for a stream and for all of them.
constexpr std::uint32_t kStreamWindow = 6U << 20U;
constexpr std::uint32_t kWindow = 15U << 20U;
constexpr std::uint32_t kWindowAtFirst = 65'535;
constexpr std::uint32_t kFrameBytesMax = 16'384;  // ours, which we leave as it is

// RFC 9113 §6
enum Type : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kReset = 3,
  kSettings = 4,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
};
constexpr std::uint8_t kAck = 1;
constexpr std::uint8_t kEndStream = 1;
constexpr std::uint8_t kEndHeaders = 4;
constexpr std::uint8_t kPadded = 8;
constexpr std::uint8_t kPriority = 32;

void put(std::uint64_t number, std::size_t bytes, std::string& out) {
  while (bytes-- > 0) out += static_cast<char>(number >> (8 * bytes) & 0xffU);
}

std::uint32_t number_in(std::string_view bytes) {
  std::uint32_t number = 0;
  for (const char byte : bytes) number = number << 8U | static_cast<unsigned char>(byte);
  return number;
}

void put_head(std::size_t size, Type type, std::uint8_t flags, std::uint32_t id, std::string& out) {
  put(size, 3, out);
  put(type, 1, out);
  put(flags, 1, out);
  put(id, 4, out);
}

void put_window_update(std::uint32_t id, std::uint32_t more, std::string& out) {
  put_head(4, kWindowUpdate, 0, id, out);
  put(more, 4, out);
}

// RFC 7541 §5.2, without Huffman's code.
void put_text(std::string_view text, std::string& out) {
  std::size_t size = text.size();
  if (size < 127) {
    out += static_cast<char>(size);
  } else {
    out += '\x7f';
    for (size -= 127; size >= 128; size >>= 7U) out += static_cast<char>(size % 128 + 128);
    out += static_cast<char>(size);
  }
  out += text;
}

// Fields of the static table, and literals that are not indexed (RFC 7541 §6.1, §6.2.2).
constexpr char kGet = '\x82', kSchemeHttp = '\x86', kSchemeHttps = '\x87';
constexpr char kPath = 4, kAuthority = 1, kNewName = 0;

std::string block_of(std::string_view request, bool tls) {
  std::string block{kGet, tls ? kSchemeHttps : kSchemeHttp};
  const auto take_to = [&request](std::string_view mark) {
    const std::size_t at = std::min(request.find(mark), request.size());
    const std::string_view taken = request.substr(0, at);
    request.remove_prefix(std::min(at + mark.size(), request.size()));
    return taken;
  };
  take_to(" ");
  block += kPath;
  put_text(take_to(" "), block);
  take_to("\r\n");
  for (std::string_view line; !(line = take_to("\r\n")).empty();) {
    const std::size_t colon = line.find(": ");
    std::string name(line.substr(0, colon));
    for (char& letter : name) letter = lower(letter);
    const std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 2);
    if (name == "host") {
      block += kAuthority;
    } else {
      block += kNewName;
      put_text(name, block);
    }
    put_text(value, block);
  }
  return block;
}

// The status comes first (RFC 9113 §8.3), perhaps behind a change of the table's size.
bool is_ok(std::string_view block) {
  constexpr unsigned char kStatus200 = 0x88;
  while (!block.empty() && (static_cast<unsigned char>(block[0]) >> 5U) == 1) {
    block.remove_prefix(1);
  }
  return !block.empty() && static_cast<unsigned char>(block[0]) == kStatus200;
}

}  // namespace

void H2Client::begin(std::string& out) {
  constexpr std::uint16_t kTableSize = 1, kPush = 2, kInitialWindow = 4;
  out += "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  put_head(18, kSettings, 0, 0, out);
  put(kTableSize, 2, out);
  put(0, 4, out);
  put(kPush, 2, out);
  put(0, 4, out);
  put(kInitialWindow, 2, out);
  put(kStreamWindow, 4, out);
  put_window_update(0, kWindow - kWindowAtFirst, out);
}

std::uint32_t H2Client::ask(std::string_view request, bool tls, std::string& out) {
  const std::string block = block_of(request, tls);
  put_head(block.size(), kHeaders, kEndHeaders | kEndStream, 2 * asked_ + 1, out);
  out += block;
  return asked_++;
}

bool H2Client::read(std::string_view bytes, std::string& out, Streams& streams) {
  while (!bytes.empty()) {
    if (head_bytes_ < kHeadBytes) {
      const std::size_t size = std::min(bytes.size(), kHeadBytes - head_bytes_);
      std::copy_n(bytes.data(), size, head_ + head_bytes_);
      head_bytes_ += static_cast<std::uint8_t>(size);
      bytes.remove_prefix(size);
      if (head_bytes_ < kHeadBytes) return true;
      if (!frame_begins()) return false;
    } else {
      const std::string_view piece = bytes.substr(0, left_);
      bytes.remove_prefix(piece.size());
      left_ -= static_cast<std::uint32_t>(piece.size());
      if (type_ == kData && (flags_ & kPadded) == 0) {
        streams.data(id_ / 2, piece);
      } else {
        content_ += piece;
      }
    }
    if (left_ > 0) continue;
    if (!frame_ends(out, streams)) return false;
    head_bytes_ = 0;
  }
  return true;
}

bool H2Client::frame_begins() {
  const std::string_view head(reinterpret_cast<const char*>(head_), kHeadBytes);
  size_ = left_ = number_in(head.substr(0, 3));
  type_ = head_[3];
  flags_ = head_[4];
  id_ = number_in(head.substr(5)) & 0x7fffffffU;
  content_.clear();
  const bool of_stream = type_ == kData || type_ == kHeaders || type_ == kReset;
  return size_ <= kFrameBytesMax && (!of_stream || (id_ % 2 == 1 && id_ / 2 < asked_));
}

bool H2Client::frame_ends(std::string& out, Streams& streams) {
  std::string_view content = content_;
  const std::uint32_t number = id_ / 2;
  std::size_t padding = 0;
  if ((type_ == kData || type_ == kHeaders) && (flags_ & kPadded) != 0) {
    if (content.empty()) return false;
    padding = static_cast<unsigned char>(content[0]);
    content.remove_prefix(1);
    if (padding > content.size()) return false;
    content.remove_suffix(padding);
  }
  switch (type_) {
    case kData:
      if (!content.empty()) streams.data(number, content);
      taken(number, out);
      break;
    case kHeaders:
      content.remove_prefix((flags_ & kPriority) != 0 ? std::min<std::size_t>(5, content.size())
                                                      : 0);
      streams.headed(number, is_ok(content));
      break;
    case kReset:
      streams.ended(number, false);
      return true;
    case kSettings:
      if ((flags_ & kAck) == 0) put_head(0, kSettings, kAck, 0, out);
      return true;
    case kPing:
      if ((flags_ & kAck) == 0) {
        put_head(content.size(), kPing, kAck, 0, out);
        out += content;
      }
      return true;
    case kGoaway:  // with NO_ERROR: it goes on with what there is
      return content.size() >= 8 && number_in(content.substr(4, 4)) == 0;
    default:
      return true;
  }
  if ((flags_ & kEndStream) != 0) streams.ended(number, true);
  return true;
}

void H2Client::taken(std::uint32_t number, std::string& out) {
  if (taken_.size() <= number) taken_.resize(asked_);
  taken_[number] += size_;
  taken_of_all_ += size_;
  if (taken_[number] > kStreamWindow / 2 && (flags_ & kEndStream) == 0) {
    put_window_update(id_, taken_[number], out);
    taken_[number] = 0;
  }
  if (taken_of_all_ > kWindow / 2) {
    put_window_update(0, taken_of_all_, out);
    taken_of_all_ = 0;
  }
}

}  // namespace fanfare::load
