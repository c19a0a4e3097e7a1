// IngestPort: the connections of publishers, on the lead shard, from the ingest socket and over
// TCP. The first bytes decide the dialect: RESP and NDJSON are served here, by an ingest::Session;
// HTTP goes to an HttpPort. Over TCP there is a Door before each; a publisher that stays before it,
// or whose token expires, is disconnected. A
// publisher that does not read its acks is not read from either; nor is any publisher while the
// shards are too far behind the log (Lead::overrun): the kernel's socket buffers then slow the
// writers, and nothing is dropped. While acks wait for the log (Replies), reading from their
// publisher continues.
#pragma once

#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/server/base/counters.h"
#include "broker/server/base/heads.h"
#include "broker/server/base/settings.h"
#include "broker/server/base/switchboard.h"
#include "broker/server/sockets/connection.h"
#include "broker/server/sockets/courier.h"
#include "broker/server/sockets/http_port.h"
#include "broker/server/sockets/replies.h"
#include "broker/server/sockets/watchers.h"
#include "broker/wire/ingest/door.h"
#include "broker/wire/ingest/resp_commons.h"
#include "broker/wire/ingest/session.h"

namespace fanfare::server {

// Why a publisher gets no seat.
struct TurnedAway {
  CloseReason reason{};  // ingest_refused, or overloaded
  std::string sentence = {};
};

class IngestPort {
 public:
  struct Parts {
    ConnectionTable& connections;
    Courier& courier;
    Counters& counters;
    HttpPort& http;
    ingest::Sink& sink;
    // For publishers over TCP: their HTTP, and what makes the door before one of them.
    HttpPort& publish_http;
    std::function<std::unique_ptr<ingest::Door>(io::Slot)> make_door;
    Switchboard& switchboard;
    const Settings& settings;
    const Heads& heads;
    const http::Date& date;
  };
  explicit IngestPort(Parts parts);

  PortOrder begin(io::Slot slot, Tick tick);
  // A publisher that is told, in the dialect of its first bytes, why it gets no seat, and is then
  // disconnected; one that sends nothing for a moment is answered as a Redis library expects.
  PortOrder begin_turned_away(io::Slot slot, TurnedAway why, Tick tick);
  // The same for one that cannot even wait for its answer; its dialect is not known. It ends a
  // line.
  static std::string farewell(const TurnedAway& why);
  PortOrder overdue(io::Slot slot, Tick tick);
  PortOrder received(io::Slot slot, std::string_view bytes, Tick tick);
  PortOrder input_ended(io::Slot slot);
  PortOrder sent(io::Slot slot, std::int32_t result);
  void writable(io::Slot slot);
  // Everything that was read from it is answered.
  bool quiet(io::Slot slot) const;
  void release(io::Slot slot);

  // After this turn was sealed, and told as far as it is durable: queues the acks that may leave.
  void send_replies();
  // Publishers whose acks were found to wait for the log: reading from them continues.
  std::vector<io::Slot> take_readable() { return std::exchange(readable_, {}); }
  // A line to every publisher that watches, or to the one it is for.
  void notify(const NoticeMessage& notice);
  void notify(const CensusPartMessage& part);

  // Publishers with an answer that waits for the log.
  std::span<const io::Slot> waiting() const { return waiting_; }
  // Watchers that have missed notices and read nothing for so long; to be closed.
  std::vector<io::Slot> find_stuck(Tick tick, Tick stall);

  // What a publisher asks that only all shards together know. It is read on from when it is
  // answered: with a reason if there is no answer.
  struct Question {
    io::Slot slot = 0;
    ingest::RollRequest request;
  };
  std::vector<Question> take_questions() { return std::exchange(questions_, {}); }
  void answer(io::Slot slot, const std::expected<ingest::Roll, std::string_view>& roll);

  // Defers reading from this publisher until take_held(): its socket is read again when the shards
  // have caught up.
  void hold(io::Slot slot) { held_.push_back(slot); }
  std::vector<io::Slot> take_held() { return std::exchange(held_, {}); }

 private:
  struct Publisher {
    std::unique_ptr<ingest::Session> session;  // none: the dialect is not known yet
    std::unique_ptr<ingest::Door> door;        // over TCP, once there is a session
    std::string first;                         // bytes before it was known
    Replies replies;
    std::string sending;  // in the courier's hands
    std::size_t sent = 0;
    bool in_use = false;
    bool in_flight = false;
    bool reply_due = false;
    bool waiting = false;       // all of its replies wait for the log
    bool rests_on_log = false;  // something in its replies does, which is not sealed yet
    std::uint64_t watches = 0;  // that it has asked for
    std::uint64_t taken = 0;    // bytes of all that it was sent
    bool asked = false;         // its question is being answered
    bool input_over = false;    // nothing more is read: FIN, or the session is closed
    bool peer_ended = false;    // FIN came
    bool end_pending = false;   // FIN came while the session was paused
    bool proven = false;        // its door was open when it was last looked at
    bool was_proven = false;    // or before
    std::string refusal;        // why it is turned away; empty: it is not
  };

  Publisher& publisher_of(io::Slot slot) { return publishers_[connections_[slot].publisher]; }
  PortOrder feed(io::Slot slot, std::string_view bytes);
  PortOrder look_at_door(io::Slot slot, Tick tick);
  void begin_session(io::Slot slot, ingest::Dialect dialect);
  void answer_turned_away(io::Slot slot, ingest::Dialect dialect);
  void look_for_wishes(io::Slot slot, Publisher& publisher);
  void count_transactions();
  PortOrder next_order(io::Slot slot, const Publisher& publisher) const;
  static bool reads_on(const Publisher& publisher);
  void answered(io::Slot slot, Publisher& publisher, std::size_t before);
  void reply_later(io::Slot slot, Publisher& publisher);
  void wait(io::Slot slot, Publisher& publisher);
  void look_at_waiting();
  void ask_for_present();

  ConnectionTable& connections_;
  Courier& courier_;
  Counters& counters_;
  HttpPort& http_;
  ingest::Sink& sink_;
  HttpPort& publish_http_;
  const std::function<std::unique_ptr<ingest::Door>(io::Slot)> make_door_;
  const Settings& settings_;
  const Heads& heads_;
  const http::Date& date_;
  ingest::RespCommons commons_;  // outlives the sessions
  std::uint64_t sessions_ = 0;   // begun; each is called by its number
  std::deque<Publisher> publishers_;
  std::vector<std::uint32_t> free_;
  std::vector<io::Slot> reply_due_;
  std::vector<io::Slot> waiting_;   // for the log…
  std::uint64_t waiting_seen_ = 0;  // …which had been told up to here when they were looked at
  std::vector<io::Slot> readable_;
  std::vector<io::Slot> held_;
  std::vector<Question> questions_;
  Watchers watchers_;
};

}  // namespace fanfare::server
