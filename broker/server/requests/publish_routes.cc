#include "broker/server/requests/publish_routes.h"

#include <fmt/format.h>

#include <utility>

#include "broker/server/requests/bearer.h"
#include "broker/server/sockets/connection.h"

namespace fanfare::server {

// False: it does not bring a good token, and `response` says so.
bool PublishRoutes::let_in(const Request& request, Response& response) {
  if (door_ == nullptr) return true;
  door_->stand_before(request.peer != nullptr ? request.peer->text() : std::string(),
                      request.certificate);
  door_->shut();
  const std::optional<std::string_view> token = bearer_token(request.head);
  if (!token && door_->open()) return true;
  const auto refused = token ? door_->present(*token) : door_->refusal();
  if (!refused) return true;
  response.fields.add("WWW-Authenticate", token
                                              ? bearer_challenge("invalid_token", refused->message)
                                              : bearer_challenge({}));
  ingest::answer_refused(*refused, answer_);
  hand_over(response);
  return false;
}

// The texts change places: each keeps its memory for the next answer.
void PublishRoutes::hand_over(Response& response) {
  response.status = answer_.status;
  if (!answer_.content_type.empty()) response.fields.add("Content-Type", answer_.content_type);
  if (!answer_.allow.empty()) response.fields.add("Allow", answer_.allow);
  if (!answer_.accept_encoding.empty()) {
    response.fields.add("Accept-Encoding", answer_.accept_encoding);
  }
  if (!answer_.position.empty()) response.fields.add("Position", answer_.position);
  response.body.swap(answer_.body);
}

std::optional<std::size_t> PublishRoutes::body_allowed(const Request& request, Response& response) {
  answer_ = {};
  if (!let_in(request, response)) return std::nullopt;
  if (ingest::refused_by_head(request.head, answer_)) {
    hand_over(response);
    return std::nullopt;
  }
  return ingest::body_bytes_max(request.head, settings_.publishes());
}

void PublishRoutes::refuse_body(const Request& request, BodyRefusal refusal, Response& response) {
  if (refusal == BodyRefusal::too_large) {
    ingest::answer_body_too_large(request.head, settings_.publishes(), answer_);
  } else {
    ingest::answer_too_many_bodies(answer_);
  }
  hand_over(response);
}

void PublishRoutes::refuse(const Request& /*request*/, const Refused& why, Response& response) {
  if (why.status == 504) {  // only shards are waited for
    ingest::answer_not_taken(why.status, roll_calls_.late(), answer_);
    return hand_over(response);
  }
  ingest::answer_not_taken(why.status, why.sentence, answer_);
  hand_over(response);
}

void PublishRoutes::answer(const Request& request, Response& response) {
  answer_.status = 200;
  answer_.content_type = answer_.allow = answer_.accept_encoding = answer_.position = {};
  answer_.body.clear();
  answer_.roll.reset();
  // Again: other requests have gone through the door while the body was read.
  if (!let_in(request, response)) return;
  ingest::answer_request(request.head, request.body, sink_, settings_.publishes(), answer_);
  if (answer_.status == 403) {
    response.fields.add("WWW-Authenticate", bearer_challenge("insufficient_scope"));
  }
  if (!answer_.roll) return hand_over(response);
  roll_calls_.ask(asker_of(request.exchange), *std::exchange(answer_.roll, std::nullopt));
  response.kind = Response::Kind::later;
  response.patience = settings_->limits.presence_time;
}

// The answer to HEAD has no size: what it counts is the whole of what it says.
void PublishRoutes::answer(const Request& request, const RollCalls::Answered& roll,
                           std::int64_t at_ms, Response& response) {
  answer_.allow = answer_.accept_encoding = answer_.position = {};
  ingest::answer_roll(roll.page(at_ms), answer_);
  hand_over(response);
  response.fields.add("Fanfare-Subscribers", fmt::format("{}", roll.subscribers));
  response.of_another = request.head.method == http::Method::head;
}

}  // namespace fanfare::server
