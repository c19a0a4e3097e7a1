// Session: HTTP/2 (RFC 9113) on one connection, the server's side, as a machine of bytes: what the
// client sent goes in and its requests come out, to a Reader; answers go in, and their frames are
// pulled out into the caller's buffer. It knows no socket, no clock and no channel.
//
//   read(bytes) ──▶ Reader::asked, body, complete, refused        a request
//                   Reader::closed                                its stream is over, whatever
//                   ended it
//   answer() ─────▶ a whole answer, or the head of an event stream
//   offer(bytes) ─▶ DATA of an event stream: as much of it as the windows and the buffer allow now,
//                   copied once, into the frame. Nothing is kept: the rest is offered again.
//
// The frames, HPACK and the windows are nghttp2's (Debian's 1.52, which answers malformed messages
// and broken rules with the errors that RFC 9113 names). What a client may ask for without any use
// is bounded here (flood.h), whatever nghttp2 bounds as well.
//
// Between two calls a session holds no bytes of events. An idle event stream costs what nghttp2
// keeps for it, and nothing here.
//
// Thread: any one. `limits`, `memory` and the Reader outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/h2/flood.h"
#include "broker/wire/h2/frame_watch.h"
#include "broker/wire/h2/memory.h"
#include "broker/wire/h2/request_reader.h"
#include "broker/wire/http/head.h"
#include "broker/wire/http/limits.h"
#include "broker/wire/http/status.h"

#include "common/time.h"

struct nghttp2_session;

namespace fanfare::h2 {

using StreamId = std::uint32_t;

// What the client's first bytes are, if it speaks HTTP/2 by prior knowledge (RFC 9113 §3.4).
inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// RFC 9113 §7: those the broker says.
enum class ErrorCode : std::uint32_t {
  no_error = 0,
  protocol_error = 1,
  internal_error = 2,
  refused_stream = 7,
  cancel = 8,
  enhance_your_calm = 11,
};

// The requests of one connection, as they arrive. Each call is made by Session::read(), or by a
// call that writes frames (`closed`). They may answer, offer nothing, and reset.
class Reader {
 public:
  virtual ~Reader() = default;

  // A request begins: its head is not complete.
  virtual void begun(StreamId stream) = 0;
  // Its head is complete (Session::head()). `complete` follows, perhaps at once.
  virtual void asked(StreamId stream, bool body_follows) = 0;
  virtual void body(StreamId stream, std::string_view piece) = 0;
  virtual void complete(StreamId stream) = 0;
  // It is not accepted: an answer is due that says so. Session::head() is as much of it as is kept.
  virtual void refused(StreamId stream, const http::Refusal& refusal) = 0;
  // Nothing more will be read or said on it.
  virtual void closed(StreamId stream) = 0;
  // A broken answer's text is out: reset it once its client has had time to read that.
  virtual void broken_off(StreamId stream) = 0;
  // The client lets more be sent on it.
  virtual void widened(StreamId stream) = 0;
};

// The body of an answer.
struct Body {
  enum class Kind : std::uint8_t {
    none,
    whole,   // `text`, or `fixed`: and that is the end
    broken,  // the same, and no end: it is not complete (Reader::broken_off)
    events,  // an event stream: offer() says it
  };
  Kind kind = Kind::none;
  std::string text = {};
  std::string_view fixed = {};  // in place of the text: outlives the session
};

class Session {
 public:
  struct Options {
    const http::Limits& limits;
    std::uint32_t streams_max = 250;  // that the client may have open at a time
  };
  Session(const Options& options, Memory& memory, Reader& reader);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // The connection's bytes, from the preface on. Nothing is read once the session is over().
  void read(std::string_view bytes, TimePoint now);
  // Appends what there is to be said to `out`, until that has at least `enough` bytes.
  void write(std::string& out, std::size_t enough);
  bool has_output() const;
  // The client broke the protocol, or was told to be calm, or goodbye() was said. When all output
  // is out, the connection is to end.
  bool over() const { return over_; }
  // Why, if it was the client's doing. `none` and failed(): it broke the protocol.
  Flood flood() const { return flood_; }
  bool failed() const { return failed_; }
  // A head has begun and is not complete: nothing else can be read meanwhile.
  bool in_head() const { return in_head_; }

  // From asked() or refused() until its answer, or closed().
  const http::RequestHead& head(StreamId stream) const;
  std::size_t head_bytes(StreamId stream) const;
  // Says 100, for which the client may wait before it sends the body.
  void go_on(StreamId stream);
  // Names are lower case, and none is a field that HTTP/2 does not have. The request is forgotten.
  void answer(StreamId stream, int status, std::span<const http::Field> fields, Body body);
  // Bytes of an answer with a text that have not been said yet.
  std::size_t unsaid(StreamId stream) const;

  // Says bytes on an event stream, after its answer. Returns how many of them went into `out`.
  std::size_t offer(StreamId stream, std::string_view bytes, std::string& out, std::size_t enough);
  // The end of an event stream, after all that was offered: it is complete.
  void finish(StreamId stream);
  void reset(StreamId stream, ErrorCode code);
  // How many bytes the client lets be sent: on the stream, and on all of them together.
  std::int32_t window(StreamId stream) const;
  std::int32_t window() const;
  // How many it lets be sent on a stream that begins (SETTINGS_INITIAL_WINDOW_SIZE). When that
  // changes, the windows of all open streams change with it (RFC 9113 §6.9.2).
  std::int32_t initial_window() const;

  // Graceful end (RFC 9113 §6.8): soon no more is taken in…
  void announce_goodbye();
  // …and now it is not. For when no stream is open.
  void goodbye();

 private:
  struct Callbacks;
  friend struct Callbacks;
  // A text on its way. Empty with Kind::whole or broken: all of it has gone.
  struct Text {
    Body body;
    std::string_view rest;
  };

  bool admit(Flood kind);
  void calm(Flood kind);
  void fail(int error);

  const Options options_;
  Reader& reader_;
  Heap heap_;
  nghttp2_session* session_ = nullptr;
  FloodGate gate_;
  FrameWatch watch_;
  std::map<StreamId, RequestReader> requests_;  // not answered yet
  std::map<StreamId, Text> texts_;
  std::vector<StreamId> finishing_;

  StreamId offered_stream_ = 0;
  std::string_view offered_;
  std::string* out_ = nullptr;  // while something is written
  std::size_t enough_ = 0;
  Flood flood_ = Flood::none;
  bool over_ = false;
  bool failed_ = false;
  bool in_head_ = false;
};

}  // namespace fanfare::h2
