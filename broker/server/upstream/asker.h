// Asker: what carries questions to applications, as a Routes sees it: no sockets.
#pragma once

#include <string>
#include <string_view>

#include "broker/server/sockets/routes.h"

namespace fanfare::server {

struct Question {
  ExchangeId exchange;      // what waits for the answer
  std::string text;         // the whole request (server/upstream/forward.h)
  bool idempotent = false;  // may be asked twice (RFC 9110 §9.2.2)
  bool to_head = false;     // its answer has no body
  // The broker's own, not about a request: it has a connection of its own, beyond [limits]
  // upstream_connections, and nothing of it is counted among those.
  bool own = false;
};

class Asker {
 public:
  virtual ~Asker() = default;
  // `upstream` is one that parse_upstream() understands.
  virtual void ask(std::string_view upstream, Question question) = 0;
  // Nobody waits for its answer any more.
  virtual void forget(ExchangeId exchange) = 0;
};

}  // namespace fanfare::server
