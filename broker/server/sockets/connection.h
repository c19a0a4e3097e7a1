// Connection: one socket, accepted or made by the broker, in its slot of the shard's table, and
// nothing but that. An idle subscriber is this struct (24 bytes), its PackedAddress (18), its
// Subscriber (28), four bytes in its feed and four that find them there, and nothing else in user
// space: no buffer, no timer node.
//
// What a connection owns beyond that hangs off it only while it is needed:
//   exchange    while a request is read and answered         (server/sockets/exchange.h)
//   subscriber  while it carries an event stream             (server/streams/subscriber.h)
//   publisher   for the life of an ingest connection         (server/sockets/ingest_port.h)
//   link        for the life of one to an application        (server/upstream/upstreams.h)
//
// Its deadline is one number, `due`, in ticks of 100 ms since the shard began; a sweep visits each
// slot once a second and asks the state what the number means. (20,000 slots: 40 us a second, no
// wheel.)
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "broker/io/ring.h"
#include "broker/server/base/counters.h"
#include "broker/server/sockets/carriers.h"
#include "broker/server/sockets/packed_address.h"
#include "broker/wire/tls/peer_certificate.h"

#include "common/free_indexes.h"
#include "common/paged_array.h"

namespace fanfare::server {

using Tick = std::uint32_t;  // 100 ms
inline constexpr Duration kTick = 100ms;
inline constexpr Tick kNever = ~Tick{0};
// Rounded up.
constexpr Tick ticks(Duration duration) {
  return static_cast<Tick>((duration + kTick - Duration(1)) / kTick);
}
inline constexpr std::uint32_t kNone = ~std::uint32_t{0};

// What a completion is about; Token::kind.
enum class Op : std::uint8_t { accept, connect, receive, poll_hang_up, poll_writable, send, close };

// Which listener a connection came from; `upstream`: none, it is the broker's own.
enum class Port : std::uint8_t {
  subscriber,
  admin,
  ingest,   // publishers on the Unix socket
  publish,  // publishers over TCP, who need a token
  upstream,
};
inline constexpr std::size_t kPortCount = 5;
constexpr bool is_publishers(Port port) {
  return port == Port::ingest || port == Port::publish;
}

enum class State : std::uint8_t {
  free,
  greeting,   // nothing has come that says what it speaks (Greeter); due: head time
  reading,    // waits for (more of) a request; due: head or idle time
  waiting,    // a request is answered later; due: its patience
  answering,  // a response is on its way out; due: stall
  streaming,  // carries an event stream, whose subscriber has a deadline of its own
  shared,     // carries any number of them, in a protocol that frames them (SharedPort)
  publisher,  // a publisher's, in RESP or NDJSON; due, over TCP: its token is looked at
  upstream,   // to an application; due: while it is idle
  lingering,  // everything sent, FIN too; waits for the peer's, discarding; due: give up
  closing,    // close is in the ring's hands
};

struct Connection {
  std::uint32_t generation : 24 = 1;  // counts the slot's lives
  bool secure : 1 = false;            // it speaks TLS
  State state = State::free;
  Port port = Port::subscriber;
  CloseReason reason{};
  bool connect_armed : 1 = false;
  bool receive_armed : 1 = false;
  bool hang_up_armed : 1 = false;
  bool writable_armed : 1 = false;
  bool keep_alive : 1 = false;   // the current exchange's decision
  bool until_close : 1 = false;  // the body ends where the connection does (HTTP/1.0)
  bool leaving : 1 = false;      // the broker is stopping: this is its last request or stream
  bool turned_away : 1 = false;  // a publisher that only gets the reason why it has no seat
  std::uint32_t exchange = kNone;
  union {
    std::uint32_t publisher = kNone;  // of a publisher's connection
    std::uint32_t subscriber;         // of another, while it is streaming
    std::uint32_t link;               // of one to an application
  };
  Tick due = kNever;
  Tick opened = 0;
};
static_assert(sizeof(Connection) <= 24, "an idle connection has nothing but this and an address");

using Certificate = std::shared_ptr<const tls::PeerCertificate>;

// The slots of one shard. Thread: the shard's. Never shrinks; its memory is touched, page by page,
// as slots are used for the first time: room for a million costs nothing until they come.
class ConnectionTable {
 public:
  explicit ConnectionTable(std::uint32_t capacity);

  std::uint32_t capacity() const { return static_cast<std::uint32_t>(connections_.capacity()); }
  std::uint32_t in_use() const { return in_use_; }
  bool full() const { return in_use_ == capacity(); }
  // The lowest slots are reused first, so that the table stays dense. Precondition: !full().
  io::Slot allocate();
  // The generation moves on: tokens of the old life are recognised.
  void free(io::Slot slot);

  Connection& operator[](io::Slot slot) { return connections_[slot]; }
  const Connection& operator[](io::Slot slot) const { return connections_[slot]; }
  // The other end, or whom a front has named as such. While a stream runs that a front carries for
  // another client, that client.
  PackedAddress& peer(io::Slot slot) { return peers_[slot]; }
  void carry(io::Slot slot, const PackedAddress& client);
  void carry_no_more(io::Slot slot);
  // That front; nothing if the connection carries for nobody else.
  std::optional<IpAddress> carrier(io::Slot slot) const { return carriers_.of(slot); }
  // What the other end has shown in its handshake; hardly any does.
  void certify(io::Slot slot, Certificate certificate) {
    certificates_.insert_or_assign(slot, std::move(certificate));
  }
  Certificate certificate(io::Slot slot) const {
    const auto found = certificates_.find(slot);
    return found == certificates_.end() ? nullptr : found->second;
  }
  // The connection that the token means, or null if that life of the slot is over.
  Connection* find(io::Token token) {
    if (token.index >= high_water()) return nullptr;
    Connection& connection = connections_[token.index];
    const bool same = connection.generation == token.generation && connection.state != State::free;
    return same ? &connection : nullptr;
  }
  io::Token token(Op op, io::Slot slot) const {
    return {.kind = static_cast<std::uint8_t>(op),
            .generation = connections_[slot].generation,
            .index = slot};
  }
  // Slots at or above this were never used.
  io::Slot high_water() const { return static_cast<io::Slot>(connections_.size()); }

 private:
  PagedArray<Connection> connections_;
  PagedArray<PackedAddress> peers_;
  Carriers carriers_;
  std::unordered_map<io::Slot, Certificate> certificates_;
  FreeIndexes free_;  // below high_water()
  std::uint32_t in_use_ = 0;
};

}  // namespace fanfare::server
