// HttpPort: HTTP/1.1 on the connections of one kind of listener: reads requests (keep-alive,
// pipelining, Expect, bodies), asks the Routes, sends their answers (h1_writer.h), and keeps the
// times. One exchange at a time per connection; its record exists only from a request's first byte
// to its answer's last, so that an idle keep-alive connection costs no more than its slot.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/io/ring.h"
#include "broker/server/base/counters.h"
#include "broker/server/base/settings.h"
#include "broker/server/sockets/access_book.h"
#include "broker/server/sockets/connection.h"
#include "broker/server/sockets/courier.h"
#include "broker/server/sockets/exchange.h"
#include "broker/server/sockets/h1_writer.h"
#include "broker/server/sockets/routes.h"
#include "broker/wire/http/date.h"

namespace fanfare::server {

// What the port wants done with a connection; the shard does it.
struct PortOrder {
  enum class Kind : std::uint8_t {
    none,
    receive,  // more input: arm a receive
    wait,     // for an answer that comes later: watch whether the client leaves
    linger,   // everything sent: send FIN, wait for the peer's
    close,
    room,    // the socket is full: poll for writable, then writable()
    stream,  // `stream` begins: the connection is its own until it ends
  };
  Kind kind = Kind::none;
  CloseReason reason{};
  std::unique_ptr<StreamStart> stream = {};
};

class HttpPort {
 public:
  // `limits` is the part of the settings that bounds a request of this port. Requests are noted in
  // `access`, unless it is null.
  HttpPort(ConnectionTable& connections, Courier& courier, Counters& counters,
           const http::Limits& limits, const Settings& settings, const http::Date& date,
           std::atomic<std::uint64_t>& bodies, Routes& routes, AccessBook* access = nullptr);

  // A new connection; its first bytes may have been read already (ingest sniffing).
  PortOrder begin(io::Slot slot, Tick tick, std::string_view first = {});
  PortOrder received(io::Slot slot, std::string_view bytes, Tick tick);
  // Instead of begin(): nothing is read on this connection, and this is why.
  PortOrder turn_away(io::Slot slot, const Refused& why, Tick tick);
  // The peer will send nothing more.
  PortOrder input_ended(io::Slot slot);
  // The courier's result for this connection.
  PortOrder sent(io::Slot slot, std::int32_t result, Tick tick);
  // Room again after `sent` said so little that a poll was armed.
  void writable(io::Slot slot);
  // Makes an answer that was postponed. The response is cleared.
  using Answerer = std::function<void(const Request& request, Response& response)>;
  struct Answered {
    io::Slot slot = 0;
    PortOrder order;
  };
  // What a `later` answer waited for has come. `make` is called if the exchange still waits;
  // nothing happens if the client has left or the time is up. The answer may be `later` once more.
  std::optional<Answered> answer(ExchangeId id, Tick tick, const Answerer& make);
  // The connection's `due` has come while it was reading, waiting or answering.
  PortOrder overdue(io::Slot slot, Tick tick);
  // No further request on this connection (the broker is stopping): idle ones are to be closed now.
  bool idle(io::Slot slot) const { return connections_[slot].exchange == kNone; }
  // Forgets the exchange of this connection, if any.
  void release(io::Slot slot);

 private:
  void note_answer(Exchange& exchange);
  void note_end(Exchange& exchange, std::uint64_t bytes, CloseReason reason);
  Exchange& exchange_of(io::Slot slot);
  Request request_of(const Exchange& exchange) const;
  PortOrder advance(io::Slot slot, std::string_view input, Tick tick);
  std::optional<BodyRefusal> refused_body(const Exchange& exchange, std::uint64_t more) const;
  std::optional<BodyRefusal> take_body(Exchange& exchange, std::string_view piece);
  bool head_complete(Exchange& exchange);
  PortOrder request_complete(io::Slot slot, Exchange& exchange, std::string_view rest, Tick tick);
  PortOrder carry(io::Slot slot, Exchange& exchange, std::string_view rest, Tick tick);
  PortOrder wait(io::Slot slot, Exchange& exchange, std::string_view rest, Tick tick);
  PortOrder begin_stream(io::Slot slot, Exchange& exchange);
  PortOrder say(io::Slot slot, Exchange& exchange, bool keep_alive, std::string_view rest,
                Tick tick);
  PortOrder refuse(io::Slot slot, Exchange& exchange, Tick tick);
  PortOrder wait_no_longer(io::Slot slot, Exchange& exchange, Tick tick);
  void refuse_body(Exchange& exchange, BodyRefusal refusal);
  void refuse(Exchange& exchange, const Refused& why);
  h1::Persistence write(Exchange& exchange, h1::Persistence after);
  h1::Persistence after(io::Slot slot, const Exchange& exchange) const;

  ConnectionTable& connections_;
  Courier& courier_;
  Counters& counters_;
  const http::Limits& limits_;
  const Settings& settings_;
  std::atomic<std::uint64_t>& bodies_bytes_;  // being received, by every port that shares it
  Routes& routes_;
  AccessBook* const access_;
  H1Writer writer_;
  Response response_;  // of the request being answered
  Exchanges exchanges_;
};

}  // namespace fanfare::server
