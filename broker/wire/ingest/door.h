// Door: where a publisher that came over the network has to show who it is before it is served. It
// stands before one connection; the dialects pass it the tokens they are sent (RESP: AUTH and
// HELLO; NDJSON: {"op":"auth"}; HTTP: each request's Authorization), and ask it before each
// request. What a token lets its bearer do is not the dialects' business: they publish to the
// door's own Sink, which knows.
//
// Thread: the lead's.
#pragma once

#include <optional>
#include <string_view>

#include "broker/wire/ingest/sink.h"

namespace fanfare::ingest {

class Door {
 public:
  virtual ~Door() = default;

  // Nothing: the token is good, and counts from now on. Otherwise none does, not even the one
  // before it. An unauthenticated refusal says nothing about the broker's keys.
  virtual std::optional<Refused> present(std::string_view token) = 0;
  // A good token was presented, and still is one.
  virtual bool open() = 0;
  // To be answered to a request while it is not open; counted as one.
  virtual Refused refusal() = 0;
  // The token counts no more.
  virtual void shut() = 0;
  // So many bad tokens were presented that the connection is to end after the answer.
  virtual bool tried_enough() const = 0;
  // Behind the door: everything is checked against what the token grants.
  virtual Sink& sink() = 0;
};

}  // namespace fanfare::ingest
