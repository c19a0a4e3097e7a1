// Upstreams: one shard's connections to the applications that its routes ask. For each application
// a pool of kept-alive HTTP/1.1 connections in the shard's own loop, made as they are needed; a
// question that finds none waits in line. Their number is bounded by [limits]
// upstream_connections, over all applications.
//
//   ask() ─▶ line ─▶ link: idle, or one more is connected ─▶ sent ─▶ answer read ─▶ take_answers()
//                      ▲                                                   │
//                      └──────── idle for a moment, then closed ◀──────────┘
//
// A question has no clock here: its client's patience is the transport's ([limits] upstream_time),
// and when nobody waits for the answer any more, forget() ends the exchange, by closing its
// connection, for HTTP/1.1 has no other way.
//
// A connection that ends before any byte of an answer may have been idle for too long (RFC 9112
// §9.3.1): the question is asked once more, on a new connection, if it is safe to ask twice or none
// of it was sent.
//
// A Unix socket whose backlog is full refuses at once what TCP would let wait (connect(2), EAGAIN).
// The question then stands in line again, at its old place.
//
// Thread: the shard's. It carries out what is ordered here, as with every port.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/io/ring.h"
#include "broker/server/base/counters.h"
#include "broker/server/base/settings.h"
#include "broker/server/sockets/connection.h"
#include "broker/server/sockets/courier.h"
#include "broker/server/sockets/http_port.h"
#include "broker/server/upstream/answer_reader.h"
#include "broker/server/upstream/asker.h"

namespace fanfare::server {

class Upstreams final : public Asker {
 public:
  struct Parts {
    io::Ring& ring;
    ConnectionTable& connections;
    Courier& courier;
    Counters& counters;
    const Settings& settings;
  };
  explicit Upstreams(const Parts& parts) : parts_(parts) {}

  void turn_begins(TimePoint now) { now_ = now; }

  void ask(std::string_view upstream, Question question) override;
  void forget(ExchangeId exchange) override;

  // What has happened to a connection of this room (State::upstream).
  PortOrder connected(io::Slot slot);
  PortOrder received(io::Slot slot, std::string_view bytes, Tick tick);
  PortOrder ended(io::Slot slot, bool in_order);
  PortOrder sent(io::Slot slot, std::int32_t result);
  void writable(io::Slot slot);
  // It is gone, or is being closed. `error`: it never came to be, for that reason.
  void release(io::Slot slot, int error = 0);
  bool idle(io::Slot slot) const;

  // Once a tick: connections that there was no room for, here or in an application's backlog.
  void look_for_room();

  struct Answered {
    ExchangeId exchange;
    UpstreamAnswer answer;
  };
  std::vector<Answered> take_answers() { return std::exchange(answers_, {}); }
  // Connections that are to be closed.
  std::vector<io::Slot> take_unwanted() { return std::exchange(unwanted_, {}); }
  bool work_waiting() const { return !answers_.empty() || !unwanted_.empty(); }

 private:
  using Key = std::uint64_t;  // of an exchange
  struct Asked {
    Question question;
    std::uint64_t turn = 0;      // the order in which questions came
    std::uint32_t link = kNone;  // it is asked there; none: it stands in line
    bool again = false;          // the second time
    bool forgotten = false;      // nobody waits any more; its connection is about to be closed
  };
  struct Pool {
    io::PeerAddress address;
    bool own = false;                   // for the broker's own questions
    std::map<std::uint64_t, Key> line;  // by turn; may hold some that were forgotten
    std::vector<std::uint32_t> idle;    // links, the one used last at the end
    std::uint32_t links = 0;
    bool backlog_full = false;  // of its Unix socket: no further connection before the next tick
  };
  struct Link {
    explicit Link(const http::Limits& limits) : reader(limits) {}
    Pool* pool = nullptr;
    io::Slot slot = 0;
    std::optional<Key> asked;
    bool connected = false;
    std::size_t sent = 0;    // of the question's text
    TimePoint idle_until{};  // after that the other end may have closed it
    AnswerReader reader;
  };

  static Key key_of(ExchangeId id) { return (std::uint64_t{id.generation} << 32U) | id.index; }
  Pool& pool_of(std::string_view upstream, bool own);
  void drop_unused_pools();
  // Asks what stands in line, as far as there are links.
  void serve(Pool& pool);
  void serve_all();
  std::optional<std::uint32_t> idle_link(Pool& pool, const Question& question);
  std::optional<std::uint32_t> dial(Pool& pool);
  void make_room_for(const Pool& pool);
  void begin(std::uint32_t link, Key key);
  void say(Link& link);
  void answer(Link& link, UpstreamAnswer answer);
  // The link has ended before its answer: asked again, or answered with why there is none.
  void give_up(Link& link, UpstreamAnswer failure);
  void back_in_line(Link& link);
  PortOrder rest(std::uint32_t index, Tick tick);
  std::uint32_t index_of(io::Slot slot) const { return parts_.connections[slot].link; }

  Parts parts_;
  TimePoint now_{};
  std::map<std::string, Pool, std::less<>> pools_;  // by the text of the configuration
  std::uint32_t settings_seen_ = 0;
  std::deque<Link> links_;  // addresses do not move
  std::vector<std::uint32_t> links_free_;
  std::uint32_t links_open_ = 0;  // those of own pools left out
  std::uint64_t turns_ = 0;
  std::unordered_map<Key, Asked> asked_;  // addresses do not move: the courier sends from there
  std::vector<Answered> answers_;
  std::vector<io::Slot> unwanted_;
};

}  // namespace fanfare::server
