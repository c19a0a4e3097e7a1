#include "broker/server/requests/publisher_door.h"

#include <fmt/format.h>

#include <utility>

#include "broker/policy/jwt.h"

namespace fanfare::server {
namespace {

constexpr std::string_view kHow =
    "AUTH TOKEN in RESP, {\"op\":\"auth\",\"token\":\"...\"} in NDJSON, Authorization: Bearer "
    "TOKEN in HTTP";

}  // namespace

std::expected<policy::Grants, policy::JwtRefusal> PublisherTokens::verify(std::string_view token,
                                                                          std::string_view peer) {
  auto good = verifier_.verify(token, date_);
  if (good && good->grants->channels.empty()) {  // a subscriber's, perhaps
    good = std::unexpected(policy::JwtRefusal{
        policy::JwtFault::no_grants,
        fmt::format("the token grants nothing in its claim \"{}\" ([publish] claim)",
                    settings_->publish.claim)});
  }
  if (good) {
    ++(good->known ? counters_.publish_tokens_known_total
                   : counters_.publish_tokens_verified_total);
    return *good->grants;
  }
  ++counters_.publish_tokens_refused_total;
  if (const auto left_out = log_.admit(now_); left_out >= 0) {
    log::warn("a publisher at {} was refused: {}{}", peer, good.error().reason,
              log::left_out_note(left_out));
  }
  return std::unexpected(good.error());
}

std::optional<ingest::Refused> PublisherDoor::present(std::string_view token) {
  auto grants = tokens_.verify(token, peer_);
  if (!grants) {
    shut();
    ++tries_;
    why_shut_ = policy::sentence_of(grants.error().fault);
    return ingest::Refused{.kind = ingest::Refusal::unauthenticated, .message = why_shut_};
  }
  tries_ = 0;
  token_ = token;
  revision_ = tokens_.settings().revision();
  grants_ = *std::move(grants);
  why_shut_.clear();
  return std::nullopt;
}

bool PublisherDoor::open() {
  if (token_.empty()) return false;
  if (tokens_.date() >= grants_.expires) {
    shut();
    why_shut_ = policy::sentence_of(policy::JwtFault::expired);
    return false;
  }
  if (revision_ == tokens_.settings().revision()) return true;
  const std::string token = std::exchange(token_, {});
  return !present(token);
}

ingest::Refused PublisherDoor::refusal() {
  ++tokens_.counters().publish_tokens_missing_total;
  std::string why = why_shut_.empty() ? "a publisher's token is needed here" : why_shut_;
  return {.kind = ingest::Refusal::unauthenticated,
          .message = fmt::format("{}: send a good one first ({})", why, kHow)};
}

void PublisherDoor::shut() {
  token_.clear();
  why_shut_.clear();
  grants_ = {};
}

bool PublisherDoor::tried_enough() const {
  return tries_ >= tokens_.settings()->limits.publish_tries;
}

void PublisherDoor::stand_before(std::string peer) {
  peer_ = std::move(peer);
}

}  // namespace fanfare::server
