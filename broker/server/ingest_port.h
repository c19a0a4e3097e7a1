// IngestPort: the connections of publishers, on the lead shard. The first bytes decide the dialect:
// RESP and NDJSON are spoken here, through an ingest::Session; HTTP goes to an HttpPort. A
// publisher that does not read its acks is not read from either; nor is any publisher while the
// shards are too far behind the log (Lead::overrun): the kernel's socket buffers then slow the
// writers, and nothing is dropped.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/server/connection.h"
#include "broker/server/counters.h"
#include "broker/server/courier.h"
#include "broker/server/http_port.h"
#include "broker/server/settings.h"
#include "broker/server/switchboard.h"
#include "broker/server/watchers.h"
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
  IngestPort(ConnectionTable& connections, Courier& courier, Counters& counters, HttpPort& http,
             ingest::Sink& sink, Switchboard& switchboard, const Settings& settings,
             const http::Date& date);

  PortOrder begin(io::Slot slot);
  // A publisher that is answered in the dialect of its first bytes why it gets no seat, and then
  // disconnected; one that sends nothing for a moment is answered as a Redis library expects.
  PortOrder begin_turned_away(io::Slot slot, TurnedAway why, Tick tick);
  PortOrder overdue(io::Slot slot, Tick tick);
  PortOrder received(io::Slot slot, std::string_view bytes, Tick tick);
  PortOrder input_ended(io::Slot slot);
  PortOrder sent(io::Slot slot, std::int32_t result);
  void writable(io::Slot slot);
  // Everything it has sent, as far as it was read, is answered.
  bool quiet(io::Slot slot) const;
  void release(io::Slot slot);

  // After everything of this turn was sealed: queues the acks.
  void send_replies();
  // A line to every publisher that watches, or to the one it is for.
  void notify(const NoticeMessage& notice);
  void notify(const CensusPartMessage& part);

  // Watchers that do not read their notices; to be closed.
  std::vector<io::Slot> take_overfull() { return std::exchange(overfull_, {}); }

  // Whether input may be read now; a connection whose receive was held back is in `held()` until
  // then.
  void hold(io::Slot slot) { held_.push_back(slot); }
  std::vector<io::Slot> take_held() { return std::exchange(held_, {}); }

 private:
  struct Publisher {
    std::unique_ptr<ingest::Session> session;  // none: the dialect is not known yet
    std::string first;                         // bytes before it was known
    std::string out;
    std::string sending;  // in the courier's hands
    std::size_t sent = 0;
    bool in_use = false;
    bool in_flight = false;
    bool reply_due = false;
    bool watching = false;
    bool input_over = false;   // nothing more is read: FIN, or the session is closed
    bool peer_ended = false;   // FIN came
    bool end_pending = false;  // FIN came while the session was paused
    std::string refusal;       // why it is turned away; empty: it is not
  };

  Publisher& publisher_of(io::Slot slot) { return publishers_[connections_[slot].publisher]; }
  PortOrder feed(io::Slot slot, std::string_view bytes);
  void answer_turned_away(io::Slot slot, ingest::Dialect dialect);
  void count_transactions();
  PortOrder next_order(io::Slot slot, const Publisher& publisher) const;
  void reply_later(io::Slot slot, Publisher& publisher);
  void ask_for_present();

  ConnectionTable& connections_;
  Courier& courier_;
  Counters& counters_;
  HttpPort& http_;
  ingest::Sink& sink_;
  const Settings& settings_;
  const http::Date& date_;
  ingest::RespCommons commons_;  // outlives the sessions
  std::uint64_t sessions_ = 0;   // begun; each is called by its number
  std::deque<Publisher> publishers_;
  std::vector<std::uint32_t> free_;
  std::vector<io::Slot> reply_due_;
  std::vector<io::Slot> held_;
  std::vector<io::Slot> overfull_;
  Watchers watchers_;
};

}  // namespace fanfare::server
