// HeaderReader: the header of the PROXY protocol, versions 1 and 2 (haproxy's proxy-protocol.txt),
// with which a front says whose connection it carries, before anything else on it. Reads the first
// bytes of a connection, cut however, and says where what follows begins.
//
//   version 1   PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 CR LF      a line of at most 107 bytes
//   version 2   signature (12) │ version, command │ family │ length (2) │ addresses │ TLVs
//
// TLVs are skipped, unread. It trusts nobody: whether the peer may say such a thing is for others
// to decide. Memory: what has come of the header up to the end of its addresses, 232 bytes at most.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/ip_address.h"

namespace fanfare::proxy {

struct Source {
  IpAddress address;
  std::uint16_t port = 0;

  friend bool operator==(const Source&, const Source&) = default;
};

class HeaderReader {
 public:
  // A longer header is refused, before it is read.
  explicit HeaderReader(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  enum class State : std::uint8_t {
    more,     // all of the input belongs to the header, or may
    none,     // the connection begins with something else: held(), then the rest of the input
    done,     // source() says for whom; the rest of the input follows the header
    refused,  // problem() says why
  };
  // Takes from `input` what belongs to the header, and removes it. Not called again once the state
  // is another one than `more`.
  State read(std::string_view& input);

  // What a header that is done says. Nothing: the front's own connection (LOCAL, a health check),
  // or one for a client without an address (UNKNOWN, a Unix socket).
  std::optional<Source> source() const { return source_; }
  // What was taken before it was known that it is no header.
  std::string_view held() const { return {buffer_.data(), size_}; }
  // Something has come, which may be a header.
  bool begun() const { return size_ > 0; }
  std::string_view problem() const { return problem_; }

 private:
  State read_first(std::string_view& input);
  State read_line(std::string_view& input);
  State read_binary(std::string_view& input);
  State skip(std::string_view& input);
  State line_complete();
  void take_source();
  State refuse(std::string_view problem);
  void take(std::string_view& input, std::size_t size_wanted);
  std::uint8_t byte(std::size_t at) const { return static_cast<std::uint8_t>(buffer_[at]); }
  std::uint16_t number(std::size_t at) const {
    return static_cast<std::uint16_t>(byte(at) << 8U | byte(at + 1));
  }

  enum class Part : std::uint8_t { first, line, binary, skipped };

  std::size_t bytes_max_;
  Part part_ = Part::first;
  std::array<char, 232> buffer_{};
  std::size_t size_ = 0;
  std::size_t to_skip_ = 0;
  std::optional<Source> source_;
  std::string_view problem_;
};

}  // namespace fanfare::proxy
