// PublishRoutes: publishing over HTTP, on the ingest socket and over TCP. Passes requests to
// ingest::answer_request, and makes Responses of its answers. Over TCP each request has to bring a
// publisher's token, which is looked at before its body is read.
#pragma once

#include <optional>

#include "broker/server/base/settings.h"
#include "broker/server/requests/publisher_door.h"
#include "broker/server/requests/roll_calls.h"
#include "broker/server/sockets/routes.h"
#include "broker/wire/ingest/http_dialect.h"

namespace fanfare::server {

class PublishRoutes final : public Routes {
 public:
  PublishRoutes(const Settings& settings, ingest::Sink& sink, RollCalls& roll_calls)
      : settings_(settings), sink_(sink), roll_calls_(roll_calls) {}
  // Over TCP: all requests go through this door, one after another.
  PublishRoutes(const Settings& settings, PublisherDoor& door, RollCalls& roll_calls)
      : settings_(settings), sink_(door.sink()), roll_calls_(roll_calls), door_(&door) {}

  std::optional<std::size_t> body_allowed(const Request& request, Response& response) override;
  void refuse_body(const Request& request, BodyRefusal refusal, Response& response) override;
  void refuse(const Request& request, const Refused& why, Response& response) override;
  void answer(const Request& request, Response& response) override;
  void given_up(ExchangeId exchange) override { roll_calls_.forget(asker_of(exchange)); }
  // The shards have said who subscribes to a channel; at this time of day.
  void answer(const Request& request, const RollCalls::Answered& roll, std::int64_t at_ms,
              Response& response);

 private:
  void hand_over(Response& response);
  RollAsker asker_of(ExchangeId exchange) const {
    return {.kind = door_ == nullptr ? RollAsker::Kind::ingest : RollAsker::Kind::publish,
            .id = exchange};
  }
  bool let_in(const Request& request, Response& response);

  const Settings& settings_;
  ingest::Sink& sink_;
  RollCalls& roll_calls_;
  PublisherDoor* const door_ = nullptr;
  ingest::HttpAnswer answer_;  // reused: publishing allocates nothing
};

}  // namespace fanfare::server
