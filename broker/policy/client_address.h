// Whose request it is: the address of the client for which a front (a reverse proxy, a balancer)
// speaks. Only a front that the configuration trusts is believed: each of them has added the
// address from which it was asked at the end of a list (X-Forwarded-For, or Forwarded, RFC 7239),
// so the list is read from its end, and the first address that is not a trusted front is the
// client's. What stands before that anybody may have written. What is no address ends the walk at
// the last front that was known.
//
// Pure functions over values.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/ip_address.h"

namespace fanfare::policy {

// One end of a connection, or somebody in a list. Without an address: behind a Unix socket.
struct Hop {
  std::optional<IpAddress> address;
  std::uint16_t port = 0;  // 0: not known

  friend bool operator==(const Hop&, const Hop&) = default;
};

// Which addresses are fronts.
class TrustedFronts {
 public:
  TrustedFronts() = default;
  // Entries that are none are left out: see front_problem().
  explicit TrustedFronts(std::span<const std::string> entries);

  bool empty() const { return networks_.empty() && !unix_; }
  bool contains(const Hop& hop) const;

 private:
  std::vector<IpNetwork> networks_;
  bool unix_ = false;
};

// Empty if `entry` can stand in such a list: an address, a network ("10.0.0.0/8"), "loopback" (this
// machine), "private" (RFC 1918, RFC 4193, link-local), "unix:" (peers behind a Unix socket). Else
// what is wrong, and what would be right.
std::string front_problem(std::string_view entry);

// Which of a request's fields the fronts fill in.
enum class ForwardedField : std::uint8_t { none, x_forwarded_for, forwarded };
// "x-forwarded-for", "forwarded"; empty for none.
std::string_view name_of(ForwardedField field);

// `peer` is at the other end of the connection; `values` are those of the request's fields of that
// name, in their order, which are one list.
Hop client_of(const Hop& peer, std::span<const std::string_view> values, ForwardedField field,
              const TrustedFronts& fronts);

}  // namespace fanfare::policy
