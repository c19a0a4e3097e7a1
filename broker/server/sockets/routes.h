// Routes: what the requests on one listener mean. A transport reads a request, asks here, and
// writes the answer in its version of HTTP. The transport knows nothing of channels. A Routes knows
// nothing of sockets or transports: it sees a Request and fills in a Response.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "broker/server/sockets/response.h"
#include "broker/wire/http/head.h"
#include "broker/wire/http/limits.h"
#include "broker/wire/tls/peer_certificate.h"

namespace fanfare::server {

// How the body of an event stream ends on the transport that asks, and with it the form in which
// the transport wants its bytes.
enum class BodyEnd : std::uint8_t {
  last_chunk,        // HTTP/1.1: each piece is a chunk
  connection_close,  // HTTP/1.0: bare; only a reset says "come back"
  end_of_stream,     // transports with frames of their own (HTTP/2): bare
};

// Names a request and its answer on one transport. Indexes are reused; the generation shows that an
// id belongs to an exchange that has ended.
struct ExchangeId {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
};

// A request that is complete; or, if it was refused before that, as much of its head as had been
// read, perhaps nothing.
struct Request {
  const http::RequestHead& head;
  std::string_view body;
  BodyEnd body_end = BodyEnd::last_chunk;
  ExchangeId exchange = {};  // for an answer that comes later
  // The other end of its connection, which may be a front's (client.h); null where there is none,
  // or before its head is whole.
  const PackedAddress* peer = nullptr;
  // That the other end has shown; null: none, or it is not asked about here.
  std::shared_ptr<const tls::PeerCertificate> certificate = {};
  bool secure = false;  // it came over TLS, to this broker
};

// Why the transport does not accept a request: it is malformed, too long, or too slow. Or its
// answer did not come in time (504).
struct Refused {
  int status = 400;
  std::string_view sentence;  // without a full stop; names the key that sets the limit
  http::Limit limit = http::Limit::none;
};

enum class BodyRefusal : std::uint8_t {
  too_large,        // 413: longer than body_allowed()
  too_many_bodies,  // 503: with the others that are being received ([limits] bodies_bytes)
};

// Each answers by filling in `response`, which is cleared. Only answer() may begin a
// stream, or answer later.
class Routes {
 public:
  virtual ~Routes() = default;

  // Before the body is read: how many bytes of body the request may bring at most. Nothing, with
  // the answer in `response`, if it is refused whatever its body is. (The transport's own bound
  // holds as well.)
  virtual std::optional<std::size_t> body_allowed(const Request& request, Response& response) = 0;
  // The answer to a body that is not read.
  virtual void refuse_body(const Request& request, BodyRefusal refusal, Response& response) = 0;
  // The answer to a request that the transport does not accept, and has counted.
  virtual void refuse(const Request& request, const Refused& why, Response& response) = 0;

  virtual void answer(const Request& request, Response& response) = 0;
  // Nobody waits for the `later` answer of this exchange any more: its client has left, or its time
  // is up (and refuse() follows).
  virtual void given_up(ExchangeId /*exchange*/) {}
  // The time of a `later` answer is up. True: `response` is the answer, of which that was known.
  // False: given_up() and refuse() follow.
  virtual bool time_is_up(const Request& /*request*/, Response& /*response*/) { return false; }
};

}  // namespace fanfare::server
