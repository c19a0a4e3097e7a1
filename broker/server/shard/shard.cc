#include "broker/server/shard/shard.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/fanout/topics.h"
#include "broker/io/socket.h"
#include "broker/server/base/rules.h"

namespace fanfare::server {
namespace {

// Completions looked at in one turn; the rest waits for the next, behind the streams' batch.
constexpr std::size_t kDispatchMax = 512;
// Commands of the log, and changes of attendance, applied in one turn: a shard that fell behind
// catches up in steps. (A batch is not divided; it is what the lead took in, in one turn of its
// own.)
constexpr std::size_t kMailAtOnce = 16'384;
// Rounds of answers in one turn: pipelined requests are answered one after another.
constexpr int kAnswerRounds = 4;

std::size_t weight(const Message& message) {
  if (const auto* const log = std::get_if<LogMessage>(&message)) {
    return 1 + log->batch->effects.size();
  }
  if (const auto* const attendance = std::get_if<AttendanceMessage>(&message)) {
    return 1 + attendance->changes.size();
  }
  return 1;
}

}  // namespace

Shard::Shard(const ShardConfig& config, io::Ring& ring, Switchboard& switchboard)
    : config_(config),
      ring_(ring),
      switchboard_(switchboard),
      settings_(config.options),
      random_(config.seed),
      loop_(ring),
      mailbox_(ring),
      connections_(ring.capacity()),
      subscribers_(ring.capacity()),
      outlets_(ring, connections_, subscribers_, loop_),
      replica_({.epoch = config.epoch,
                .members_max = subscribers_.capacity(),
                .feed_members_max = config.feed_members_max,
                .rules = {.of =
                              [this](const fanout::Topics& topics) {
                                return crowd_rules(settings_.options(), topics.texts());
                              },
                          .revision = &settings_.revision()},
                .began = ring.now(),
                .past = config.recovered ? std::optional(config.recovered->past) : std::nullopt}),
      delivery_(
          {subscribers_, outlets_, replica_, counters_, latency_, settings_, random_, heartbeats_}),
      lifetimes_(subscribers_),
      courier_(ring_, connections_, loop_, heads_),
      upstreams_({ring_, connections_, courier_, counters_, settings_}),
      presence_({config.index, settings_, subscribers_, replica_, counters_, switchboard_}),
      streams_({replica_, counters_, switchboard_, random_, heartbeats_, delivery_.gzip()}),
      seats_(switchboard.streams, config.connections_max, config.subscribers_max),
      polls_({settings_, replica_, streams_, seats_, counters_, random_}),
      limits_({settings_, counters_, switchboard.addresses, switchboard.bearers}),
      routes_({settings_, streams_, polls_, seats_, limits_, counters_, upstreams_,
               switchboard.approvals, switchboard.tickets}),
      front_(config.in_front ? config.in_front(routes_) : routes_),
      access_(config.index, settings_, counters_, switchboard.access,
              [this] { return time_of_day(); }),
      port_(connections_, courier_, counters_, settings_.subscriber_requests(), settings_, date_,
            switchboard.subscriber_bodies, front_, &access_),
      greeter_(connections_, counters_, settings_),
      walks_({config.index, ring_, config.tls, connections_, subscribers_, replica_, delivery_,
              presence_, access_, switchboard_}),
      started_(ring.now()),
      now_(started_) {
  if (switchboard.is_lead(config.index)) {
    desk_ = std::make_unique<LeadDesk>(
        LeadDesk::Parts{connections_, courier_, counters_, streams_, switchboard_, config.surface,
                        ring.name(), config.connections_max, date_, heads_, config.gate,
                        config.recovered
                            ? fanout::LogClock(config.recovered->clock, started_, time_of_day())
                            : fanout::LogClock(started_, time_of_day()),
                        config.recovered ? std::move(config.recovered->log) : nullptr, random_},
        config.epoch, settings_);
  }
  if (config.shared) {
    shared_ = config.shared({ring_, connections_, front_, port_, settings_, counters_, date_,
                             switchboard.subscriber_bodies, access_});
    outlets_.share(*shared_);
    walks_.share(*shared_);
  }
  know_ports();
  tell_date();
}

void Shard::know_ports() {
  kind_of(Port::subscriber) = {
      .http = &port_,
      .open = &counters_.connections_open,
      .full = "a client was turned away: every slot is in use; raise [limits] connections"};
  kind_of(Port::upstream) = {.open = &counters_.upstream_connections_open, .full = {}};
  if (!desk_) return;
  kind_of(Port::admin) = {
      .http = desk_->admin_port(),
      .open = &counters_.admin_connections_open,
      .full = "a connection to [listen] admin was closed: the limit of {} is reached"};
  kind_of(Port::publish) = {.http = &desk_->publish_http(),
                            .open = &counters_.publish_connections_open,
                            .full =
                                "a publisher over TCP was turned away: the limit of {} is reached; "
                                "raise [limits] publish_connections"};
  kind_of(Port::ingest) = {.http = &desk_->ingest_http(),
                           .open = &counters_.ingest_connections_open,
                           .full =
                               "a publisher was turned away: the limit of {} is reached; raise "
                               "[limits] ingest_connections"};
}

Shard::~Shard() = default;

void Shard::tell_date() {
  const auto date = std::chrono::floor<std::chrono::seconds>(time_of_day());
  date_.tell(date);
  routes_.tell_date(date);
  heartbeats_.tell_date(date);
  if (desk_) desk_->tell_date(date);
  polls_.tell_date(date);
  presence_.tell_time(tick_, time_of_day().time_since_epoch().count());
}

std::chrono::sys_time<std::chrono::milliseconds> Shard::time_of_day() const {
  using std::chrono::system_clock;
  if (config_.wall_clock) return config_.wall_clock();
  return std::chrono::floor<std::chrono::milliseconds>(system_clock::now());
}

void Shard::listen(Port port, int listener, ListenerKind kind) {
  listeners_.push_back({.port = port, .descriptor = listener, .kind = kind});
  if (open(port)) arm_accept(static_cast<std::uint32_t>(listeners_.size()) - 1);
}

void Shard::arm_accept(std::uint32_t index) {
  listeners_[index].armed = true;
  ring_.accept(listeners_[index].descriptor, accept_token(index));
}

bool Shard::work_waiting() const {
  return !completions_.empty() || delivery_.work_waiting() || courier_.waiting() ||
         !heartbeats_due_.empty() || !mail_.empty() || swept_ != tick_ || drain_waiting() ||
         upstreams_.work_waiting() || polls_.work_waiting() || walks_.work_waiting() ||
         (shared_ && shared_->waiting()) || (desk_ && desk_->work_waiting()) ||
         (config_.tls != nullptr && config_.tls->work_waiting());
}

TimePoint Shard::next_turn() const {
  const TimePoint tick_end = started_ + kTick * (tick_ + 1);
  return std::min(tick_end, replica_.next_release().value_or(tick_end));
}

// Operators may look on while the history is brought back; all others are admitted afterwards.
bool Shard::open(Port port) const {
  return port == Port::admin ||
         switchboard_.phase.load(std::memory_order_relaxed) >= BrokerPhase::serving;
}

void Shard::turn(TimePoint deadline) {
  if (handing_ == Handing::frozen) return frozen_turn(deadline);
  if (!opened_) {
    opened_ = open(Port::subscriber);
    accept_again();
  }
  ring_.wait(work_waiting() ? now_ : std::min(deadline, next_turn()), completions_);
  now_ = ring_.now();
  loop_.turn_begins(now_);
  replica_.advance(now_);
  ++counters_.turns_total;
  routes_.turn_begins(now_);
  limits_.turn_begins(now_);
  upstreams_.turn_begins(now_);
  polls_.turn_begins();
  access_.turn_begins(now_);
  if (desk_) desk_->turn_begins(now_);
  if (heads_.stopped && !std::exchange(log_stopped_, true)) give_up_answers();

  // Dispatching may append (a flush finds accepts): what is new stays for the next turn.
  const std::size_t count = std::min(completions_.size(), kDispatchMax);
  for (std::size_t i = 0; i < count; ++i) {
    const io::Completion completion = completions_[i];
    dispatch(completion);
  }
  completions_.erase(completions_.begin(),
                     completions_.begin() + static_cast<std::ptrdiff_t>(count));
  if (count > 0) loop_.step_ends(TurnStep::completions);

  if (take_messages()) loop_.step_ends(TurnStep::mailbox);
  if (time_passes()) loop_.step_ends(TurnStep::time);
  walk_on();
  take_upstream_answers();
  seal();
  loop_.step_ends(TurnStep::seal);
  answer_polls();
  send_answers();
  loop_.step_ends(TurnStep::answers);
  pump();
  send_reports();
  look_for_end();
  look_for_quiet();
  access_.hand_over();
  loop_.step_ends(TurnStep::streams);
  loop_.turn_ends(config_.index);
}

void Shard::dispatch(const io::Completion& completion) {
  const Op op{completion.token.kind};
  if (op == Op::accept) {
    accepted(completion);
    return;
  }
  Connection* const connection = connections_.find(completion.token);
  if (connection != nullptr && held(completion, *connection)) return;
  if (connection != nullptr) {
    switch (op) {
      case Op::connect:
        connected(completion, *connection);
        break;
      case Op::receive:
        received(completion, *connection);
        break;
      case Op::poll_hang_up:
      case Op::poll_writable:
        polled(completion, *connection, op);
        break;
      case Op::close:
        closed(completion.token.index);
        break;
      case Op::accept:
      case Op::send:
        break;
    }
  }
  if (!completion.data.empty()) ring_.recycle(completion);
}

void Shard::accepted(const io::Completion& completion) {
  Listener& listener = listeners_[completion.token.index];
  listener.armed = completion.more;
  if (completion.result >= 0) {
    admit(listener, completion.result);
  } else if (phase_ >= Phase::closing &&
             (completion.result == -EINVAL || completion.result == -EAGAIN)) {
    // All shards share the listener of a Unix socket, and another one has closed it.
    listener.wanted = false;
  } else if (completion.result != -ECANCELED) {
    ++counters_.accept_errors_total;
    if (const auto left_out = accept_log_.admit(now_); left_out >= 0) {
      log::warn("accept: {}{}", std::strerror(-completion.result), log::left_out_note(left_out));
    }
  }
  if (listener.armed || (listener.wanted && handing_ != Handing::no)) return;
  if (!listener.wanted) return accept_ended(completion.token.index);
  // Out of descriptors or memory (EMFILE, ENFILE, ENOMEM, ENOBUFS) the next one would fail at once,
  // and so on in a circle: accept_again() tries at the next tick. Aborted: a client's own doing.
  if (completion.result >= 0 || completion.result == -ECONNABORTED)
    arm_accept(completion.token.index);
}

void Shard::admit(const Listener& listener, int descriptor) {
  const Port port = listener.port;
  const TurnedAway turned_away =
      is_publishers(port) && !at_once_ ? why_turned_away(port, descriptor) : TurnedAway{};
  if (turned_away.sentence.empty()) {
    if (at_once_ || (!is_publishers(port) && !has_room(port))) {
      ring_.refuse(descriptor);
      ++counters_.connections_refused_total;
      return;
    }
  } else if (turned_away_open_ == kTurnedAwaySlots || connections_.full()) {
    ring_.refuse(descriptor, IngestPort::farewell(turned_away));
    ++counters_.connections_refused_total;
    ++closes_[static_cast<std::size_t>(turned_away.reason)];
    return;
  }
  const PackedAddress peer = PackedAddress::from(ring_.peer_of(descriptor));
  if (listener.kind.tcp && !peer.known()) return ring_.refuse(descriptor);
  const auto share = port == Port::subscriber ? limits_.admit(peer) : Quotas::kUncounted;
  if (!share) return ring_.refuse(descriptor);
  const io::Slot slot = connections_.allocate();
  if (!ring_.adopt(descriptor, slot)) {
    connections_.free(slot);
    limits_.give_back(*share);
    ++counters_.accept_errors_total;
    return;
  }
  connections_.peer(slot) = peer;
  limits_.connected(slot, *share);
  welcome(slot, listener, turned_away);
}

// What a publisher that gets no seat is answered, in one of a few places kept for that. An empty
// sentence: it gets a seat.
TurnedAway Shard::why_turned_away(Port port, int descriptor) {
  if (port == Port::ingest && !may_publish(descriptor)) {
    return {.reason = CloseReason::ingest_refused,
            .sentence = "the user of this process is not in [listen] ingest_users"};
  }
  if (has_room(port)) return {};
  const bool local = port == Port::ingest;
  ++(local ? counters_.ingest_connections_refused_total
           : counters_.publish_connections_refused_total);
  return {.reason = CloseReason::overloaded,
          .sentence = fmt::format("as many publishers are connected as [limits] {}_connections "
                                  "allows ({}); close one, or raise it",
                                  local ? "ingest" : "publish", most_connections(port))};
}

// Each kind of listener has its share of the table: clients cannot crowd out publishers and the
// operator, nor the other way round.
std::uint64_t Shard::most_connections(Port port) const {
  if (port == Port::ingest) return settings_->limits.ingest_connections;
  if (port == Port::publish) return settings_->limits.publish_connections;
  return port == Port::admin ? kAdminSlots : config_.subscribers_max + kSpareSlots;
}

bool Shard::has_room(Port port) {
  if (!connections_.full() && *kind_of(port).open < most_connections(port)) return true;
  if (port == Port::admin) ++counters_.admin_connections_refused_total;
  log::Limit& limit = full_log_[static_cast<std::size_t>(port)];
  if (const auto left_out = limit.admit(now_); left_out >= 0) {
    log::warn("{}{}", fmt::format(fmt::runtime(kind_of(port).full), most_connections(port)),
              log::left_out_note(left_out));
  }
  return false;
}

bool Shard::may_publish(int descriptor) {
  const auto& allowed = config_.ingest_users;
  if (allowed.empty()) return true;
  const auto peer = io::peer_credentials(descriptor);
  if (peer && std::find(allowed.begin(), allowed.end(), peer->user) != allowed.end()) return true;
  if (const auto left_out = users_log_.admit(now_); left_out >= 0) {
    log::warn("ingest: user id {} is not in [listen] ingest_users; refused{}",
              peer ? std::to_string(peer->user) : "unknown", log::left_out_note(left_out));
  }
  return false;
}

void Shard::welcome(io::Slot slot, const Listener& listener, const TurnedAway& turned_away) {
  const Port port = listener.port;
  Connection& connection = connections_[slot];
  connection.port = port;
  connection.turned_away = !turned_away.sentence.empty();
  connection.opened = tick_;
  connection.leaving = phase_ != Phase::serving && port != Port::admin;
  ++open_connections(connection);
  if (listener.kind.tls && is_publishers(port) && !secure(slot)) {
    connection.state = State::greeting;
    return close(slot, CloseReason::overloaded);
  }
  if (connection.turned_away) {
    obey(slot, desk_->ingest_port().begin_turned_away(slot, turned_away, tick_));
    return;
  }
  if (is_publishers(port)) {
    ++(port == Port::ingest ? counters_.ingest_connections_total
                            : counters_.publish_connections_total);
    obey(slot, desk_->ingest_port().begin(slot, tick_));
    return;
  }
  if (port == Port::subscriber) {
    ++counters_.connections_accepted_total;
    if (listener.kind.tls) config_.tls->expect(slot, Audience::subscribers);
    return greet(slot);
  }
  obey(slot, kind_of(port).http->begin(slot, tick_));
}

void Shard::received(const io::Completion& completion, Connection& connection) {
  const io::Slot slot = completion.token.index;
  connection.receive_armed = false;
  if (connection.state == State::closing) return;
  if (completion.result == -ENOBUFS) {
    arm_receive(slot);
    return;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(completion.data.data()),
                               completion.data.size());
  const bool ended = completion.result == 0;
  if (connection.state == State::upstream) return upstream_received(completion, bytes);
  if (completion.result == -EPROTO && config_.tls != nullptr) return tls_failed(slot);
  if (completion.result < 0) {
    if (completion.result != -ECANCELED) close(slot, CloseReason::peer_reset);
    return;
  }
  switch (connection.state) {
    case State::publisher:
      if (!ended) know_publisher(slot);
      obey(slot, ended ? desk_->ingest_port().input_ended(slot)
                       : desk_->ingest_port().received(slot, bytes, tick_));
      break;
    case State::greeting:
      if (ended) {
        close(slot, CloseReason::peer_closed);
      } else {
        greeted(slot, bytes);
      }
      break;
    case State::reading:
      obey(slot, ended ? kind_of(connection).http->input_ended(slot)
                       : kind_of(connection).http->received(slot, bytes, tick_));
      break;
    case State::shared:
      if (ended) {
        close(slot, CloseReason::peer_closed);
      } else {
        shared_->received(slot, bytes, tick_);
        obey_shared();
      }
      break;
    case State::lingering:
      if (ended) {
        close(slot, connection.reason);
      } else {
        arm_receive(slot);  // discarded: only the FIN is of interest
      }
      break;
    case State::waiting:
    case State::answering:
    case State::streaming:
      if (ended) close(slot, CloseReason::peer_closed);
      break;
    case State::free:
    case State::upstream:
    case State::closing:
      break;
  }
}

void Shard::polled(const io::Completion& completion, Connection& connection, Op op) {
  const io::Slot slot = completion.token.index;
  if (op == Op::poll_hang_up) {
    connection.hang_up_armed = false;
  } else {
    connection.writable_armed = false;
  }
  if (completion.result == -ECANCELED || connection.state == State::closing) return;
  // The peer has sent everything and does not read: a new poll would complete again at once.
  constexpr int kRoomOrBroken = POLLOUT | POLLERR | POLLHUP;
  if (op == Op::poll_writable && completion.result > 0 &&
      (completion.result & kRoomOrBroken) == 0) {
    room_wanted_.push_back(completion.token);
    return;
  }
  if (op == Op::poll_hang_up) {
    // In any other state something is being read or sent, which will report the end.
    const bool silent = connection.state == State::streaming || connection.state == State::waiting;
    if (silent) close(slot, CloseReason::peer_closed);
  } else if (connection.state == State::streaming) {
    delivery_.room(connection.subscriber);
  } else if (connection.state == State::answering) {
    kind_of(connection).http->writable(slot);
  } else if (connection.state == State::publisher) {
    desk_->ingest_port().writable(slot);
  } else if (connection.state == State::shared) {
    shared_->writable(slot);
    obey_shared();
  } else if (connection.state == State::upstream) {
    upstreams_.writable(slot);
  }
}

// True: there were some.
bool Shard::take_messages() {
  std::size_t left = kMailAtOnce;
  const auto taken = [&](const Message& message) {
    left -= std::min(left, weight(message));
    std::visit([this](const auto& kind) { take(kind); }, message);
  };
  const bool behind = !mail_.empty();
  for (; !mail_.empty() && left > 0; mail_.pop_front()) taken(mail_.front());
  const std::size_t came = mailbox_.take([&](Message&& message) {
    if (mail_.empty() && left > 0) {
      taken(message);
    } else {
      mail_.push_back(std::move(message));
    }
  });
  counters_.mailbox_messages_total += came;
  return behind || came > 0;
}

void Shard::take(const LogMessage& message) {
  replica_.apply(*message.batch);
  delivery_.applied();
  switchboard_.gauges[config_.index].in_mail_bytes.fetch_sub(message.frame_bytes,
                                                             std::memory_order_relaxed);
}

void Shard::take(const SettingsMessage& message) {
  settings_.replace(message.options);
  if (config_.tls == nullptr) return;
  config_.tls->serve({message.options->tls_server, message.options->publish_tls_server});
}

void Shard::take(DrainMessage message) {
  drain(message.at_once);
}

void Shard::take(const AttendanceMessage& message) {
  for (const fanout::Attendance::Change& change : message.changes) {
    desk_->lead().roster().change(*change.topics, change.delta);
  }
}

void Shard::seal() {
  if (!desk_) return;
  desk_->lead().seal();
  while (const fanout::BatchPtr batch = desk_->lead().tell()) {
    replica_.apply(*batch);
    delivery_.applied();
  }
}

void Shard::send_replies() {
  if (!desk_) return;
  ask_for_rolls();
  desk_->ingest_port().send_replies();
  for (const io::Slot slot : desk_->ingest_port().take_readable()) arm_receive(slot);
}

void Shard::send_answers() {
  send_replies();
  for (int round = 0; courier_.waiting() && round < kAnswerRounds; ++round) {
    results_.clear();
    courier_.flush(completions_, results_);
    for (const Courier::Result& result : results_) {
      Connection& connection = connections_[result.slot];
      if (connection.generation != result.generation) continue;
      if (connection.state == State::answering) {
        obey(result.slot, kind_of(connection).http->sent(result.slot, result.result, tick_));
      } else if (connection.state == State::publisher) {
        obey(result.slot, desk_->ingest_port().sent(result.slot, result.result));
      } else if (connection.state == State::upstream) {
        obey(result.slot, upstreams_.sent(result.slot, result.result));
      }
    }
    // What those answers led to was published as well: sealed before it is acked.
    seal();
    send_replies();
  }
}

void Shard::pump() {
  if (adopting_ && !opened_) return;
  delivery_.pump(tick_, completions_, ends_);
  end_streams();
  if (shared_) flush_shared();
  counters_.unserved_bytes = replica_.unserved_bytes();
  Switchboard::Gauge& gauge = switchboard_.gauges[config_.index];
  gauge.unserved_bytes.store(counters_.unserved_bytes, std::memory_order_relaxed);
  if (!switchboard_.publishers_paused.load(std::memory_order_relaxed)) return;
  if (desk_) {
    release_held();
  } else if (counters_.unserved_bytes <= settings_->limits.ingest_pending_bytes) {
    switchboard_.wake_lead();
  }
}

void Shard::send_reports() {
  auto changes = replica_.take_attendance();
  streams_.count_patterns();
  if (changes.empty()) return;
  if (desk_) {
    take(AttendanceMessage{std::move(changes)});
  } else {
    switchboard_.post_to_lead(AttendanceMessage{std::move(changes)});
  }
}

}  // namespace fanfare::server
