// PublishRoutes: publishing over HTTP, on the ingest socket and over TCP. Passes requests to
// ingest::answer_request, and makes Responses of its answers. Over TCP each request has to bring a
// publisher's token, which is looked at before its body is read.
#pragma once

#include <optional>

#include "broker/server/base/settings.h"
#include "broker/server/requests/publisher_door.h"
#include "broker/server/sockets/routes.h"
#include "broker/wire/ingest/http_dialect.h"

namespace fanfare::server {

class PublishRoutes final : public Routes {
 public:
  PublishRoutes(const Settings& settings, ingest::Sink& sink) : settings_(settings), sink_(sink) {}
  // Over TCP: all requests go through this door, one after another.
  PublishRoutes(const Settings& settings, PublisherDoor& door)
      : settings_(settings), sink_(door.sink()), door_(&door) {}

  std::optional<std::size_t> body_allowed(const Request& request, Response& response) override;
  void refuse_body(const Request& request, BodyRefusal refusal, Response& response) override;
  void refuse(const Request& request, const Refused& why, Response& response) override;
  void answer(const Request& request, Response& response) override;

 private:
  void hand_over(Response& response);
  bool let_in(const Request& request, Response& response);

  const Settings& settings_;
  ingest::Sink& sink_;
  PublisherDoor* const door_ = nullptr;
  ingest::HttpAnswer answer_;  // reused: publishing allocates nothing
};

}  // namespace fanfare::server
