// Wishes: what a client said about the stream it wants, in the query or in a POST's body, before
// it is understood. A parameter has the same names and the same meaning in both, and what was said
// in the query goes before the body: libraries that reconnect add their cursor to the URL and send
// the body again as it was.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/http/head.h"
#include "broker/wire/sse/parameters.h"

namespace fanfare::sse {

struct Wish {
  std::string text;   // the value
  std::string shown;  // as it was written, for a sentence: `replay=x`, `"replay": "x" in the body`
  bool in_body = false;
};

struct Wishes {
  std::vector<std::string> topics;  // in the order named
  std::optional<Wish> cursor;       // an empty one is none
  std::optional<Wish> replay;
  std::optional<Wish> since;
  std::optional<Wish> each;
  std::optional<Wish> poll;
  std::optional<Wish> wait;
  std::optional<Wish> heartbeat;
  std::optional<Wish> format;
  std::optional<Wish> announce_position;
  std::optional<Wish> with;
  std::optional<Wish> heartbeat_event;
  std::optional<Wish> max_rate;
};

// Each reads what the scope leaves to the client. Each error is one sentence for the client (a
// 400), without a full stop. Parameters of other names are the application's own, unless they are
// one of these in another spelling ("Channel").
std::expected<Wishes, std::string> wishes_of_query(std::string_view query, const Scope& scope);
// An empty body wishes for nothing. Any other has to be a POST's, in JSON, an object:
//   {"channels": ["news", "metrics/**"], "last_event_id": "…", "replay": 10, "heartbeat": "4s"}
// null is the same as nothing.
std::expected<Wishes, std::string> wishes_of_body(const http::RequestHead& head,
                                                  std::string_view body, const Scope& scope);
// A body that is the page's own: of any type, of any shape, and with any method. Nothing in it
// means anything here but a cursor, where it is a JSON object that has one.
std::expected<Wishes, std::string> cursor_of_body(const http::RequestHead& head,
                                                  std::string_view body, const Scope& scope);

// Whether the query means something to the broker by this name, or nearly this one.
bool is_parameter(std::string_view name);

}  // namespace fanfare::sse
