// PublishRoutes: the HTTP dialect of the ingest socket. Passes requests to ingest::answer_request,
// and makes Responses of its answers.
#pragma once

#include <optional>

#include "broker/server/base/settings.h"
#include "broker/server/sockets/routes.h"
#include "broker/wire/ingest/http_dialect.h"

namespace fanfare::server {

class PublishRoutes final : public Routes {
 public:
  PublishRoutes(const Settings& settings, ingest::Sink& sink) : settings_(settings), sink_(sink) {}

  std::optional<std::size_t> body_allowed(const Request& request, Response& response) override;
  void refuse_body(const Request& request, BodyRefusal refusal, Response& response) override;
  void refuse(const Request& request, const Refused& why, Response& response) override;
  void answer(const Request& request, Response& response) override;

 private:
  void hand_over(Response& response);

  const Settings& settings_;
  ingest::Sink& sink_;
  ingest::HttpAnswer answer_;  // reused: publishing allocates nothing
};

}  // namespace fanfare::server
