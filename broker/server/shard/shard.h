// Shard: one thread, one Ring, one world. A replica of the log, the connections of its listeners,
// and the loop that brings them together; the lead also has the log's writing end.
//
// One turn, always in this order, each step bounded:
//
//   wait ▶ dispatch completions ▶ mailbox ▶ time ▶ seal (lead) ▶ answers and acks ▶ pump streams
//
// What a publisher sent is thus sealed, acked and on its way to caught-up subscribers in one turn,
// unless it has to become durable first (broker/server/base/gate.h);
// under load a turn takes longer, more events share a seal and a send, and each costs less. Nothing
// calls back into the shard from below: rooms return orders and ends of streams, the shard carries
// them out.
//
// Thread: its own (the one that made the ring). Only Switchboard crosses threads.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/fanout/past.h"
#include "broker/fanout/replica.h"
#include "broker/io/mailbox.h"
#include "broker/io/ring.h"
#include "broker/server/base/counters.h"
#include "broker/server/base/loop_time.h"
#include "broker/server/base/options.h"
#include "broker/server/base/seats.h"
#include "broker/server/base/settings.h"
#include "broker/server/base/switchboard.h"
#include "broker/server/requests/subscriber_routes.h"
#include "broker/server/shard/lead_desk.h"
#include "broker/server/sockets/access_book.h"
#include "broker/server/sockets/client_limits.h"
#include "broker/server/sockets/connection.h"
#include "broker/server/sockets/courier.h"
#include "broker/server/sockets/greeter.h"
#include "broker/server/sockets/http_port.h"
#include "broker/server/sockets/tls_ring.h"
#include "broker/server/streams/delivery.h"
#include "broker/server/streams/lifetimes.h"
#include "broker/server/streams/outlets.h"
#include "broker/server/streams/polls.h"
#include "broker/server/streams/presence.h"
#include "broker/server/streams/shared_port.h"
#include "broker/server/streams/streams.h"
#include "broker/server/streams/subscriber.h"
#include "broker/server/streams/walks.h"
#include "broker/server/upstream/upstreams.h"

#include "common/log.h"
#include "common/random.h"

namespace fanfare::server {

struct HandedStream;

// The log of a process whose place this one takes.
struct RecoveredLog {
  std::unique_ptr<fanout::Log> log;  // the lead's, who takes it
  fanout::LogClock::Mark clock;
  fanout::Past past;
};

struct ShardConfig {
  std::uint32_t index = 0;            // Switchboard::lead says which one leads
  std::uint32_t subscribers_max = 0;  // beyond: told to come back later; below the ring's capacity
  std::uint64_t connections_max = 0;  // subscribers of all shards, exactly
  std::uint32_t feed_members_max = fanout::kFeedMembersMax;
  fanout::Epoch epoch;
  std::shared_ptr<RecoveredLog> recovered = {};  // null: the log is new
  std::uint64_t seed = 0;
  std::shared_ptr<const Options> options;   // at the start; later ones come by SettingsMessage
  AdminSurface* surface = nullptr;          // the lead's; may be null
  Gate* gate = nullptr;                     // the lead's; null: all that is sealed is durable
  std::vector<std::uint32_t> ingest_users;  // allowed user ids; empty: all who may open the socket
  // Puts another Routes in front of the subscribers' own, to which it may pass requests on.
  std::function<Routes&(Routes& own)> in_front = {};
  // A protocol whose connections carry several streams each, beside HTTP/1.1 on the subscriber
  // listeners; none: there is none.
  SharedPort::Maker shared = {};
  // The shard's ring, if it speaks TLS on the listeners that say so; null: it does not.
  TlsRing* tls = nullptr;
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

struct ListenerKind {
  bool tls = false;  // subscribers or publishers, over TLS
  // It belongs to a service manager (io/inherited.h), is left listening, and what waits there is
  // for the next broker.
  bool inherited = false;
  // Every peer has an address: one without it is gone already, and must not be taken for one behind
  // a Unix socket, which [fronts] may trust.
  bool tcp = false;
};

class Shard {
 public:
  Shard(const ShardConfig& config, io::Ring& ring, Switchboard& switchboard);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Before the first turn: accepts on this descriptor while the broker's phase allows it.
  void listen(Port port, int listener, ListenerKind kind = {});
  // Where the other shards leave messages.
  io::Mailbox<Message>& mailbox() { return mailbox_; }

  // What a `later` answer waited for has come: `make` is called if the exchange still waits.
  void answer(Port port, ExchangeId exchange, const HttpPort::Answerer& make);

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
    ListenerKind kind{};
  };
  // What is asked of the connections of one Port.
  struct PortKind {
    HttpPort* http = nullptr;
    std::uint64_t* open = nullptr;  // the counter of those there are
    std::string_view full;          // logged when there are as many ({}) as there may be
  };
  enum class Handing : std::uint8_t { no, freezing, frozen, left };
  // In this order (shard_drain.cc).
  enum class Phase : std::uint8_t { serving, draining, closing, last };

  // shard.cc: the turn and its completions
  void dispatch(const io::Completion& completion);
  static io::Token accept_token(std::uint32_t index) {
    return {.kind = static_cast<std::uint8_t>(Op::accept), .generation = 0, .index = index};
  }
  void arm_accept(std::uint32_t index);
  void accepted(const io::Completion& completion);
  void admit(const Listener& listener, int descriptor);
  void know_ports();
  PortKind& kind_of(Port port) { return port_kinds_[static_cast<std::size_t>(port)]; }
  PortKind& kind_of(const Connection& connection) { return kind_of(connection.port); }
  std::uint64_t most_connections(Port port) const;
  bool has_room(Port port);
  bool may_publish(int descriptor);
  TurnedAway why_turned_away(Port port, int descriptor);
  void welcome(io::Slot slot, const Listener& listener, const TurnedAway& turned_away);
  // shard_greeting.cc: what a subscriber's connection begins with
  void greet(io::Slot slot);
  void greeted(io::Slot slot, std::string_view bytes);
  void begin_protocol(io::Slot slot, std::string_view first);
  void tls_failed(io::Slot slot);
  bool secure(io::Slot slot);
  void know_publisher(io::Slot slot);
  void received(const io::Completion& completion, Connection& connection);
  void polled(const io::Completion& completion, Connection& connection, Op op);
  bool take_messages();
  void take(const LogMessage& message);
  void take(const SettingsMessage& message);
  void take(DrainMessage message);
  void take(const AttendanceMessage& message);
  void seal();
  void send_answers();
  void send_replies();
  void give_up_answers();
  void pump();
  void send_reports();
  void tell_date();

  // shard_presence.cc: who is there
  void take(const NoticeMessage& message);
  void take(const CensusMessage& message);
  void take(const CensusPartMessage& message);
  void take(const RollCallMessage& message);
  void take(const RollMessage& message);
  void ask_for_rolls();
  RollAsker roll_asker(io::Slot slot) const;
  void look_for_late_rolls();

  // shard_operators.cc: what operators ask and close
  void take(const WalkMessage& message);
  void take(const WalkedMessage& message);
  void take(const DescribeMessage& message);
  void take(const DescribedMessage& message);
  void walk_on();
  void dismiss(const Walks::Dismissed& dismissed);
  void dismiss_stream(Member member, const Dismissal& dismissal);
  void dismiss_connection(io::Slot slot, const Dismissal& dismissal);

  // shard_connections.cc: what happens to a connection
  void obey(io::Slot slot, PortOrder order);
  void arm_receive(io::Slot slot);
  void arm_room(io::Slot slot);
  void arm_hang_up(io::Slot slot);
  void answer_polls();
  void begin_stream(io::Slot slot, StreamStart start);
  Member open_stream(Outlet outlet, StreamStart start);
  Tick tick_of(std::chrono::sys_seconds date) const;
  void set_end(Subscriber& subscriber, std::chrono::sys_seconds expires, Duration life);
  void count_stream(const Subscriber& subscriber, int change);
  std::uint64_t& open_connections(const Connection& connection);
  void end_stream(const StreamEnd& end);
  // Before anything else may begin a stream: a place that became free may be the next one's.
  void end_streams();
  void note_close(Member member, CloseReason reason);
  void forget_requests(io::Slot slot);
  void linger(io::Slot slot, CloseReason reason);
  void close(io::Slot slot, CloseReason reason, bool mid_event = false);
  void closed(io::Slot slot);
  std::chrono::sys_time<std::chrono::milliseconds> time_of_day() const;
  void release_held();

  // shard_shared.cc: connections that several streams share
  void obey_shared();
  void carry_out(ConnectionOrder&& order);
  void carry_out(StreamBegins&& begins);
  void carry_out(StreamCancelled&& cancelled);
  void carry_out(StreamStarvesOthers&& starving);
  void carry_out(StreamHasRoom&& has_room);
  void flush_shared();
  void end_streams_of(io::Slot slot, CloseReason reason);
  // shard_upstream.cc: applications that routes ask
  void connected(const io::Completion& completion, Connection& connection);
  void upstream_received(const io::Completion& completion, std::string_view bytes);
  void take_upstream_answers();
  void end_lifetimes();
  void post_to_hooks();

  // shard_time.cc: what the clock brings
  bool time_passes();
  Tick tick_of(TimePoint time) const;
  void accept_again();
  bool open(Port port) const;
  void look_for_room();
  void tick_passed();
  void sweep_on();
  void sweep(std::uint32_t begin, std::uint32_t end);
  void overdue(io::Slot slot, Connection& connection);
  void stream_overdue(Member member, Subscriber& subscriber);
  void say_farewell(Member member, Farewell farewell);
  Tick heartbeat_visit(Tick due, std::uint32_t heartbeat);
  void heartbeat_due(Member member, Subscriber& subscriber);
  void send_heartbeats();
  void take_stock();

  // shard_hand_over.cc: another process takes the broker's place
  void take(const HandOverMessage& message);
  bool held(const io::Completion& completion, const Connection& connection);
  void look_for_quiet();
  void frozen_turn(TimePoint deadline);
  std::optional<HandedStream> handed(Member member);
  void give_streams();
  void go_on();
  void thaw();
  void leave();
  void take(const AdoptMessage& message);
  bool adopt(const HandedStream& stream, int descriptor);

  // shard_drain.cc: stopping
  void drain(bool at_once);
  void begin_drain();
  void end_at_once();
  void drain_on();
  bool drain_waiting() const;
  void drain_some();
  void tell_to_leave(io::Slot slot);
  void tell_to_leave(Subscriber& subscriber);
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
  std::array<std::uint64_t, kCloseReasonCount> stream_ends_{};
  std::vector<RecentClose> recent_closes_;
  LatencyHistogram latency_;
  LoopTime loop_;

  io::Mailbox<Message> mailbox_;
  Heads heads_;  // the lead's; nowhere else does the log go anywhere
  ConnectionTable connections_;
  Subscribers subscribers_;
  Outlets outlets_;
  fanout::Replica replica_;
  Heartbeats heartbeats_;
  Delivery delivery_;
  Lifetimes lifetimes_;
  Courier courier_;
  Upstreams upstreams_;
  Presence presence_;
  Streams streams_;
  Seats seats_;
  Polls polls_;
  ClientLimits limits_;
  SubscriberRoutes routes_;
  Routes& front_;  // routes_, or what was put in front of them
  AccessBook access_;
  HttpPort port_;
  Greeter greeter_;
  Walks walks_;
  std::unique_ptr<SharedPort> shared_;  // null: none
  std::unique_ptr<LeadDesk> desk_;      // the lead's
  std::array<PortKind, kPortCount> port_kinds_;

  std::deque<Message> mail_;  // taken from the mailbox, too much for one turn
  std::vector<Listener> listeners_;
  std::vector<io::Completion> completions_;  // not dispatched yet
  std::vector<Courier::Result> results_;
  std::vector<StreamEnd> ends_;
  std::vector<Member> heartbeats_due_;
  std::vector<io::Token> room_wanted_;  // polls for writable that a FIN has ended
  TimePoint started_{};
  TimePoint now_{};
  Tick tick_ = 0;
  Tick second_ = 0;  // the tick at which the lead's next second begins
  Phase phase_ = Phase::serving;
  bool opened_ = false;    // the listeners, all of them
  bool adopting_ = false;  // streams, and nothing is sent before it has opened
  // The hand-over that is under way.
  Handing handing_ = Handing::no;
  std::shared_ptr<HandOver> hand_over_;
  TimePoint freeze_deadline_{};
  bool log_written_ = false;
  bool log_stopped_ = false;          // Heads::stopped, and publishers that waited were closed
  std::vector<io::Completion> held_;  // what publishers have sent meanwhile
  std::vector<Member> given_;
  std::unordered_map<Member, Lifetimes::Lifetime> ends_of_;
  bool at_once_ = false;
  Tick swept_ = 0;               // the tick whose places were looked at last
  std::uint32_t sweep_at_ = 0;   // how far the next one's have been
  std::int64_t sweep_left_ = 0;  // of this turn's share
  io::Slot told_to_leave_ = 0;   // draining: the slots below know…
  io::Slot leave_end_ = 0;       // …and those from here on came later
  io::Slot drain_at_ = 0;        // closing: how far this pass over the slots has come
  bool finished_ = false;
  Duration drain_over_{};               // how long telling everybody to come back may take
  Tick accepts_end_ = kNever;           // closing: of every listener but the admin's
  Tick drain_deadline_ = kNever;        // of everything but the admin listener
  Tick last_deadline_ = kNever;         // of that
  std::uint64_t turned_away_open_ = 0;  // publishers that are being answered why
  log::Limit accept_log_;
  log::Limit tls_log_;
  std::array<log::Limit, kPortCount> full_log_;  // by port
  log::Limit users_log_;
};

}  // namespace fanfare::server
