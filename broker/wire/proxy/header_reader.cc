#include "broker/wire/proxy/header_reader.h"

#include <algorithm>
#include <charconv>
#include <span>

namespace fanfare::proxy {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kWord = "PROXY ";
constexpr std::string_view kSignature = "\r\n\r\n\0\r\nQUIT\n"sv;
// "The maximum line lengths the receiver must support including the CRLF" (§2.1): 107, CR LF
// included.
constexpr std::size_t kLineMax = 107;
// §2.2: the signature, two bytes, and the length of what follows.
constexpr std::size_t kFixed = 16;
// Source and destination address, and their ports.
constexpr std::size_t kFour = 12;
constexpr std::size_t kSix = 36;
constexpr std::size_t kUnix = 216;
static_assert(kFixed + kUnix == 232, "the buffer holds the largest addresses");

// The next word of the line, up to one space or the end.
std::string_view next(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), word.size() + 1));
  return word;
}

// §2.1: in decimal, without zeros in front of it.
std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return port;
}

bool is_four(std::string_view text) {
  return text.contains('.') && !text.contains(':');
}

}  // namespace

HeaderReader::State HeaderReader::read(std::string_view& input) {
  switch (part_) {
    case Part::first:
      return read_first(input);
    case Part::line:
      return read_line(input);
    case Part::binary:
      return read_binary(input);
    case Part::skipped:
      return skip(input);
  }
  return refuse("");
}

HeaderReader::State HeaderReader::refuse(std::string_view problem) {
  problem_ = problem;
  return State::refused;
}

// Into the buffer, until that holds `size_wanted` bytes.
void HeaderReader::take(std::string_view& input, std::size_t size_wanted) {
  const std::size_t size = std::min(input.size(), size_wanted - std::min(size_, size_wanted));
  std::ranges::copy(input.substr(0, size), buffer_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += size;
  input.remove_prefix(size);
}

// Byte by byte, since the first that is neither form's belongs to something else.
HeaderReader::State HeaderReader::read_first(std::string_view& input) {
  for (; !input.empty(); take(input, size_ + 1)) {
    const auto goes_on = [&](std::string_view form) {
      return form.starts_with(held()) && form[size_] == input.front();
    };
    if (held() == kWord) {
      part_ = Part::line;
      return read_line(input);
    }
    if (held() == kSignature) {
      part_ = Part::binary;
      return read_binary(input);
    }
    if (!goes_on(kWord) && !goes_on(kSignature)) return State::none;
  }
  return State::more;
}

HeaderReader::State HeaderReader::read_line(std::string_view& input) {
  const std::size_t end = input.find('\n');
  const std::size_t size = end == std::string_view::npos ? input.size() : end + 1;
  if (size_ + size > kLineMax || size_ + size > bytes_max_) {
    return refuse("its line is longer than the 107 bytes that it may have");
  }
  take(input, size_ + size);
  return end == std::string_view::npos ? State::more : line_complete();
}

HeaderReader::State HeaderReader::line_complete() {
  if (!held().ends_with("\r\n")) return refuse("its line does not end with CR LF");
  std::string_view line = held().substr(0, size_ - 2);
  line.remove_prefix(kWord.size());
  const std::string_view family = next(line);
  if (family == "UNKNOWN") return State::done;  // whatever else the line says (§2.1)
  const bool four = family == "TCP4";
  if (!four && family != "TCP6") return refuse("its family is none of TCP4, TCP6 and UNKNOWN");
  const std::string_view from = next(line);
  const std::string_view to = next(line);
  const auto from_port = port_of(next(line));
  const bool last = !line.empty() && !line.contains(' ');
  const auto to_port = port_of(line);
  const auto source = IpAddress::parse(from);
  if (!source || !IpAddress::parse(to) || is_four(from) != four || is_four(to) != four) {
    return refuse("its addresses are not two of the family that it names");
  }
  if (!from_port || !to_port || !last) return refuse("its line does not end with two ports");
  source_ = Source{.address = *source, .port = *from_port};
  return State::done;
}

HeaderReader::State HeaderReader::read_binary(std::string_view& input) {
  take(input, kFixed);  // once more for each piece: then there is nothing to take
  if (size_ < kFixed) return State::more;
  const std::uint8_t version = byte(12) >> 4U;
  const std::uint8_t command = byte(12) & 0xfU;
  if (version != 2) return refuse("its version is not 2");
  if (command > 1) return refuse("its command is neither LOCAL nor PROXY");
  const std::size_t length = number(14);
  if (kFixed + length > bytes_max_) return refuse("it is too long");
  const std::uint8_t family = byte(13) >> 4U;
  if (family > 3 || (byte(13) & 0xfU) > 2) return refuse("its family is not one that there is");
  constexpr std::array<std::size_t, 4> kSizes = {0, kFour, kSix, kUnix};
  // The rest says nothing where the connection is the front's own, or has no family (§2.2).
  const std::size_t size = command == 0 ? 0 : kSizes[family];
  if (length < size) return refuse("it is too short for the addresses that it announces");
  take(input, kFixed + size);
  if (size_ < kFixed + size) return State::more;
  to_skip_ = length - size;
  if (size > 0) take_source();
  return skip(input);
}

void HeaderReader::take_source() {
  const auto at = [this](std::size_t offset, std::size_t size) {
    return std::span(reinterpret_cast<const std::uint8_t*>(buffer_.data()) + offset, size);
  };
  const std::uint8_t family = byte(13) >> 4U;
  if (family == 1) {
    source_ = Source{.address = IpAddress::v4(at(kFixed, 4).first<4>()), .port = number(24)};
  } else if (family == 2) {
    source_ = Source{.address = IpAddress::v6(at(kFixed, 16).first<16>()), .port = number(48)};
  }
}

HeaderReader::State HeaderReader::skip(std::string_view& input) {
  part_ = Part::skipped;
  const std::size_t size = std::min(input.size(), to_skip_);
  input.remove_prefix(size);
  to_skip_ -= size;
  return to_skip_ == 0 ? State::done : State::more;
}

}  // namespace fanfare::proxy
