#include "broker/server/sockets/ingest_port.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "broker/server/base/version.h"
#include "broker/wire/h1/response_writer.h"
#include "broker/wire/ingest/http_dialect.h"

#include "common/json_text.h"
#include "common/utf8.h"

namespace fanfare::server {
namespace {

// Notices that a watcher has not read: thousands of lines.
constexpr std::size_t kUnreadNoticesMax = 1U << 20U;
// The same, when a watcher is sent more of the streams that were there before.
constexpr std::size_t kUnreadPresentMax = 64U << 10U;
// Replies that wait for the log: 40,000 short ones. A publisher with more is not read from.
constexpr std::size_t kWaitingRepliesMax = 1U << 20U;
// How often the token of a publisher over TCP is looked at, whatever it sends.
constexpr Tick kDoorTicks = 10;
// How long a publisher that is turned away has to send something, and again to take the answer.
constexpr Tick kTurnedAwayTicks = 10;

}  // namespace

IngestPort::IngestPort(Parts parts)
    : connections_(parts.connections),
      courier_(parts.courier),
      counters_(parts.counters),
      http_(parts.http),
      sink_(parts.sink),
      publish_http_(parts.publish_http),
      make_door_(std::move(parts.make_door)),
      settings_(parts.settings),
      heads_(parts.heads),
      date_(parts.date),
      watchers_(parts.switchboard) {}

// A publisher may be idle for days, once it may publish.
PortOrder IngestPort::begin(io::Slot slot, Tick tick) {
  Connection& connection = connections_[slot];
  connection.state = State::publisher;
  const bool has_door = connection.port == Port::publish;
  connection.due = has_door ? tick + ticks(settings_->limits.head_time) : kNever;
  if (free_.empty()) {
    connection.publisher = static_cast<std::uint32_t>(publishers_.size());
    publishers_.emplace_back();
  } else {
    connection.publisher = free_.back();
    free_.pop_back();
  }
  publisher_of(slot).in_use = true;
  return {PortOrder::Kind::receive};
}

PortOrder IngestPort::begin_turned_away(io::Slot slot, TurnedAway why, Tick tick) {
  PortOrder order = begin(slot, tick);
  Connection& connection = connections_[slot];
  connection.reason = why.reason;
  connection.due = tick + kTurnedAwayTicks;
  publisher_of(slot).refusal = std::move(why.sentence);
  return order;
}

// A publisher that comes over TCP has so long to present a token, and as long again when that has
// expired; until then its requests are refused. One that watches would be shown more: it goes at
// once.
PortOrder IngestPort::look_at_door(io::Slot slot, Tick tick) {
  Connection& connection = connections_[slot];
  Publisher& publisher = publisher_of(slot);
  if (publisher.door && publisher.door->open()) {
    publisher.proven = publisher.was_proven = true;
    connection.due = tick + kDoorTicks;
    return {};
  }
  const bool had_time = !std::exchange(publisher.proven, false) || publisher.watches > 0;
  if (had_time) {
    return {PortOrder::Kind::close,
            publisher.was_proven ? CloseReason::token_expired : CloseReason::publish_refused};
  }
  connection.due = tick + ticks(settings_->limits.head_time);
  return {};
}

PortOrder IngestPort::overdue(io::Slot slot, Tick tick) {
  Connection& connection = connections_[slot];
  if (!connection.turned_away) return look_at_door(slot, tick);
  if (publisher_of(slot).input_over) return {PortOrder::Kind::close, connection.reason};
  connection.due = tick + kTurnedAwayTicks;
  answer_turned_away(slot, ingest::Dialect::resp);
  return {};
}

// Redis's words come first: its libraries know them.
std::string IngestPort::farewell(const TurnedAway& why) {
  const bool full = why.reason == CloseReason::overloaded;
  return fmt::format("-{}: {}\r\n",
                     full ? "ERR max number of clients reached" : "NOPERM not allowed",
                     why.sentence);
}

void IngestPort::answer_turned_away(io::Slot slot, ingest::Dialect dialect) {
  Publisher& publisher = publisher_of(slot);
  std::string& out = publisher.replies.text();
  const bool full = connections_[slot].reason == CloseReason::overloaded;
  if (dialect == ingest::Dialect::http) {
    ingest::HttpAnswer answer;
    ingest::answer_not_taken(full ? 503 : 403, publisher.refusal, answer);
    const std::array fields{http::Field{"Content-Type", answer.content_type}};
    h1::append_response_head(out, answer.status, fields, h1::BodyLength::sized(answer.body.size()),
                             h1::Persistence::close, date_.text());
    if (!without_utf8_mark(publisher.first).starts_with("HEAD ")) out += answer.body;
  } else if (dialect == ingest::Dialect::ndjson) {
    out += R"({"ok":false,"error":)";
    append_json_string(out, publisher.refusal);
    out += ",\"line\":1}\n";
  } else {
    out += farewell({.reason = connections_[slot].reason, .sentence = publisher.refusal});
  }
  publisher.input_over = true;
  reply_later(slot, publisher);
}

void IngestPort::release(io::Slot slot) {
  Connection& connection = connections_[slot];
  if (connection.publisher == kNone) return;
  Publisher& publisher = publisher_of(slot);
  if (publisher.watches > 0) watchers_.remove(slot);
  if (publisher.asked) std::erase_if(questions_, [=](const auto& q) { return q.slot == slot; });
  if (publisher.waiting) std::erase(waiting_, slot);
  publisher = Publisher{};
  free_.push_back(connection.publisher);
  connection.publisher = kNone;
}

PortOrder IngestPort::received(io::Slot slot, std::string_view bytes, Tick tick) {
  Publisher& publisher = publisher_of(slot);
  if (publisher.session) {
    PortOrder order = feed(slot, bytes);
    if (publisher.door && !publisher.proven && publisher.door->open()) look_at_door(slot, tick);
    return order;
  }
  publisher.first += bytes;
  const ingest::Dialect dialect = ingest::sniff(publisher.first);
  if (!publisher.refusal.empty() && dialect != ingest::Dialect::undecided) {
    answer_turned_away(slot, dialect);
    return {};
  }
  switch (dialect) {
    case ingest::Dialect::undecided:
      return {PortOrder::Kind::receive};
    case ingest::Dialect::unknown:
      publisher.replies.text() = ingest::unknown_dialect_answer(publisher.first);
      publisher.input_over = true;
      ++counters_.ingest_errors_total;
      connections_[slot].reason = CloseReason::ingest_protocol;
      reply_later(slot, publisher);
      return {};
    case ingest::Dialect::http: {
      const std::string first = std::move(publisher.first);
      release(slot);
      HttpPort& http = connections_[slot].port == Port::publish ? publish_http_ : http_;
      return http.begin(slot, tick, without_utf8_mark(first));
    }
    case ingest::Dialect::resp:
    case ingest::Dialect::ndjson:
      break;
  }
  begin_session(slot, dialect);
  const std::string first = std::exchange(publisher.first, {});
  return received(slot, dialect == ingest::Dialect::resp ? without_utf8_mark(first) : first, tick);
}

void IngestPort::begin_session(io::Slot slot, ingest::Dialect dialect) {
  Publisher& publisher = publisher_of(slot);
  if (connections_[slot].port == Port::publish) {
    publisher.door = make_door_(slot);
  }
  ingest::Sink& sink = publisher.door ? publisher.door->sink() : sink_;
  publisher.session = ingest::make_session(dialect, sink,
                                           {.event_bytes_now = &settings_.publishes().event_bytes,
                                            .connection = ++sessions_,
                                            .version = kVersion,
                                            .commons = &commons_,
                                            .door = publisher.door.get()});
}

PortOrder IngestPort::feed(io::Slot slot, std::string_view bytes) {
  Publisher& publisher = publisher_of(slot);
  commons_.transaction_bytes_max = settings_->limits.ingest_batch_bytes;
  commons_.queued_bytes_max = settings_->limits.bodies_bytes;
  const std::size_t before = publisher.replies.size();
  publisher.session->receive(bytes, publisher.replies.text());
  count_transactions();
  look_for_wishes(slot, publisher);
  answered(slot, publisher, before);
  if (publisher.session->closed()) {
    const bool refused = publisher.door && publisher.door->tried_enough();
    const bool broken = publisher.session->broken();
    connections_[slot].reason = refused  ? CloseReason::publish_refused
                                : broken ? CloseReason::ingest_protocol
                                         : CloseReason::peer_closed;
    publisher.input_over = true;
  }
  return next_order(slot, publisher);
}

// What its session cannot answer by itself.
void IngestPort::look_for_wishes(io::Slot slot, Publisher& publisher) {
  const ingest::Session& session = *publisher.session;
  if (session.watches() != publisher.watches) {
    publisher.watches = session.watches();
    const auto watched = session.watched();
    watchers_.add(slot, watched.empty() ? nullptr
                                        : std::make_shared<const std::vector<std::string>>(
                                              watched.begin(), watched.end()));
  }
  if (session.asking() == nullptr || std::exchange(publisher.asked, true)) return;
  questions_.push_back({.slot = slot, .request = *session.asking()});
}

void IngestPort::answer(io::Slot slot, const std::expected<ingest::Roll, std::string_view>& roll) {
  Publisher& publisher = publisher_of(slot);
  if (!std::exchange(publisher.asked, false)) return;
  const std::size_t before = publisher.replies.size();
  publisher.session->answer(roll, publisher.replies.text());
  answered(slot, publisher, before);
}

void IngestPort::count_transactions() {
  counters_.ingest_transactions_total = commons_.transactions_total;
  counters_.ingest_transactions_refused_total = commons_.transactions_refused_total;
  counters_.ingest_queue_full_total = commons_.queue_full_total;
}

// One thing at a time: while acks are on their way nothing is read.
PortOrder IngestPort::next_order(io::Slot slot, const Publisher& publisher) const {
  if (publisher.reply_due || publisher.in_flight || publisher.asked) return {};
  if (publisher.waiting) {
    return reads_on(publisher) ? PortOrder{PortOrder::Kind::receive} : PortOrder{};
  }
  if (publisher.input_over) return {PortOrder::Kind::linger, connections_[slot].reason};
  return {PortOrder::Kind::receive};
}

PortOrder IngestPort::input_ended(io::Slot slot) {
  Publisher& publisher = publisher_of(slot);
  if (publisher.session && publisher.session->paused()) {
    publisher.end_pending = true;
    return {};
  }
  publisher.input_over = publisher.peer_ended = true;
  connections_[slot].reason = CloseReason::peer_closed;
  if (publisher.session && !publisher.session->closed()) {
    const std::size_t before = publisher.replies.size();
    publisher.session->end_of_input(publisher.replies.text());
    count_transactions();
    look_for_wishes(slot, publisher);
    answered(slot, publisher, before);
  }
  if (quiet(slot)) {
    return {PortOrder::Kind::close, CloseReason::peer_closed};
  }
  return {};
}

// Its session may have appended replies: they rest on the log as it is now, of which this turn's
// part is not sealed yet.
void IngestPort::answered(io::Slot slot, Publisher& publisher, std::size_t before) {
  if (publisher.replies.size() == before) return;
  publisher.rests_on_log = true;
  reply_later(slot, publisher);
}

void IngestPort::reply_later(io::Slot slot, Publisher& publisher) {
  if (publisher.reply_due || publisher.in_flight) return;
  publisher.reply_due = true;
  reply_due_.push_back(slot);
}

// As many of the streams present as a watcher has room for.
void IngestPort::ask_for_present() {
  for (Watchers::Watcher& watcher : watchers_.all()) {
    Publisher& publisher = publisher_of(watcher.slot);
    if (publisher.replies.size() >= kUnreadPresentMax || publisher.in_flight) continue;
    if (watcher.missed > 0) {
      ingest::append_missed(publisher.replies.text(), std::exchange(watcher.missed, 0));
      reply_later(watcher.slot, publisher);
      watchers_.begin_anew(watcher);
      ++counters_.watches_begun_anew_total;
    }
    watchers_.ask(watcher);
  }
}

// Whether a publisher whose acks wait for the log may go on publishing.
bool IngestPort::reads_on(const Publisher& publisher) {
  const bool paused = publisher.session && publisher.session->paused();
  return !paused && !publisher.input_over && publisher.replies.size() < kWaitingRepliesMax;
}

void IngestPort::wait(io::Slot slot, Publisher& publisher) {
  if (!std::exchange(publisher.waiting, true)) waiting_.push_back(slot);
  if (reads_on(publisher)) readable_.push_back(slot);
}

// The log was told further: some of what waited may leave.
void IngestPort::look_at_waiting() {
  if (waiting_.empty() || waiting_seen_ == heads_.told.batches) return;
  waiting_seen_ = heads_.told.batches;
  std::erase_if(waiting_, [this](io::Slot slot) {
    Publisher& publisher = publisher_of(slot);
    if (!publisher.replies.ready(waiting_seen_)) return false;
    publisher.waiting = false;
    reply_later(slot, publisher);
    return true;
  });
}

void IngestPort::send_replies() {
  ask_for_present();
  look_at_waiting();
  for (const io::Slot slot : std::exchange(reply_due_, {})) {
    if (connections_[slot].publisher == kNone) continue;
    Publisher& publisher = publisher_of(slot);
    if (!std::exchange(publisher.reply_due, false) || publisher.replies.empty()) continue;
    if (std::exchange(publisher.rests_on_log, false) && heads_.waits()) {
      publisher.replies.wait_for(heads_.appended.batches);
    }
    if (!publisher.replies.ready(heads_.told.batches)) {
      wait(slot, publisher);
      continue;
    }
    publisher.replies.take(heads_.told.batches, publisher.sending);
    publisher.sent = 0;
    publisher.in_flight = true;
    courier_.queue(slot, publisher.sending);
  }
}

PortOrder IngestPort::sent(io::Slot slot, std::int32_t result) {
  if (result < 0) return {PortOrder::Kind::close, CloseReason::peer_reset};
  Publisher& publisher = publisher_of(slot);
  publisher.sent += static_cast<std::size_t>(result);
  publisher.taken += static_cast<std::size_t>(result);
  if (publisher.sent < publisher.sending.size()) return {PortOrder::Kind::room};
  publisher.in_flight = false;
  publisher.sending.clear();
  if (!publisher.replies.empty()) {
    reply_later(slot, publisher);
    return {};
  }
  if (publisher.session && publisher.session->paused()) {
    PortOrder order = feed(slot, {});
    const bool ended = publisher.end_pending && !publisher.session->paused();
    return ended ? input_ended(slot) : std::move(order);
  }
  if (publisher.peer_ended) {
    return {PortOrder::Kind::close, CloseReason::peer_closed};
  }
  return next_order(slot, publisher);
}

void IngestPort::writable(io::Slot slot) {
  const Publisher& publisher = publisher_of(slot);
  courier_.queue(slot, std::string_view(publisher.sending).substr(publisher.sent));
}

bool IngestPort::quiet(io::Slot slot) const {
  const Publisher& publisher = publishers_[connections_[slot].publisher];
  return !publisher.in_flight && publisher.replies.empty() && !publisher.asked;
}

void IngestPort::notify(const NoticeMessage& notice) {
  for (Watchers::Watcher& watcher : watchers_.all()) {
    if (!Watchers::concerns(watcher, notice)) continue;
    Publisher& publisher = publisher_of(watcher.slot);
    // Checked beforehand: the lines of a single stream may be long.
    if (watcher.missed > 0 || publisher.replies.size() > kUnreadNoticesMax) {
      ++watcher.missed;
      ++counters_.watch_notices_missed_total;
      continue;
    }
    if (!append_lines(publisher.replies.text(), notice, watcher)) continue;
    if (notice.kind == NoticeMessage::Kind::present) ++watcher.present;
    reply_later(watcher.slot, publisher);
  }
}

// One that is behind and reads, however slowly, will be told of what it has missed.
std::vector<io::Slot> IngestPort::find_stuck(Tick tick, Tick stall) {
  std::vector<io::Slot> stuck;
  for (Watchers::Watcher& watcher : watchers_.all()) {
    const std::uint64_t taken = publisher_of(watcher.slot).taken;
    const bool reads = std::exchange(watcher.taken, taken) != taken;
    if (watcher.missed == 0 || reads) {
      watcher.unread_since = tick;
    } else if (tick - watcher.unread_since >= stall) {
      stuck.push_back(watcher.slot);
    }
  }
  return stuck;
}

void IngestPort::notify(const CensusPartMessage& part) {
  const Watchers::Watcher* const watcher = watchers_.take(part);
  if (watcher == nullptr || watcher->missed > 0) return;
  Publisher& publisher = publisher_of(watcher->slot);
  ingest::append_present(publisher.replies.text(), watcher->present);
  reply_later(watcher->slot, publisher);
}

}  // namespace fanfare::server
