// Session: one publisher's connection in RESP or NDJSON, sans-io: bytes in, replies out, events to
// the Sink, all in the order of the requests. Any split of the input gives the same result. Where a
// whole request lies in the input nothing is copied; only a request that is cut by the end of the
// input is kept, within a bound.
//
//   read ──▶ receive(in, out) ──▶ send(out) ──▶ while paused(): receive({}, out), send(out)
//
// A request that is refused gets its reason and the connection goes on; only broken framing (RESP)
// and QUIT close it. Not thread-safe; no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "broker/wire/ingest/roll.h"
#include "broker/wire/ingest/sink.h"
#include "broker/wire/ingest/sniff.h"

namespace fanfare::ingest {

class Door;
struct RespCommons;

struct SessionOptions {
  std::size_t event_bytes = 64U << 10U;  // [limits] event_bytes; what a request may carry as data
  // For a limit that may change while the session lives: read for every request, instead of the one
  // above; must outlive the session.
  const std::size_t* event_bytes_now = nullptr;
  // When the replies to one receive() have grown to this, the session pauses until they are sent.
  std::size_t reply_bytes = 1U << 20U;
  std::uint64_t connection = 0;      // what CLIENT ID answers; no other session's
  std::string_view version = "dev";  // of the broker; outlives the session
  // What the RESP publishers of a broker share; must outlive the session. Null: this session shares
  // nothing.
  RespCommons* commons = nullptr;
  // Where the publisher has to show who it is first; must outlive the session. Null: it need not.
  Door* door = nullptr;
};

class Session {
 public:
  virtual ~Session() = default;

  // Takes all of `in` and appends the replies to `out`. After closed(), does nothing.
  virtual void receive(std::string_view in, std::string& out) = 0;
  // The publisher will send nothing more (it may still read): a last line without its newline is
  // taken; half a RESP command is dropped. Not while paused().
  virtual void end_of_input(std::string& out) = 0;

  // Flush `out`, then close the connection: QUIT, framing that cannot be followed any further, or a
  // door at which it has tried enough.
  virtual bool closed() const = 0;
  // closed(), and neither by QUIT nor by its door: the publisher broke the framing of its dialect.
  virtual bool broken() const { return false; }
  // `reply_bytes` was reached with requests left, or it is asking(): send `out`, then call
  // receive({}, out) again, and read nothing from the connection meanwhile.
  virtual bool paused() const = 0;
  // NDJSON {"op":"watch"}: the connection wants append_notice() lines from now on. How often it has
  // said so: each time its list begins anew. And the channels and patterns that the last one named;
  // none: all of them.
  virtual std::uint64_t watches() const { return 0; }
  virtual std::span<const std::string> watched() const { return {}; }
  // NDJSON {"op":"subscribers"}: a question that only the server can answer. It is paused() until
  // answer(), with the reason where there is no answer.
  virtual const RollRequest* asking() const { return nullptr; }
  virtual void answer(const std::expected<Roll, std::string_view>& /*roll*/, std::string& /*out*/) {
  }
  // Bytes kept: those of an incomplete request, and those not reached when it paused.
  virtual std::size_t buffered_bytes() const = 0;
};

// `dialect` is resp or ndjson. The Sink outlives the session.
std::unique_ptr<Session> make_session(Dialect dialect, Sink& sink, const SessionOptions& options);

// A line for connections that watch: a stream started or ended.
struct Notice {
  enum class Kind : std::uint8_t { subscribe, unsubscribe };
  Kind kind = Kind::subscribe;
  std::string_view channel = {};  // a name or a pattern; one notice for each of a subscription
  std::uint64_t connection = 0;   // distinguishes the streams of a broker's life
  std::string_view subject = {};  // of its token or ticket; empty: none
  std::string_view query = {};    // of the request, undecoded; empty: none
  std::string_view cursor = {};   // the id it resumed from; empty: none
  bool present = false;           // it was there when the watch began…
  std::int64_t since_ms = 0;      // …and when it had begun, from 1970
  std::string_view reason = {};   // why it ended; empty: it has not
};
// {"event":"subscribe","channel":"c","connection":7,"sub":"ann","query":"user=1","cursor":"ab-1"}
// and LF, without "sub" if there is none, and with "present":true and "since_ms", or with "reason",
// before the end. Bytes that are not UTF-8 become U+FFFD.
void append_notice(std::string& out, const Notice& notice);
// {"event":"present","streams":7} and LF: all streams that were there when the watch began have
// been listed.
void append_present(std::string& out, std::uint64_t streams);
// {"event":"missed","notices":7} and LF: the watcher has not read so many; the list begins anew.
void append_missed(std::string& out, std::uint64_t notices);

}  // namespace fanfare::ingest
