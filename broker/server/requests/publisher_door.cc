#include "broker/server/requests/publisher_door.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "broker/policy/jwt.h"

#include "common/quotable.h"

namespace fanfare::server {
namespace {

constexpr std::string_view kHow =
    "AUTH TOKEN in RESP, {\"op\":\"auth\",\"token\":\"...\"} in NDJSON, Authorization: Bearer "
    "TOKEN in HTTP";

constexpr std::size_t kNamesShown = 5;

// "a.test, spiffe://a (CN = a)".
std::string shown_names(const tls::PeerCertificate& certificate) {
  std::string text;
  for (std::size_t i = 0; i < std::min(certificate.names.size(), kNamesShown); ++i) {
    if (i > 0) text += ", ";
    text += quotable(certificate.names[i]);
  }
  return fmt::format("{} ({})", text.empty() ? "none" : text, quotable(certificate.subject));
}

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
  log_refusal(peer, good.error().reason);
  return std::unexpected(good.error());
}

std::optional<policy::Grants> PublisherTokens::look_up(const tls::PeerCertificate& certificate,
                                                       std::string_view peer) {
  for (const PublishClientRule& client : settings_->publish.clients) {
    const auto called = std::ranges::find_if(
        client.names, [&](const std::string& name) { return certificate.is_called(name); });
    if (called == client.names.end()) continue;
    ++counters_.publish_certificates_total;
    return policy::Grants{.subject = *called,
                          .channels = client.channels,
                          .proof = "certificate",
                          .expires = certificate.expires};
  }
  // With keys, it may be there for the connection alone.
  if (settings_->publish.has_keys()) return std::nullopt;
  ++counters_.publish_certificates_unknown_total;
  log_refusal(peer, fmt::format("no [[publish.client]] has a name of its certificate, {}",
                                shown_names(certificate)));
  return std::nullopt;
}

void PublisherTokens::log_refusal(std::string_view peer, std::string_view why) {
  if (const auto left_out = log_.admit(now_); left_out >= 0) {
    log::warn("a publisher at {} was refused: {}{}", peer, why, log::left_out_note(left_out));
  }
}

std::optional<ingest::Refused> PublisherDoor::present(std::string_view token) {
  auto grants = tokens_.verify(token, peer_);
  if (!grants) {
    shut();
    by_token_ = true;
    ++tries_;
    why_shut_ = policy::sentence_of(grants.error().fault);
    return ingest::Refused{.kind = ingest::Refusal::unauthenticated, .message = why_shut_};
  }
  tries_ = 0;
  by_token_ = true;
  token_ = token;
  revision_ = tokens_.settings().revision();
  grants_ = *std::move(grants);
  why_shut_.clear();
  return std::nullopt;
}

bool PublisherDoor::open() {
  if (!by_token_) return open_by_certificate();
  if (token_.empty()) return false;
  if (tokens_.date() >= grants_.expires) {
    shut();
    by_token_ = true;
    why_shut_ = policy::sentence_of(policy::JwtFault::expired);
    return false;
  }
  if (revision_ == tokens_.settings().revision()) return true;
  const std::string token = std::exchange(token_, {});
  return !present(token);
}

ingest::Refused PublisherDoor::refusal() {
  ++tokens_.counters().publish_tokens_missing_total;
  std::string why = fmt::format(
      "{}: send a good one first ({})",
      why_shut_.empty() ? "a publisher's token is needed here" : std::string_view(why_shut_), kHow);
  if (certificate_ && !by_token_) {
    why = known_ ? "the certificate has expired: connect anew, with a valid one"
                 : fmt::format(
                       "no [[publish.client]] names this certificate: send a publisher's "
                       "token first ({})",
                       kHow);
  }
  return {.kind = ingest::Refusal::unauthenticated, .message = std::move(why)};
}

bool PublisherDoor::open_by_certificate() {
  if (!certificate_) return false;
  if (looked_up_ != tokens_.settings().revision()) {
    looked_up_ = tokens_.settings().revision();
    auto grants = tokens_.look_up(*certificate_, peer_);
    known_ = grants.has_value();
    grants_ = std::move(grants).value_or(policy::Grants{});
  }
  return known_ && tokens_.date() < grants_.expires;
}

void PublisherDoor::shut() {
  token_.clear();
  by_token_ = false;
  looked_up_.reset();
  why_shut_.clear();
  grants_ = {};
}

bool PublisherDoor::tried_enough() const {
  return tries_ >= tokens_.settings()->limits.publish_tries;
}

void PublisherDoor::stand_before(std::string peer, Certificate certificate) {
  peer_ = std::move(peer);
  certificate_ = std::move(certificate);
}

}  // namespace fanfare::server
