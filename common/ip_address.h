// IpAddress, IpNetwork: addresses of the internet protocol as values. An IPv4 address is kept as
// IPv4-mapped IPv6 (RFC 4291 §2.5.5.2), so that the two ways to write one address mean the same.
// Neither knows ports, zones or names, and neither asks the system anything.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fanfare {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  // "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1": nothing before or after it.
  static std::optional<IpAddress> parse(std::string_view text);
  static IpAddress v4(std::span<const std::uint8_t, 4> bytes);
  static IpAddress v6(std::span<const std::uint8_t, 16> bytes);

  bool is_v4() const;
  // As people write it: an IPv4 address in four numbers.
  std::string text() const;
  // The first so many bits of it, the others zero.
  IpAddress prefix(unsigned bits) const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

// The addresses that begin with the same bits.
class IpNetwork {
 public:
  // "10.0.0.0/8", "2001:db8::/32", "::ffff:10.0.0.0/104", or one address. The error is a sentence
  // that says what would be right.
  static std::expected<IpNetwork, std::string> parse(std::string_view text);

  bool contains(const IpAddress& address) const { return address.prefix(bits_) == first_; }

  friend bool operator==(const IpNetwork&, const IpNetwork&) = default;

 private:
  IpNetwork(const IpAddress& first, unsigned bits) : first_(first), bits_(bits) {}

  IpAddress first_;
  unsigned bits_ = 128;  // of the 16 bytes, also of an IPv4 network
};

}  // namespace fanfare
