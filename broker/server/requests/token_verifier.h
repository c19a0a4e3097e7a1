// TokenVerifier: whether a token is good now, and what it grants. Each that was verified is
// remembered, in a table that has a bound, until it expires or the options change: so a client that
// comes back costs no signature, and a key that was taken away by a SIGHUP counts no more.
//
// There is one for subscribers' tokens ([token]) and one for publishers' ([publish]): keys and
// rules of the one are nothing to the other.
//
// Thread: the shard's.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>

#include "broker/policy/grants.h"
#include "broker/policy/jwt.h"
#include "broker/server/base/settings.h"
#include "broker/server/requests/known_tokens.h"

namespace fanfare::server {

class TokenVerifier {
 public:
  using Keys = std::shared_ptr<const policy::JwtKeys> Options::*;

  // Which keys of the options count, and by which rules, of the same settings.
  TokenVerifier(const Settings& settings, Keys keys, const policy::JwtRules& rules)
      : settings_(settings), keys_(keys), rules_(rules) {}

  struct Good {
    const policy::Grants* grants = nullptr;  // valid until the next call
    bool known = false;                      // its signature was not verified again
  };
  std::expected<Good, policy::JwtRefusal> verify(std::string_view token,
                                                 std::chrono::sys_seconds date);

 private:
  const Settings& settings_;
  const Keys keys_;
  const policy::JwtRules& rules_;
  KnownTokens known_;
  std::uint32_t revision_ = 0;  // of the settings that the known ones were verified by
};

}  // namespace fanfare::server
