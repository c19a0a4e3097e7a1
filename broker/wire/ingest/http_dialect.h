// The HTTP dialect: what a request on the ingest socket means, over an already parsed head and a
// whole body. The server owns the connection (parsing, keep-alive, `Expect: 100-continue`) and
// writes the answer's head; this is a function from request to answer.
//
//   POST|PUT /publish/<channel>   body = data, whatever the content type; ?event= ?id= ?retry=
//   POST     /publish             application/x-ndjson: a batch, a channel per line
//   POST     /finish/<channel>
//   POST     /ticket              {"channels": [...], "expires": "60s", "sub": "ann"}
//   GET|HEAD /position            the id of now
//   GET|HEAD /channels            ?match=<pattern> ?limit=<n>
//   GET|HEAD|DELETE /channels/<channel>
//   GET|HEAD /channels/<channel>/subscribers   ?limit=<n> ?after=<next of the page before>
//   GET|HEAD /                    what this socket speaks
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/wire/ingest/roll.h"
#include "broker/wire/ingest/sink.h"

namespace fanfare::http {
struct RequestHead;
}

namespace fanfare::ingest {

struct HttpLimits {
  std::size_t event_bytes = 64U << 10U;
  std::size_t batch_bytes = 16U << 20U;  // of an NDJSON batch
};

// Kept and reused from request to request, so that publishing allocates nothing.
struct HttpAnswer {
  int status = 200;  // 200 400 401 403 404 405 409 413 415 503
  std::string_view content_type;
  std::string_view allow;            // with 405: the value of Allow
  std::string_view accept_encoding;  // with some 415: the value of Accept-Encoding
  // The value of Position, with the answer to /position and to every change that was made; until
  // the next call of the Sink.
  std::string_view position;
  std::string body;  // of HEAD too: send its size, not its bytes
  // A question that the broker's shards have to be asked; answer_roll() says the rest. None: this
  // is the answer.
  std::optional<RollRequest> roll = {};
};

// Before the body is read: the most bytes of body this request may bring.
std::size_t body_bytes_max(const http::RequestHead& head, const HttpLimits& limits);
// Before the body is read: true if the request will be refused whatever its body is; then `answer`
// says why, and is to be sent instead of `100 Continue`.
bool refused_by_head(const http::RequestHead& head, HttpAnswer& answer);
// The answer to a body longer than body_bytes_max(), as it was declared or as it came.
void answer_body_too_large(const http::RequestHead& head, const HttpLimits& limits,
                           HttpAnswer& answer);
// The answer to a request that is refused for this reason.
void answer_refused(const Refused& refused, HttpAnswer& answer);
// The answer to a request that could not be read: malformed, or too slow (408).
void answer_not_taken(int status, std::string_view sentence, HttpAnswer& answer);
// The answer while the bodies of other requests fill [limits] bodies_bytes.
void answer_too_many_bodies(HttpAnswer& answer);
// Publishes, finishes, describes: the whole meaning of the request.
void answer_request(const http::RequestHead& head, std::string_view body, Sink& sink,
                    const HttpLimits& limits, HttpAnswer& answer);
// What the shards have said to HttpAnswer::roll.
void answer_roll(const Roll& roll, HttpAnswer& answer);

}  // namespace fanfare::ingest
