// SubscriberRoutes: what a request on a subscriber listener means: /events and the configured
// routes open streams, OPTIONS is answered, everything else gets a 404 that names them. CORS fields
// go on every answer, also on refusals: without them a browser hides the reason.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/policy/cors.h"
#include "broker/server/base/seats.h"
#include "broker/server/base/settings.h"
#include "broker/server/requests/authenticator.h"
#include "broker/server/sockets/routes.h"
#include "broker/server/streams/streams.h"

#include "common/log.h"

namespace fanfare::server {

class SubscriberRoutes final : public Routes {
 public:
  SubscriberRoutes(const Settings& settings, Streams& streams, Seats& seats, Counters& counters);

  void turn_begins(TimePoint now) {
    now_ = now;
    authenticator_.turn_begins(now);
  }
  // The time of day, by which tokens expire.
  void tell_date(std::chrono::sys_seconds date) { authenticator_.tell_date(date); }

  std::optional<std::size_t> body_allowed(const Request& request, Response& response) override;
  void refuse_body(const Request& request, BodyRefusal refusal, Response& response) override;
  void refuse(const Request& request, const Refused& why, Response& response) override;
  void answer(const Request& request, Response& response) override;

 private:
  void subscribe(const Request& request, const RouteRule* route, std::span<const http::Field> cors,
                 Response& response);
  void refuse_token(const TokenRefusal& refusal, std::span<const http::Field> cors,
                    Response& response);
  bool granted(const policy::Grants& grants, const std::vector<std::string>& topics,
               std::span<const http::Field> cors, Response& response);
  std::string not_open(const std::vector<std::string>& topics) const;
  std::string topics_problem(const std::vector<std::string>& topics) const;
  void answer_text(int status, std::string_view text, std::span<const http::Field> further,
                   Response& response);
  std::vector<http::Field> cors_fields(const Request& request);
  policy::Preflight preflight_of(const http::RequestHead& head);
  void log_refused_origin(const http::RequestHead& head, std::string_view origin);

  const Settings& settings_;
  Streams& streams_;
  Seats& seats_;
  Counters& counters_;
  Authenticator authenticator_;
  std::string granted_headers_;  // of the preflight being answered
  TimePoint now_{};
  log::Limit refused_origin_log_;
  log::Limit patterns_log_;
};

}  // namespace fanfare::server
