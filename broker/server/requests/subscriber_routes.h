// SubscriberRoutes: what a request on a subscriber listener means: /events and the configured
// routes open streams, some of them once their application has been asked, /position says where the
// log is, /fanfare.js is the browser module, OPTIONS is answered, everything else gets a 404 that
// names them. CORS fields go on every answer, also on refusals: without them a browser hides the
// reason.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/policy/cors.h"
#include "broker/server/base/approvals.h"
#include "broker/server/base/route_table.h"
#include "broker/server/base/seats.h"
#include "broker/server/base/settings.h"
#include "broker/server/requests/authenticator.h"
#include "broker/server/requests/route_values.h"
#include "broker/server/sockets/client.h"
#include "broker/server/sockets/client_limits.h"
#include "broker/server/sockets/routes.h"
#include "broker/server/streams/polls.h"
#include "broker/server/streams/streams.h"
#include "broker/server/upstream/answer_reader.h"
#include "broker/server/upstream/asker.h"
#include "broker/wire/sse/attachment.h"
#include "broker/wire/sse/subscribe_request.h"

#include "common/log.h"

namespace fanfare::server {

class SubscriberRoutes final : public Routes {
 public:
  struct Parts {
    const Settings& settings;
    Streams& streams;
    Polls& polls;
    Seats& seats;
    ClientLimits& limits;
    Counters& counters;
    Asker& applications;
    Approvals& approvals;
    Tickets& tickets;
  };
  explicit SubscriberRoutes(const Parts& parts);

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
  void given_up(ExchangeId exchange) override;
  bool time_is_up(const Request& request, Response& response) override;
  // An application has answered about this request, which was put off. May move from `answer`.
  void answered(const Request& request, UpstreamAnswer& answer, Response& response);

 private:
  // Null: none, or none for this method.
  const Route* route_of(const http::RequestHead& head) const;
  // subscriber_limits.cc. False: its client, or the bearer of its token, asks too often, which
  // `response` says.
  bool admit_client(const Request& request, Response& response);
  bool admit_bearer(const policy::Grants* grants, const Request& request, Response& response);
  void too_often(const Request& request, std::string_view limit, std::string_view rate,
                 Duration wait, Response& response);
  // Nothing, with the answer in `response`: there is no room for a stream of this client.
  std::optional<StreamShares> take_room(const Request& request, const sse::SubscribeRequest& asked,
                                        const Streams::Terms& terms, Response& response);
  void give_back(const StreamShares& shares);
  // `values` are those of the path's variables; without a route it is /events.
  void subscribe(const Request& request, const Route* route,
                 std::span<const std::string_view> values, std::span<const http::Field> cors,
                 Response& response);
  // What the client asks for, and the route for those who ask for nothing.
  std::expected<sse::SubscribeRequest, sse::SubscribeProblem> understand(const Request& request,
                                                                         const Route* route) const;
  // subscriber_selftest.cc
  void selftest(const Request& request, Response& response);
  void refuse_token(const TokenRefusal& refusal, std::span<const http::Field> cors,
                    Response& response);
  void refuse_value(const ValueRefusal& refusal, std::span<const http::Field> cors,
                    Response& response);
  TokenNeed need_on(const Route* route) const;
  bool granted(const policy::Grants& grants, const std::vector<std::string>& topics,
               std::span<const http::Field> cors, Response& response);
  std::string shown_query(const Request& request) const;
  void answer_position(const Request& request, std::vector<http::Field> cors, Response& response);
  // What the listener and the route add; `further` outlives it.
  Streams::Terms terms_of(const Route* route, const sse::SubscribeRequest& asked,
                          std::span<const http::Field> further) const;
  // Topics that are valid and allowed: a stream, if there is room for it.
  void begin(const Request& request, const sse::SubscribeRequest& asked,
             const Streams::Terms& terms, Response& response);

  // For a reason that passes, which is logged now and then.
  void come_back_later(const Request& request, const sse::SubscribeRequest& asked,
                       const Streams::Terms& terms, std::string_view why, log::Limit& limit,
                       Response& response);

  // subscriber_asking.cc
  void ask(const Request& request, const Route& route, std::span<const http::Field> cors,
           Response& response);
  void attached(const Request& request, const Route& route, std::span<const http::Field> fields,
                std::span<const http::Field> cors, Response& response);
  void attach(const Request& request, const Route& route, sse::SubscribeRequest& asked,
              const Approval& approval, std::span<const http::Field> further, Response& response);
  bool tell_to_come_back(const Request& request, Response& response);
  bool too_slow(const Request& request, Response& response);
  void log_upstream(const Route& route, std::string_view what);

  std::string not_open(const std::vector<std::string>& topics) const;
  std::string topics_problem(const std::vector<std::string>& topics) const;
  std::string heartbeat_problem(const sse::SubscribeRequest& asked) const;
  void answer_text(int status, std::string_view text, std::span<const http::Field> further,
                   Response& response);
  std::vector<http::Field> cors_fields(const Request& request);
  policy::Preflight preflight_of(const http::RequestHead& head);
  void log_refused_origin(const http::RequestHead& head, std::string_view origin);

  Parts parts_;
  Authenticator authenticator_;
  std::string granted_headers_;  // of the preflight being answered
  // Whose request is being answered.
  Client client_;
  std::optional<policy::Bearer> bearer_;
  TimePoint now_{};
  log::Limit refused_origin_log_;
  log::Limit patterns_log_;
  log::Limit heartbeats_log_;
  log::Limit upstream_log_;
};

}  // namespace fanfare::server
