// Shard: one thread, one Ring, one world. A replica of the log, the connections of its listeners,
// and the loop that brings them together; shard 0 (the lead) also has the log's writing end.
//
// One turn, always in this order, each step bounded:
//
//   wait ▶ dispatch completions ▶ mailbox ▶ time ▶ seal (lead) ▶ answers and acks ▶ pump streams
//
// What a publisher sent is thus sealed, acked and on its way to caught-up subscribers in one turn;
// under load a turn takes longer, more events share a seal and a send, and each costs less. Nothing
// calls back into the shard from below: rooms return orders and outcomes, the shard carries them
// out.
//
// Thread: its own (the one that made the ring). Only Switchboard crosses threads.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "broker/fanout/replica.h"
#include "broker/io/mailbox.h"
#include "broker/io/ring.h"
#include "broker/server/connection.h"
#include "broker/server/counters.h"
#include "broker/server/courier.h"
#include "broker/server/delivery.h"
#include "broker/server/http_port.h"
#include "broker/server/lead_desk.h"
#include "broker/server/loop_time.h"
#include "broker/server/options.h"
#include "broker/server/seats.h"
#include "broker/server/settings.h"
#include "broker/server/streams.h"
#include "broker/server/subscriber_routes.h"
#include "broker/server/switchboard.h"

#include "common/log.h"
#include "common/random.h"

namespace fanfare::server {

struct ShardConfig {
  std::uint32_t index = 0;            // 0: the lead
  std::uint32_t subscribers_max = 0;  // beyond: told to come back later; below the ring's capacity
  std::uint64_t connections_max = 0;  // subscribers of all shards, to the one
  std::uint32_t feed_members_max = fanout::kFeedMembersMax;
  fanout::Epoch epoch;
  std::uint64_t seed = 0;
  std::shared_ptr<const Options> options;   // at the start; later ones come by SettingsMessage
  AdminSurface* surface = nullptr;          // the lead's; may be null
  std::vector<std::uint32_t> ingest_users;  // allowed user ids; empty: whoever may open the socket
  // The time of day, for the Date of answers and the live page; none: the machine's. A simulation
  // has its own.
  std::function<std::chrono::sys_seconds()> wall_clock = {};
};

// Slots that a ring must have beyond ShardConfig::subscribers_max: for telling the surplus to come
// back, and on the lead for publishers and the admin page.
inline constexpr std::uint32_t kSpareSlots = 64;
inline constexpr std::uint32_t kAdminSlots = 64;
// Beyond [limits] ingest_connections: for publishers that are only answered why they get no seat.
inline constexpr std::uint32_t kTurnedAwaySlots = 16;

class Shard {
 public:
  Shard(const ShardConfig& config, io::Ring& ring, Switchboard& switchboard);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Before the first turn: accepts on this descriptor from now on.
  void listen(Port port, int listener);
  // Where the other shards leave messages.
  io::Mailbox<Message>& mailbox() { return mailbox_; }

  // One turn; waits until `deadline` at the latest if there is nothing to do.
  void turn(TimePoint deadline);
  // The next turn has something to do at once, whatever the ring says.
  bool work_waiting() const;
  // When it wants its next turn though nothing happens: a tick, or a feed whose time has come.
  TimePoint next_turn() const;
  // Drained: every connection is closed. No further turn is needed.
  bool finished() const { return finished_; }

  const Counters& counters() const { return counters_; }
  std::uint32_t open_slots() const { return connections_.in_use(); }

 private:
  struct Listener {
    Port port{};
    int descriptor = -1;
    bool armed = false;
    bool wanted = true;  // false: it stops, or has stopped
  };
  // In this order (shard_drain.cc).
  enum class Phase : std::uint8_t { serving, draining, closing, last };

  // shard.cc: the turn and its completions
  void dispatch(const io::Completion& completion);
  void arm_accept(std::uint32_t index);
  void accepted(const io::Completion& completion);
  void admit(Port port, int descriptor);
  bool has_room(Port port);
  bool may_publish(int descriptor);
  TurnedAway why_turned_away(int descriptor);
  void welcome(io::Slot slot, Port port, const TurnedAway& turned_away);
  void received(const io::Completion& completion, Connection& connection);
  void polled(const io::Completion& completion, Connection& connection, Op op);
  bool take_messages();
  void take(const LogMessage& message);
  void take(const SettingsMessage& message);
  void take(DrainMessage message);
  void take(const AttendanceMessage& message);
  void take(const NoticeMessage& message);
  void take(const CensusMessage& message);
  void take(const CensusPartMessage& message);
  void seal();
  void send_answers();
  void pump();
  void send_reports();
  void tell_date();

  // shard_connections.cc: what becomes of a connection
  HttpPort& port_of(const Connection& connection);
  void obey(io::Slot slot, PortOrder order);
  void arm_receive(io::Slot slot);
  void arm_room(io::Slot slot);
  void begin_stream(io::Slot slot);
  void count_stream(const Connection& connection, int change);
  std::uint64_t& open_connections(const Connection& connection);
  void stream_ended(const Delivery::Outcome& outcome);
  void leave_stream(io::Slot slot, CloseReason reason);
  void note_close(io::Slot slot, CloseReason reason);
  bool needs_reset(io::Slot slot, CloseReason reason) const;
  void linger(io::Slot slot, CloseReason reason);
  void close(io::Slot slot, CloseReason reason);
  void closed(io::Slot slot);
  std::chrono::sys_time<std::chrono::milliseconds> time_of_day() const;
  void release_held();

  // shard_time.cc: what the clock brings
  bool time_passes();
  void accept_again();
  void look_for_room();
  void tick_passed();
  void sweep_on();
  void sweep(io::Slot begin, io::Slot end);
  void overdue(io::Slot slot, Connection& connection);
  void stream_overdue(io::Slot slot, Connection& connection);
  Tick heartbeat_visit(Tick due, std::uint32_t heartbeat);
  void heartbeat_due(io::Slot slot, Connection& connection);
  void send_heartbeats();
  void take_stock();

  // shard_drain.cc: stopping
  void drain(bool at_once);
  void begin_drain();
  void end_at_once();
  void drain_on();
  bool drain_waiting() const;
  void drain_some();
  void tell_to_leave(io::Slot slot);
  void end_when_quiet(io::Slot slot);
  void stop_accepting(std::uint32_t index);
  void accept_ended(std::uint32_t index);
  bool listening(bool admin) const;
  void look_for_end();

  ShardConfig config_;
  io::Ring& ring_;
  Switchboard& switchboard_;
  Settings settings_;
  http::Date date_;  // of answers; told every tick
  Random random_;
  Counters counters_;
  std::array<std::uint64_t, kCloseReasonCount> closes_{};
  std::vector<RecentClose> recent_closes_;
  LatencyHistogram latency_;
  LoopTime loop_;

  io::Mailbox<Message> mailbox_;
  ConnectionTable connections_;
  fanout::Replica replica_;
  Audiences audiences_;
  Delivery delivery_;
  Courier courier_;
  Presence presence_;
  Streams streams_;
  Seats seats_;
  SubscriberRoutes routes_;
  HttpPort port_;
  std::unique_ptr<LeadDesk> desk_;  // the lead's

  std::deque<Message> mail_;  // taken from the mailbox, too much for one turn
  std::vector<Listener> listeners_;
  std::vector<io::Completion> completions_;  // not dispatched yet
  std::vector<Courier::Result> results_;
  std::vector<Delivery::Outcome> outcomes_;
  std::vector<io::Slot> heartbeats_due_;
  std::vector<io::Token> room_wanted_;  // polls for writable that a FIN has ended
  TimePoint started_{};
  TimePoint now_{};
  Tick tick_ = 0;
  Tick second_ = 0;  // the tick at which the lead's next second begins
  Phase phase_ = Phase::serving;
  bool at_once_ = false;
  Tick swept_ = 0;               // the tick whose slots were looked at last
  io::Slot sweep_at_ = 0;        // how far the next one's have been
  std::int64_t sweep_left_ = 0;  // of this turn's share
  io::Slot told_to_leave_ = 0;   // draining: the slots below know…
  io::Slot leave_end_ = 0;       // …and those from here on came later
  io::Slot drain_at_ = 0;        // closing: how far this pass over the slots has come
  bool finished_ = false;
  Tick accepts_end_ = kNever;           // closing: of every listener but the admin's
  Tick drain_deadline_ = kNever;        // of everything but the admin listener
  Tick last_deadline_ = kNever;         // of that
  std::uint64_t turned_away_open_ = 0;  // publishers that are being answered why
  log::Limit accept_log_;
  std::array<log::Limit, 3> full_log_;  // by port
  log::Limit users_log_;
};

}  // namespace fanfare::server
