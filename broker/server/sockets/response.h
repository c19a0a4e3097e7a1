// Response: the answer to a request, as a value that belongs to no version of HTTP. The transport
// that read the request writes it in its own form, and adds what only a transport knows (Date, how
// the body ends, what becomes of the connection).
//
// A Response is kept and reused: filling it in allocates nothing once it has held a larger answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/fanout/cursor.h"
#include "broker/fanout/newest.h"
#include "broker/server/sockets/access_line.h"
#include "broker/server/sockets/packed_address.h"
#include "broker/server/sockets/stream_shares.h"
#include "broker/wire/http/field_list.h"
#include "broker/wire/http/gzip.h"

#include "common/time.h"

namespace fanfare::server {

// An event stream as its request asked for it. It is already counted in its feed, so the shard
// that receives one must begin the stream.
struct StreamStart {
  std::uint32_t feed = ~std::uint32_t{0};  // its number
  fanout::Cursor cursor;                   // everything after it is wanted…
  fanout::Newest newest = {};              // …or at first the newest of each channel
  // What is sent before any event: the stream's first lines, in the same form as its events.
  // HTTP/1.1 puts the response head before them, so that both are one send.
  std::string opening = {};
  http::TextSum said = {};  // the text in it, if the stream is compressed
  Duration heartbeat{};     // zero: no heartbeats
  // Its name, already counted among its users as the stream is in its feed
  // (server/streams/heartbeats.h).
  std::uint8_t heartbeat_event = 0;
  // When it ends, whatever its client wants: what it was granted by counts no more.
  std::chrono::sys_seconds expires = std::chrono::sys_seconds::max();
  // How long it may last at most; some are ended earlier, so that not all return at once. Zero:
  // as long as its client wants.
  Duration life{};
  StreamShares shares = {};  // of its client's quotas; given back when it ends
  // When its application wants it to end: it comes back then, or is complete.
  std::optional<TimePoint> ends = {};
  bool ends_complete = false;
  // Whose stream it is, where the connection is a front's that carries it for another client.
  std::optional<PackedAddress> carried_for = {};
  // The request's query and cursor, and who asks, for publishers that watch.
  std::string query = {};
  std::string presented = {};
  // For the access log: what its transport has noted.
  AccessLine access = {};
  std::string subject = {};
};

struct Response {
  enum class Kind : std::uint8_t {
    whole,      // text() is all of the body, which the transport leaves out of answers to HEAD
    stream,     // an event stream: `stream` begins, unless the request was HEAD
    come_back,  // an event stream that breaks off after `body`: its client is to come back
    later,      // not known yet, because another party has to be asked: see HttpPort::answer()
  };
  Kind kind = Kind::whole;
  int status = 200;
  // Without the fields that the transport adds: Date, Content-Length, Transfer-Encoding,
  // Connection.
  http::FieldList fields;
  std::string body;
  std::string_view fixed;  // in place of the body: bytes that outlive every answer
  // The answer to a HEAD request is an application's: what GET would get has this size, if it is
  // known, and not that of text().
  bool of_another = false;
  std::optional<std::uint64_t> size;
  StreamStart stream;
  Duration patience{};  // how long a `later` answer may take; then it is Routes::refuse() with 504

  std::string_view text() const { return fixed.empty() ? std::string_view(body) : fixed; }
  void clear() {
    kind = Kind::whole;
    status = 200;
    fields.clear();
    body.clear();
    fixed = {};
    of_another = false;
    size.reset();
    stream = {};
    patience = {};
  }
};

}  // namespace fanfare::server
