// Subscriber tokens: JSON Web Tokens (RFC 7519) in compact JWS (RFC 7515), verified as RFC 8725
// advises. A pure function: bytes, keys, rules and the time in; grants or a refusal out.
//
//   {"alg":"EdDSA","kid":"2026"} . {"exp":1799999999,"sub":"ann","channels":["chat/*"]} . signature
//
// Every token must expire. A token that breaks any rule is refused whole; nothing of one is used
// before its signature is verified, but "alg" and "kid", which choose the keys it is verified with.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "broker/policy/grants.h"
#include "broker/policy/jwt_keys.h"

namespace fanfare::policy {

struct JwtRules {
  std::string_view section = "token";  // of broker.toml, where these stand: for the operator
  std::string issuer;                  // "iss" must be this; empty: it does not count
  std::string audience;  // "aud" must name this; empty: tokens that name any are for others
  // Where the granted channels are: a claim of this name, or a path to one inside others
  // ("fanfare.subscribe").
  std::string claim = "channels";
  std::vector<std::string> kept = {};  // further claims that somebody needs: names, or paths
  std::chrono::seconds leeway{30};     // for clocks that differ
  std::size_t bytes_max = 8U << 10U;
};

// What the client learns of a refusal, and no more.
enum class JwtFault : std::uint8_t {
  malformed,      // it is no token that anybody could accept
  not_accepted,   // its key, signature, algorithm, issuer or audience is not one of ours
  expired,        // it was good
  not_valid_yet,  // it will be
  no_grants,      // it does not say what it grants, or not in our words
};
// One sentence, without a full stop.
std::string_view sentence_of(JwtFault fault);

struct JwtRefusal {
  JwtFault fault{};
  std::string reason;  // one sentence for the operator, without a full stop; safe to log
};

// The expiry of the grants includes the leeway.
std::expected<Grants, JwtRefusal> verify_jwt(std::string_view token, const JwtKeys& keys,
                                             const JwtRules& rules, std::chrono::sys_seconds now);

// The part of it that follows the signature: `claims` is the JSON between the dots, decoded.
std::expected<Grants, JwtRefusal> read_claims(std::string_view claims, const JwtRules& rules,
                                              std::chrono::sys_seconds now);

}  // namespace fanfare::policy
