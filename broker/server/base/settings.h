// Settings: the options in force on one shard. They stay at one address for the life of the shard;
// every room holds a reference and reads a value where it uses it, so that a SIGHUP is one
// assignment and nothing has to be passed on. What several rooms need in another shape (limits of a
// parser, CORS rules) is converted here, once per change, at an address of its own.
//
// replace() is called between two steps of a turn only, when no room is at work. What was read
// before stays valid until the one after it: a room may keep a reference to an option during a
// step, never beyond.
//
// Thread: the shard's.
#pragma once

#include <cstdint>
#include <memory>

#include "broker/fanout/limits.h"
#include "broker/policy/client_address.h"
#include "broker/policy/cors.h"
#include "broker/policy/event_rules.h"
#include "broker/policy/jwt.h"
#include "broker/server/base/options.h"
#include "broker/server/base/rate.h"
#include "broker/server/base/route_table.h"
#include "broker/wire/http/limits.h"
#include "broker/wire/ingest/http_dialect.h"

namespace fanfare::server {

class Settings {
 public:
  explicit Settings(std::shared_ptr<const Options> options) { replace(std::move(options)); }
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  void replace(std::shared_ptr<const Options> options);

  const Options& options() const { return *options_; }
  const std::shared_ptr<const Options>& shared() const { return options_; }
  const Options* operator->() const { return options_.get(); }
  // Grows with every replace(): anything worked out from the options of a lower revision is out of
  // date.
  const std::uint32_t& revision() const { return log_.revision; }

  // The limits of requests on a subscriber listener, on the ingest socket, on the admin listener.
  const http::Limits& subscriber_requests() const { return subscriber_requests_; }
  const http::Limits& publisher_requests() const { return publisher_requests_; }
  const http::Limits& admin_requests() const { return admin_requests_; }
  const ingest::HttpLimits& publishes() const { return publishes_; }
  const policy::EventLimits& events() const { return events_; }
  const policy::CorsRules& cors() const { return cors_; }
  const policy::JwtRules& tokens() const { return tokens_; }
  const policy::JwtRules& publish_tokens() const { return publish_tokens_; }
  const policy::TrustedFronts& fronts() const { return fronts_; }
  const Rate& requests_per_address() const { return requests_per_address_; }
  const Rate& requests_per_token() const { return requests_per_token_; }
  const fanout::LogLimits& log() const { return log_; }
  const RouteTable& routes() const { return *routes_; }

 private:
  std::shared_ptr<const Options> options_;
  std::shared_ptr<const Options> before_;
  http::Limits subscriber_requests_;
  http::Limits publisher_requests_;
  http::Limits admin_requests_;
  ingest::HttpLimits publishes_;
  policy::EventLimits events_;
  policy::CorsRules cors_;
  policy::JwtRules tokens_;
  policy::JwtRules publish_tokens_;
  policy::TrustedFronts fronts_;
  Rate requests_per_address_;
  Rate requests_per_token_;
  fanout::LogLimits log_;
  std::unique_ptr<const RouteTable> routes_;
  std::unique_ptr<const RouteTable> routes_before_;
};

}  // namespace fanfare::server
