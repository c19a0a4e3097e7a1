// SharedPort: a protocol that carries several event streams on one connection at a time (as HTTP/2
// does). The connection is State::shared and the port's own: it reads requests, asks the Routes,
// and writes answers and streams into the connection's box (Outboxes). It orders what only the
// shard can do. The shard asks for its orders after each call that may lead to some, and carries
// them out one by one.
//
//   received ──▶ StreamBegins ───▶ opened ──▶ take … take ──▶ end   a stream
//   received ──▶ StreamCancelled ───────────────────────────▶ end   its client wants no more of it
//   flushed ───▶ StreamHasRoom ──▶ take                             what the box owed it
//
// Every connection to a subscriber listener begins here. One whose first bytes are HTTP/1.1 is
// passed on to the HttpPort, and costs what it costs without this.
//
// Thread: the shard's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/io/ring.h"
#include "broker/server/base/counters.h"
#include "broker/server/base/settings.h"
#include "broker/server/sockets/access_book.h"
#include "broker/server/sockets/connection.h"
#include "broker/server/sockets/http_port.h"
#include "broker/server/sockets/routes.h"
#include "broker/server/streams/outlet.h"
#include "broker/wire/http/date.h"

namespace fanfare::server {

struct StreamBegins {
  io::Slot slot = 0;
  std::uint32_t stream = 0;  // the port's number for it, for opened()
  StreamStart start;
};
// Its end() follows.
struct StreamCancelled {
  fanout::Member subscriber = 0;
};
struct StreamHasRoom {
  fanout::Member subscriber = 0;
};
// Its client does not read it, and what was sent to it in vain leaves nothing for the connection's
// other streams. Its end() follows.
struct StreamStarvesOthers {
  fanout::Member subscriber = 0;
};
// About the connection as a whole; `linger` only when it carries no stream. The order of an
// HttpPort that was passed a connection goes this way, too.
struct ConnectionOrder {
  io::Slot slot = 0;
  PortOrder order;
};
// In ExchangeId::index: the exchange is a SharedPort's. (Hooks have the bit above it.)
inline constexpr std::uint32_t kSharedExchange = 1U << 30U;
using SharedOrder = std::variant<ConnectionOrder, StreamBegins, StreamCancelled, StreamHasRoom,
                                 StreamStarvesOthers>;

class SharedPort : public Outboxes {
 public:
  // All of them outlive the port.
  struct Parts {
    io::Ring& ring;
    ConnectionTable& connections;
    Routes& routes;
    HttpPort& http;
    const Settings& settings;
    Counters& counters;
    const http::Date& date;
    std::atomic<std::uint64_t>& bodies;  // being received, by every port that shares it
    AccessBook& access;
  };
  using Maker = std::function<std::unique_ptr<SharedPort>(const Parts&)>;

  // A new connection, whose first bytes may have been read already: it is State::shared from now
  // on. As long as it is, the port keeps its `due`.
  virtual void begin(io::Slot slot, Tick tick, std::string_view first) = 0;
  virtual void received(io::Slot slot, std::string_view bytes, Tick tick) = 0;
  // Its `due` has come.
  virtual void overdue(io::Slot slot, Tick tick) = 0;
  // Room again, after PortOrder::Kind::room.
  virtual void writable(io::Slot slot) = 0;
  // What a `later` answer waited for has come, as HttpPort::answer(): that of an exchange whose
  // index has kSharedExchange in it.
  virtual void answer(ExchangeId exchange, Tick tick, const HttpPort::Answerer& make) = 0;
  // The broker is stopping: its client is to make no further request on this connection.
  virtual void leave(io::Slot slot) = 0;
  // A stream that the port ordered has begun: this is its subscriber, until end().
  virtual void opened(io::Slot slot, std::uint32_t stream, fanout::Member subscriber) = 0;
  // What is to be carried out next.
  virtual std::optional<SharedOrder> next() = 0;

  // Those of this connection's streams that have been opened and have not ended.
  virtual std::vector<fanout::Member> subscribers(io::Slot slot) const = 0;
  // No stream, no request that has begun, nothing to be sent: it may be closed.
  virtual bool quiet(io::Slot slot) const = 0;
  // Some box has something to send, and its socket is not full.
  virtual bool waiting() const = 0;
  // Forgets the connection and every order about it. Its streams have ended.
  virtual void release(io::Slot slot) = 0;
};

}  // namespace fanfare::server
