// SubscriberRoutes, the part about what one client may ask for: how often, and how many streams.

#include <fmt/format.h>

#include <algorithm>

#include "broker/server/requests/subscriber_routes.h"
#include "broker/wire/http/negotiation.h"

namespace fanfare::server {

bool SubscriberRoutes::admit_client(const Request& request, Response& response) {
  client_ = client_of(request, parts_.settings);
  bearer_.reset();
  const auto wait = parts_.limits.wait_for(client_);
  if (!wait) return true;
  too_often(request, "requests_per_address", parts_.settings->limits.requests_per_address, *wait,
            response);
  return false;
}

bool SubscriberRoutes::admit_bearer(const policy::Grants* grants, const Request& request,
                                    Response& response) {
  if (grants == nullptr || !grants->bearer) return true;
  bearer_ = grants->bearer;
  const auto wait = parts_.limits.wait_for(*bearer_);
  if (!wait) return true;
  too_often(request, "requests_per_token", parts_.settings->limits.requests_per_token, *wait,
            response);
  return false;
}

// It passes by itself: an EventSource, which a 429 would stop for good, is told to come back. All
// others are told when.
void SubscriberRoutes::too_often(const Request& request, std::string_view limit,
                                 std::string_view rate, Duration wait, Response& response) {
  const std::vector<http::Field> cors = cors_fields(request);
  const std::string sentence =
      fmt::format("more requests than [limits] {} allows ({})", limit, rate);
  const bool head = request.head.method == http::Method::head;
  if (!head && http::accepts_by_name(request.head, "text/event-stream")) {
    const Route* const route = route_of(request.head);
    const auto asked = understand(request, route).value_or(sse::SubscribeRequest{});
    return parts_.streams.overload(request, asked, terms_of(route, asked, cors), sentence,
                                   response);
  }
  const auto seconds = std::max<std::int64_t>(1, (wait + 1s - Duration(1)) / 1s);
  response.fields.add("Retry-After", fmt::format("{}", seconds));
  answer_text(429, fmt::format("{}; the next one in {} s\n", sentence, seconds), cors, response);
}

std::optional<StreamShares> SubscriberRoutes::take_room(const Request& request,
                                                        const sse::SubscribeRequest& asked,
                                                        const Streams::Terms& terms,
                                                        Response& response) {
  const auto shares = parts_.limits.take(client_, bearer_);
  if (!shares) {
    parts_.streams.overload(request, asked, terms, shares.error(), response);
    return std::nullopt;
  }
  if (parts_.seats.take()) return *shares;
  parts_.limits.give_back(*shares);
  parts_.streams.overload(request, asked, terms, {}, response);
  return std::nullopt;
}

void SubscriberRoutes::give_back(const StreamShares& shares) {
  parts_.seats.give_back();
  parts_.limits.give_back(shares);
}

}  // namespace fanfare::server
