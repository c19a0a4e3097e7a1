#include "broker/server/requests/token_verifier.h"

#include <utility>

namespace fanfare::server {

std::expected<TokenVerifier::Good, policy::JwtRefusal> TokenVerifier::verify(
    std::string_view token, std::chrono::sys_seconds date) {
  if (revision_ != settings_.revision()) {
    revision_ = settings_.revision();
    known_.forget_all();
  }
  const policy::Digest digest = policy::sha256(token);
  if (const policy::Grants* const known = known_.find(digest, date)) return Good{known, true};
  static const policy::JwtKeys kNone;
  const auto& keys = settings_.options().*keys_;
  auto grants = policy::verify_jwt(token, keys ? *keys : kNone, rules_, date);
  if (!grants) return std::unexpected(std::move(grants.error()));
  grants->bearer = policy::bearer_of(grants->issuer, grants->subject, token);
  return Good{known_.add(digest, *std::move(grants), settings_->limits.tokens), false};
}

}  // namespace fanfare::server
