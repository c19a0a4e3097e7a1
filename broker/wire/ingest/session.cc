#include "broker/wire/ingest/session.h"

#include "broker/wire/ingest/ndjson_session.h"
#include "broker/wire/ingest/resp_session.h"

#include "common/check.h"

namespace fanfare::ingest {

std::unique_ptr<Session> make_session(Dialect dialect, Sink& sink, const SessionOptions& options) {
  CHECK(dialect == Dialect::resp || dialect == Dialect::ndjson,
        "HTTP has no session here, and the rest is no dialect");
  if (dialect == Dialect::resp) return std::make_unique<RespSession>(sink, options);
  return std::make_unique<NdjsonSession>(sink, options);
}

}  // namespace fanfare::ingest
