// Routes: what the requests on one listener mean. The HTTP port reads a request, asks here, and
// carries the answer; it knows nothing of channels, and a Routes knows nothing of sockets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "broker/io/ring.h"
#include "broker/wire/h1/response_writer.h"
#include "broker/wire/http/head.h"

namespace fanfare::server {

// A request that is complete, or refused before it is: then of its head what had been read, perhaps
// nothing.
struct Request {
  io::Slot slot = 0;
  const http::RequestHead& head;
  std::string_view body;
  h1::Connection connection{};  // what the request allows to be said about the connection
  std::string_view date;        // of the answer: RFC 9110 §6.6.1
};

// Why the port does not take a request: it is malformed, too long, or too slow.
struct Refused {
  int status = 400;
  std::string_view sentence;  // without a full stop; names the key that sets the limit
  http::Limit limit = http::Limit::none;
};

enum class BodyRefusal : std::uint8_t {
  too_large,        // 413: longer than body_allowed()
  too_many_bodies,  // 503: with the others that are being received ([limits] bodies_bytes)
};

class Routes {
 public:
  virtual ~Routes() = default;

  // Before the body is read. The most bytes of body the request may bring; or 0 with the whole
  // answer in `out` if it is refused whatever its body is. (The parser's own bound holds as well.)
  virtual std::size_t body_allowed(const Request& request, std::string& out) = 0;
  // The answer to a body that is not read, appended to `out`; the connection is closed after it.
  virtual void refuse_body(const Request& request, BodyRefusal refusal, std::string& out) = 0;
  // The answer to a request that the port does not take, appended to `out`; the connection is
  // closed after it. The port has counted it.
  virtual void refuse(const Request& request, const Refused& why, std::string& out) = 0;

  enum class Verdict : std::uint8_t {
    answered,       // the whole answer is in `out`
    answered_last,  // the same, and the connection is to be closed after it
    stream,         // an event stream has begun: it owns the connection now; `out` is not used
  };
  virtual Verdict answer(const Request& request, std::string& out) = 0;
};

}  // namespace fanfare::server
