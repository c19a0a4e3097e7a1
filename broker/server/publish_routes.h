// PublishRoutes: the HTTP dialect of the ingest socket: gives requests to ingest::answer_request
// and puts its answers on the wire.
#pragma once

#include <memory>
#include <string>

#include "broker/server/options.h"
#include "broker/server/routes.h"
#include "broker/wire/ingest/http_dialect.h"

namespace fanfare::server {

class PublishRoutes final : public Routes {
 public:
  PublishRoutes(const Options& options, ingest::Sink& sink) : sink_(sink) {
    take_settings(options);
  }

  void take_settings(const Options& options) {
    limits_ = {.event_bytes = options.limits.event_bytes,
               .batch_bytes = options.limits.ingest_batch_bytes};
  }

  std::size_t body_allowed(const Request& request, std::string& out) override;
  void refuse_body(const Request& request, BodyRefusal refusal, std::string& out) override;
  Verdict answer(const Request& request, std::string& out) override;

 private:
  void write_answer(const Request& request, h1::Connection connection, std::string& out);

  ingest::Sink& sink_;
  ingest::HttpLimits limits_;
  ingest::HttpAnswer answer_;  // reused: publishing allocates nothing
};

}  // namespace fanfare::server
