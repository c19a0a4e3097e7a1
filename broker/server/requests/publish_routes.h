// PublishRoutes: the HTTP dialect of the ingest socket: gives requests to ingest::answer_request
// and puts its answers on the wire.
#pragma once

#include <memory>
#include <string>

#include "broker/server/base/settings.h"
#include "broker/server/sockets/routes.h"
#include "broker/wire/ingest/http_dialect.h"

namespace fanfare::server {

class PublishRoutes final : public Routes {
 public:
  PublishRoutes(const Settings& settings, ingest::Sink& sink) : settings_(settings), sink_(sink) {}

  std::size_t body_allowed(const Request& request, std::string& out) override;
  void refuse_body(const Request& request, BodyRefusal refusal, std::string& out) override;
  void refuse(const Request& request, const Refused& why, std::string& out) override;
  Verdict answer(const Request& request, std::string& out) override;

 private:
  void write_answer(const Request& request, h1::Connection connection, std::string& out);

  const Settings& settings_;
  ingest::Sink& sink_;
  ingest::HttpAnswer answer_;  // reused: publishing allocates nothing
};

}  // namespace fanfare::server
