#include "common/ip_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>

#include "common/quotable.h"

namespace fanfare {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;
constexpr unsigned kBits = 128;

std::optional<unsigned> number_of(std::string_view text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

IpAddress IpAddress::v4(std::span<const std::uint8_t, 4> bytes) {
  IpAddress address;
  std::ranges::copy(kMapped, address.bytes.begin());
  std::ranges::copy(bytes, address.bytes.begin() + kMapped.size());
  return address;
}

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> bytes) {
  IpAddress address;
  std::ranges::copy(bytes, address.bytes.begin());
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (text.size() >= buffer.size() || text.contains('\0')) return std::nullopt;
  std::ranges::copy(text, buffer.begin());
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET6, buffer.data(), bytes.data()) == 1) return v6(bytes);
  if (::inet_pton(AF_INET, buffer.data(), bytes.data()) == 1)
    return v4(std::span(bytes).first<4>());
  return std::nullopt;
}

bool IpAddress::is_v4() const {
  return std::ranges::equal(kMapped, std::span(bytes).first<kMapped.size()>());
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const bool four = is_v4();
  ::inet_ntop(four ? AF_INET : AF_INET6, bytes.data() + (four ? kMapped.size() : 0), buffer.data(),
              buffer.size());
  return buffer.data();
}

IpAddress IpAddress::prefix(unsigned bits) const {
  IpAddress first;
  for (unsigned i = 0; i < bytes.size() && bits > 0; ++i) {
    const unsigned kept = std::min(bits, 8U);
    first.bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00U >> kept));
    bits -= kept;
  }
  return first;
}

std::expected<IpNetwork, std::string> IpNetwork::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) {
    return std::unexpected(
        fmt::format("\"{}\" is neither an address nor a network; write \"192.0.2.1\", "
                    "\"10.0.0.0/8\" or \"2001:db8::/32\"",
                    quotable(text)));
  }
  if (slash == std::string_view::npos) return IpNetwork(*address, kBits);
  const bool four = !text.substr(0, slash).contains(':');
  const unsigned most = four ? kBits - kMappedBits : kBits;
  const auto length = number_of(text.substr(slash + 1));
  if (!length || *length > most) {
    return std::unexpected(fmt::format("\"{}\": the length of a prefix is a number from 0 to {}",
                                       quotable(text), most));
  }
  const unsigned bits = four ? *length + kMappedBits : *length;
  const IpAddress first = address->prefix(bits);
  if (first != *address) {
    return std::unexpected(
        fmt::format("\"{}\" has bits behind its prefix; write \"{}/{}\" for the network, or the "
                    "address alone",
                    quotable(text), first.text(), *length));
  }
  return IpNetwork(first, bits);
}

}  // namespace fanfare
