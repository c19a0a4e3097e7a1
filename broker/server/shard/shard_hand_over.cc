// Shard, the part about another process that takes its place (docs/decisions/0025-hand-over.md):
// giving it what this shard has, and taking what another process had.
//
// While it is frozen, a shard still collects what the kernel completes and what others post; all of
// that is looked at when it goes on, in either way.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/fanout/log_image.h"
#include "broker/io/parcel.h"
#include "broker/server/shard/handed_stream.h"
#include "broker/server/shard/shard.h"

#include "common/log.h"
#include "common/packing.h"

namespace fanfare::server {
namespace {

// For what is under way. A healthy client takes what it is sent within milliseconds; a slow one is
// told to come back.
constexpr Duration kFreezeTime = 300ms;
// A record with more topics than fit into a parcel stays here.
constexpr std::size_t kRecordBytesMax = io::kParcelBytesMax / 2;

using std::chrono::sys_seconds;

}  // namespace

void Shard::take(const HandOverMessage& message) {
  switch (message.step) {
    case HandOverMessage::Step::freeze:
      hand_over_ = message.to;
      handing_ = Handing::freezing;
      freeze_deadline_ = now_ + kFreezeTime;
      for (std::uint32_t i = 0; i < listeners_.size(); ++i) {
        if (listeners_[i].armed) ring_.cancel_accept(accept_token(i));
      }
      return;
    case HandOverMessage::Step::give:
      return give_streams();
    case HandOverMessage::Step::thaw:
      return thaw();
    case HandOverMessage::Step::leave:
      return leave();
  }
}

// Publishers get no further answer from now on: what they send waits.
bool Shard::held(const io::Completion& completion, const Connection& connection) {
  if (handing_ != Handing::freezing || Op{completion.token.kind} != Op::receive) return false;
  if (!is_publishers(connection.port)) return false;
  held_.push_back(completion);
  return true;
}

// Everything that was told is with its subscribers, as far as they take it.
void Shard::look_for_quiet() {
  if (handing_ != Handing::freezing) return;
  const bool accepting =
      std::ranges::any_of(listeners_, [](const Listener& listener) { return listener.armed; });
  const bool quiet = completions_.empty() && mail_.empty() && !accepting &&
                     !delivery_.work_waiting() && heads_.told.batches == heads_.appended.batches;
  if (!quiet && now_ < freeze_deadline_) return;
  handing_ = Handing::frozen;
  if (desk_) {
    log_written_ = fanout::write_log_image(
        desk_->lead().sequencer().log(), desk_->log_clock().mark(now_, time_of_day()),
        replica_.past(), [this](std::string_view piece) { return hand_over_->write(piece); });
    if (!log_written_) log::error("hand-over: the log cannot be written down");
  }
  hand_over_->done(config_.index, 0);
}

void Shard::frozen_turn(TimePoint deadline) {
  ring_.wait(deadline, completions_);
  now_ = ring_.now();
  std::vector<HandOverMessage> steps;
  mailbox_.take([&](Message&& message) {
    if (auto* const step = std::get_if<HandOverMessage>(&message)) {
      steps.push_back(std::move(*step));
    } else {
      mail_.push_back(std::move(message));
    }
  });
  for (const HandOverMessage& step : steps) take(step);
}

// Nothing: it has to stay here, and its client is told to come back.
std::optional<HandedStream> Shard::handed(Member member) {
  const Subscriber& subscriber = subscribers_[member];
  if (subscriber.live_page || subscriber.outlet.is_box()) return std::nullopt;
  if (subscriber.farewell != Farewell::none) return std::nullopt;
  const io::Slot slot = subscriber.outlet.slot();
  const Connection& connection = connections_[slot];
  const auto at = delivery_.stands_at(member);
  if (connection.state != State::streaming || connection.leaving || !at) return std::nullopt;
  const fanout::Feed* const feed = replica_.feed(subscriber.feed);
  if (fanout::is_gzipped(replica_.framing(feed))) return std::nullopt;  // its compressor stays
  HandedStream stream{.topics = replica_.topics(feed),
                      .framing = replica_.framing(feed),
                      .spacing = replica_.spacing(feed),
                      .at = *at,
                      .keep_alive = connection.keep_alive,
                      .until_close = connection.until_close,
                      .peer = connections_.peer(slot),
                      .carried_for = {},
                      .heartbeat = subscriber.heartbeat,
                      .heartbeat_event = std::string(heartbeats_.name(subscriber.heartbeat_event)),
                      .query = presence_.known_query(member),
                      .subject = std::string(presence_.subject_of(member))};
  if (const auto front = connections_.carrier(slot)) {
    stream.carried_for = std::exchange(stream.peer, {.address = *front});
  }
  if (subscriber.joined) {
    const Tick last = std::max(tick_of(replica_.last_served(feed)), subscriber.quiet_since);
    stream.heartbeat_soon = tick_ > last && (tick_ - last) * 2 > subscriber.heartbeat;
  }
  stream.expires = sys_seconds::max().time_since_epoch().count();
  if (subscriber.expires != kNever) {
    const auto left = kTick * (std::max(subscriber.expires, tick_) - tick_);
    stream.expires =
        std::chrono::ceil<std::chrono::seconds>(time_of_day() + left).time_since_epoch().count();
  }
  stream.ages = subscriber.ages;
  return stream;
}

void Shard::give_streams() {
  std::string records;
  std::vector<int> lent;
  std::vector<io::Descriptor> owned;
  bool taken = !desk_ || log_written_;
  const auto send = [&] {
    taken = taken && hand_over_->send(records, lent);
    records.clear();
    lent.clear();
    owned.clear();
  };
  given_.clear();
  lifetimes_.for_each(
      [&](const Lifetimes::Lifetime& lifetime) { ends_of_[lifetime.subscriber] = lifetime; });
  for (Member member = 0; taken && member < subscribers_.high_water(); ++member) {
    if (!subscribers_.in_use(member)) continue;
    auto stream = handed(member);
    if (!stream) continue;
    if (const auto end = ends_of_.find(member); end != ends_of_.end()) {
      stream->ends = end->second.ends.nanoseconds;
      stream->ends_complete = end->second.complete;
    }
    std::string record;
    Packer packer(record);
    stream->pack(packer);
    if (record.size() > kRecordBytesMax) continue;
    const int descriptor = ring_.lend(subscribers_[member].outlet.slot());
    if (descriptor < 0) continue;
    if (records.size() + record.size() > kRecordBytesMax) send();
    records += record;
    lent.push_back(descriptor);
    owned.emplace_back(descriptor);
    given_.push_back(member);
    if (lent.size() == io::kParcelDescriptorsMax) send();
  }
  if (!lent.empty()) send();
  ends_of_.clear();
  hand_over_->done(config_.index, given_.size());
}

void Shard::go_on() {
  completions_.insert(completions_.begin(), held_.begin(), held_.end());
  held_.clear();
  hand_over_.reset();
}

void Shard::thaw() {
  go_on();
  handing_ = Handing::no;
  given_.clear();
  delivery_.look_again();
  accept_again();
}

// The listeners are the other process's, and so is what was given. All that are left are told to
// come back, at once: each after a delay of its own.
void Shard::leave() {
  go_on();
  handing_ = Handing::left;
  for (const Member member : std::exchange(given_, {})) {
    end_stream({member, CloseReason::handed_over});
  }
  for (std::uint32_t i = 0; i < listeners_.size(); ++i) {
    listeners_[i].kind.inherited = true;
    stop_accepting(i);
  }
  drain(/*at_once=*/false);
  phase_ = Phase::closing;
  accepts_end_ = tick_;
}

// ---- in the process that takes its place

void Shard::take(const AdoptMessage& message) {
  Unpacker from(message.records);
  adopting_ = true;
  std::uint64_t count = 0;
  for (const int descriptor : message.descriptors) {
    const auto stream = HandedStream::unpack(from);
    if (!stream) {
      ring_.refuse(descriptor);
    } else if (adopt(*stream, descriptor)) {
      ++count;
    }
  }
  message.done(count);
}

bool Shard::adopt(const HandedStream& stream, int descriptor) {
  if (connections_.full()) {
    ring_.refuse(descriptor);
    return false;
  }
  const io::Slot slot = connections_.allocate();
  if (!ring_.adopt(descriptor, slot)) {
    connections_.free(slot);
    return false;
  }
  connections_.peer(slot) = stream.peer;
  limits_.connected(slot, limits_.admit(stream.peer).value_or(Quotas::kUncounted));
  Connection& connection = connections_[slot];
  connection.port = Port::subscriber;
  connection.opened = tick_;
  connection.keep_alive = stream.keep_alive;
  connection.until_close = stream.until_close;
  connection.state = State::reading;
  ++open_connections(connection);
  if (!seats_.take()) {
    close(slot, CloseReason::overloaded);
    return false;
  }
  const std::vector<std::string_view> topics(stream.topics.begin(), stream.topics.end());
  StreamStart start;
  start.feed = replica_.number(replica_.open(topics, stream.framing, stream.spacing));
  start.cursor = stream.at;
  start.heartbeat = kTick * stream.heartbeat;
  start.heartbeat_event = heartbeats_.take(stream.heartbeat_event);
  if (stream.heartbeat_soon)
    start.opening = heartbeats_.text(stream.framing, start.heartbeat_event);
  start.expires = sys_seconds(std::chrono::seconds(stream.expires));
  start.carried_for = stream.carried_for;
  start.query = stream.query;
  start.subject = stream.subject;
  if (stream.ends != 0) {
    start.ends = TimePoint{stream.ends};
    start.ends_complete = stream.ends_complete;
  }
  begin_stream(slot, std::move(start));
  subscribers_[connection.subscriber].ages = stream.ages;
  return true;
}

}  // namespace fanfare::server
