#include "broker/server/base/settings.h"

#include <span>
#include <utility>

namespace fanfare::server {
namespace {

// More than any body, and far from where a sum of sizes would overflow.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 62U;

template <class Section>
policy::JwtRules token_rules(std::string_view name, const Section& section,
                             const LimitOptions& limits) {
  return {.section = name,
          .issuer = section.issuer,
          .audience = section.audience,
          .claim = section.claim,
          .kept = {},
          .leeway = std::chrono::duration_cast<std::chrono::seconds>(section.leeway),
          .bytes_max = limits.token_bytes};
}

}  // namespace

void Settings::replace(std::shared_ptr<const Options> options) {
  before_ = std::exchange(options_, std::move(options));
  routes_before_ =
      std::exchange(routes_, std::make_unique<const RouteTable>(std::span(options_->routes)));
  const LimitOptions& limits = options_->limits;
  subscriber_requests_.head_bytes = static_cast<std::uint32_t>(limits.head_bytes);
  subscriber_requests_.target_bytes = static_cast<std::uint32_t>(limits.target_bytes);
  subscriber_requests_.fields = limits.head_fields;
  subscriber_requests_.body_bytes = limits.body_bytes;
  admin_requests_ = publisher_requests_ = subscriber_requests_;
  // Each kind of request has its own limit, and a sentence that names it: not the parser's.
  publisher_requests_.body_bytes = kNoLimit;
  publishes_ = {.event_bytes = limits.event_bytes, .batch_bytes = limits.ingest_batch_bytes};
  events_ = {.data_bytes = limits.event_bytes,
             .type_bytes = limits.event_name_bytes,
             .gap_event = options_->delivery.gap_event,
             .end_event = options_->delivery.end_event};
  log_ = {.total_bytes = options_->history.total_bytes,
          .channels_max = limits.channels,
          .keys_max = limits.idempotency_keys,
          .keys_age = limits.idempotency_age,
          .revision = log_.revision + 1};
  cors_ = {options_->cors.origins, options_->cors.credentials};
  tokens_ = token_rules("token", options_->token, limits);
  tokens_.kept = routes_->claims();
  publish_tokens_ = token_rules("publish", options_->publish, limits);
  fronts_ = policy::TrustedFronts(options_->fronts.trusted);
  requests_per_address_ = parse_rate(limits.requests_per_address).value_or(Rate{});
  requests_per_token_ = parse_rate(limits.requests_per_token).value_or(Rate{});
}

}  // namespace fanfare::server
