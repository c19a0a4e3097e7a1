// Response: what a request is answered, as a value. No byte of it belongs to a version of HTTP: the
// transport that read the request says it in its own words, with what only a transport knows (Date,
// how the body ends, what becomes of the connection).
//
// Kept and reused: to answer allocates nothing once the largest answer was given.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/fanout/cursor.h"
#include "broker/wire/http/field_list.h"

#include "common/time.h"

namespace fanfare::server {

// An event stream as its request asked for it. It counts in its audience already: whoever is given
// one begins the stream.
struct StreamStart {
  std::uint32_t audience = ~std::uint32_t{0};
  fanout::Cursor cursor;  // everything after it is wanted
  // What is sent before any event. A Routes says the first lines, in the form in which the audience
  // gets its events; a transport whose head is bytes of the same socket puts that before them, so
  // that both are one send.
  std::string opening = {};
  Duration heartbeat{};  // none: it gets none
  // As its client said them, for publishers that watch.
  std::string query = {};
  std::string presented = {};  // its cursor
};

struct Response {
  enum class Kind : std::uint8_t {
    whole,      // text() is all of the body, which the transport leaves out of answers to HEAD
    stream,     // an event stream: `stream` begins, unless the request was HEAD
    come_back,  // an event stream that breaks off behind `body`: its client is to come back
    later,      // none yet: somebody else has to speak first. Then HttpPort::answer() is called
  };
  Kind kind = Kind::whole;
  int status = 200;
  // Without what the transport says itself: Date, Content-Length, Transfer-Encoding, Connection.
  http::FieldList fields;
  std::string body;
  std::string_view fixed;  // in place of the body: bytes that outlive every answer
  StreamStart stream;
  Duration patience{};  // of `later`: so long it is waited for, then Routes::refuse() says 504

  std::string_view text() const { return fixed.empty() ? std::string_view(body) : fixed; }
  void clear() {
    kind = Kind::whole;
    status = 200;
    fields.clear();
    body.clear();
    fixed = {};
    stream = {};
    patience = {};
  }
};

}  // namespace fanfare::server
