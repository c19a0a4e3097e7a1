#include "broker/server/streams/delivery.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "broker/server/streams/wrap.h"

namespace fanfare::server {
namespace {

// Sends in one submit: at 4 to 7 us each, 1 to 2 ms in which nothing else is served (facts: batch
// size does not change the cost of a send, only the latency of the loop).
constexpr std::size_t kBatchSends = 256;
// Of these, members that are behind: each may cost a read and a larger send, of which so many bytes
// take as long as a batch of events.
constexpr std::size_t kBatchBehind = 64;
constexpr std::size_t kBatchBehindBytes = 256U << 10U;
// What one read of the backlog brings; about what a healthy socket takes at once.
constexpr std::size_t kReadBytes = 64U << 10U;
// A first span up to this size is copied behind the response head, so that a resuming client costs
// one send.
constexpr std::size_t kJoinHeadBytes = 48U << 10U;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

bool is_full(std::int32_t result) {
  return result >= 0 || result == -EAGAIN || result == -ENOBUFS || result == -ENOMEM;
}

}  // namespace

Delivery::Delivery(const Parts& parts)
    : ring_(parts.ring),
      connections_(parts.connections),
      replica_(parts.replica),
      audiences_(parts.audiences),
      counters_(parts.counters),
      latency_(parts.latency),
      loop_(parts.loop),
      settings_(parts.settings),
      random_(parts.random) {}

void Delivery::open(io::Slot slot, StreamStart start) {
  Connection& connection = connections_[slot];
  connection.audience = start.audience;
  const std::uint32_t index = add_behind(slot, start.cursor);
  Behind& behind = behind_[index];
  behind.opening = std::move(start.opening);
  make_ready(index);
}

void Delivery::close(io::Slot slot) {
  Connection& connection = connections_[slot];
  if (connection.audience == kNone) return;
  if (connection.behind == kNone) {
    replica_.leave(audiences_[connection.audience].feed, slot);
  } else {
    remove_behind(connection.behind);
  }
  audiences_.exit(connection.audience);
  connection.audience = kNone;
}

void Delivery::applied() {
  for (const std::uint32_t index : ahead_) make_ready(index);
  ahead_.clear();
}

void Delivery::pump(Tick tick, std::vector<io::Completion>& completions,
                    std::vector<StreamEnd>& ends) {
  send_rounds(tick);
  send_behind(ends);
  const bool rounds_moved = !spans_.empty();
  flush(tick, completions, ends);
  if (rounds_moved) applied();
}

// Each feed at most once a batch: its members must not be sent to twice between two submits.
void Delivery::send_rounds(Tick tick) {
  std::size_t sends = 0;
  for (std::size_t feeds = replica_.feeds_waiting(); feeds > 0 && sends < kBatchSends; --feeds) {
    const auto round = replica_.next_round(kBatchSends - sends);
    if (!round) break;
    if (round->ends) {
      sends += round->members.size();
      end_members(*round);
      continue;
    }
    const std::uint32_t audience = audiences_.index_of(round->feed);
    const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(round->span.data),
                                           round->span.size);
    for (const fanout::Member member : round->members) {
      ring_.send(member, bytes, connections_.token(Op::send, member));
    }
    const std::uint64_t members = round->members.size();
    sends += members;
    counters_.sends_total += members;
    counters_.sent_bytes_total += members * round->span.size;
    counters_.deliveries_total += members * round->span.events;
    spans_.push_back({audience, round->span, round->committed, members});
    audiences_.served(audience, tick);
  }
}

// The last round of a finished feed: each member takes the way of those behind, once more, to be
// ended there.
void Delivery::end_members(const fanout::Round& round) {
  const std::vector<fanout::Member> members(round.members.begin(), round.members.end());
  for (const fanout::Member member : members) {
    const fanout::Sequence stands_at = replica_.leave(round.feed, member);
    const std::uint32_t index = add_behind(member, stands_at);
    Behind& behind = behind_[index];
    if (round.span.size > 0) {
      behind.cursor = round.span.last;
      behind.keeps = round.span.keeps;
      behind.rest = {round.span.data, round.span.size};
      counters_.deliveries_total += round.span.events;
    }
    make_ready(index);
  }
}

void Delivery::send_behind(std::vector<StreamEnd>& ends) {
  std::size_t sends = 0;
  std::size_t bytes = 0;
  while (sends < kBatchBehind && bytes < kBatchBehindBytes && !ready_.empty()) {
    const std::uint32_t index = ready_.front();
    ready_.pop_front();
    Behind& behind = behind_[index];
    behind.queued = false;
    if (!behind.in_use) {
      behind_free_.push_back(index);
      continue;
    }
    if (behind.blocked) continue;
    if (behind.rest.empty() && !prepare_rest(index, ends)) continue;
    ring_.send(behind.slot, bytes_of(behind.rest), connections_.token(Op::send, behind.slot));
    ++counters_.sends_total;
    counters_.sent_bytes_total += behind.rest.size();
    sent_behind_.push_back(index);
    ++sends;
    bytes += behind.rest.size();
  }
}

// Reads on, turning every gap on the way into a gap event in `opening`. False: the subscriber has
// fallen out of the window and is to be disconnected for it.
bool Delivery::read_on(Behind& behind, fanout::Read& read) {
  const std::uint32_t index = connections_[behind.slot].audience;
  const Audience& audience = audiences_[index];
  read = replica_.read(audience.feed, behind.cursor, kReadBytes);
  while (read.gap) {
    // A raw stream cannot tell of a loss but by ending.
    if (is_raw(audience.framing)) return false;
    if (!behind.fresh && audiences_.slow(index) == SlowPolicy::disconnect) return false;
    if (!settings_->delivery.gap_event.empty()) {
      const auto id = [this](fanout::Sequence sequence) {
        return fanout::EventId{replica_.epoch(), sequence}.text();
      };
      const std::string gap =
          sse::gap_text(settings_->delivery.gap_event,
                        {.reason = behind.fresh ? sse::GapReason::evicted : sse::GapReason::slow,
                         .after = id(read.gap->after),
                         .resumed = id(read.gap->resumed),
                         .id = id(read.gap->cursor.at)});
      sse::append_wrapped(behind.opening, wrap_of(audience.framing), gap);
      ++counters_.gaps_total;
    }
    behind.cursor = read.gap->cursor;
    read = replica_.read(audience.feed, behind.cursor, kReadBytes);
  }
  return true;
}

// Fills `rest` with what comes next for this subscriber; false if there is nothing to send now.
bool Delivery::prepare_rest(std::uint32_t index, std::vector<StreamEnd>& ends) {
  Behind& behind = behind_[index];
  const Audience& audience = audiences_[connections_[behind.slot].audience];
  fanout::Read read;
  if (!read_on(behind, read)) {
    ends.push_back({behind.slot, CloseReason::slow_evicted, true});
    return false;
  }
  const std::string_view events(read.span.data, read.span.size);
  if (behind.opening.empty()) {
    behind.keeps = read.span.keeps;
    behind.rest = events;
    behind.cursor = read.cursor;
    counters_.deliveries_total += read.span.events;
  } else {
    behind.owned = std::exchange(behind.opening, {});
    // What is too large to copy is read again when the opening is out.
    if (behind.owned.size() + events.size() <= kJoinHeadBytes) {
      behind.owned += events;
      behind.cursor = read.cursor;
      counters_.deliveries_total += read.span.events;
    }
    behind.rest = behind.owned;
  }
  if (events.empty() && read.caught_up && replica_.complete(audience.feed)) {
    if (!settings_->delivery.end_event.empty() && !is_raw(audience.framing)) {
      sse::append_wrapped(behind.owned, wrap_of(audience.framing),
                          sse::end_text(settings_->delivery.end_event));
    }
    behind.owned += sse::clean_end(wrap_of(audience.framing));
    behind.rest = behind.owned;
    behind.last = true;
    behind.end_reason = CloseReason::stream_complete;
    if (behind.rest.empty()) ends.push_back({behind.slot, behind.end_reason, true});
    return !behind.rest.empty();
  }
  if (!behind.rest.empty()) return true;
  if (read.ahead) {
    ahead_.push_back(index);
  } else {
    join_or_wait(index);
  }
  return false;
}

// Hands the batch to the kernel. Silence is success; every failure is among the completions at
// once.
void Delivery::flush(Tick tick, std::vector<io::Completion>& completions,
                     std::vector<StreamEnd>& ends) {
  if (spans_.empty() && sent_behind_.empty() && heartbeat_.empty()) return;
  const std::size_t before = completions.size();
  loop_.submit_begins();
  ring_.submit(completions);
  loop_.submit_ends();
  std::size_t kept = before;
  for (std::size_t i = before; i < completions.size(); ++i) {
    if (completions[i].token.kind == static_cast<std::uint8_t>(Op::send)) {
      send_failed(completions[i], tick, ends);
    } else {
      completions[kept++] = completions[i];
    }
  }
  completions.resize(kept);
  for (const std::uint32_t index : std::exchange(sent_behind_, {})) {
    Behind& behind = behind_[index];
    if (behind.in_use && !std::exchange(behind.failed, false)) rest_sent(index, ends);
  }
  const TimePoint sent = ring_.now();
  for (const SentSpan& span : spans_) {
    latency_.add(sent - span.committed, span.members * span.span.events);
  }
  spans_.clear();
}

void Delivery::send_failed(const io::Completion& completion, Tick tick,
                           std::vector<StreamEnd>& ends) {
  Connection* const connection = connections_.find(completion.token);
  if (connection == nullptr || connection->audience == kNone) return;
  ++counters_.sends_short_total;
  const io::Slot slot = completion.token.index;
  if (!is_full(completion.result)) {
    if (connection->behind != kNone) behind_[connection->behind].failed = true;
    ends.push_back({slot, CloseReason::peer_reset, false});
    return;
  }
  if (connection->behind == kNone) {
    round_cut(slot, completion.result, tick);
    return;
  }
  Behind& behind = behind_[connection->behind];
  behind.failed = true;
  if (completion.result > 0) {
    behind.rest.remove_prefix(static_cast<std::size_t>(completion.result));
    behind.begun = true;
  }
  if (completion.result > 0 || behind.blocked_since == kNever) behind.blocked_since = tick;
  block(connection->behind);
}

// A joined member's socket took `result` bytes (or none) of what its feed was sent: it is behind
// now, and the rest of the span is its first business.
void Delivery::round_cut(io::Slot slot, std::int32_t result, Tick tick) {
  const Connection& connection = connections_[slot];
  const std::size_t taken = result > 0 ? static_cast<std::size_t>(result) : 0;
  if (!heartbeat_.empty() && taken == 0) return;  // a full socket needs no heartbeat
  const fanout::Sequence stands_at = replica_.leave(audiences_[connection.audience].feed, slot);
  const std::uint32_t index = add_behind(slot, stands_at);
  Behind& behind = behind_[index];
  behind.fresh = false;
  behind.begun = taken > 0;
  if (!heartbeat_.empty()) {
    behind.rest = heartbeat_.substr(taken);
  } else {
    const auto sent = std::find_if(spans_.begin(), spans_.end(), [&](const SentSpan& span) {
      return span.audience == connection.audience;
    });
    CHECK(sent != spans_.end(),
          "a joined member is sent to only by its feed's slice of this batch");
    behind.cursor = sent->span.last;
    behind.keeps = sent->span.keeps;
    behind.rest = std::string_view(sent->span.data, sent->span.size).substr(taken);
  }
  behind.blocked_since = tick;
  block(index);
}

void Delivery::block(std::uint32_t index) {
  Behind& behind = behind_[index];
  behind.blocked = true;
  Connection& connection = connections_[behind.slot];
  // Its heartbeat may be further away than the end of its patience.
  if (connection.farewell == Farewell::none) {
    connection.due =
        std::min(connection.due, behind.blocked_since + ticks(settings_->delivery.stall));
  }
  if (connection.writable_armed) return;
  connection.writable_armed = true;
  ring_.poll(behind.slot, io::Interest::writable,
             connections_.token(Op::poll_writable, behind.slot));
}

void Delivery::writable(io::Slot slot) {
  const std::uint32_t index = connections_[slot].behind;
  if (connections_[slot].audience == kNone || index == kNone) return;
  behind_[index].blocked = false;
  make_ready(index);
}

void Delivery::rest_sent(std::uint32_t index, std::vector<StreamEnd>& ends) {
  Behind& behind = behind_[index];
  behind.rest = {};
  behind.begun = false;
  behind.owned.clear();
  behind.keeps = {};
  behind.blocked_since = kNever;
  if (behind.last) {
    ends.push_back({behind.slot, behind.end_reason, true});
  } else {
    join_or_wait(index);
  }
}

// Nothing of its own is left to send: back to the feed if it stands where the feed does, else it
// reads on.
void Delivery::join_or_wait(std::uint32_t index) {
  const Behind& behind = behind_[index];
  const io::Slot slot = behind.slot;
  fanout::Feed* const feed = audiences_[connections_[slot].audience].feed;
  if (!behind.opening.empty() || behind.cursor.at != replica_.target(feed) ||
      replica_.complete(feed)) {
    make_ready(index);
    return;
  }
  remove_behind(index);
  replica_.join(feed, slot);
}

void Delivery::heartbeats(std::span<const io::Slot> slots, Tick tick,
                          std::vector<io::Completion>& completions, std::vector<StreamEnd>& ends) {
  // One text a batch, so that a cut one's rest is known: the (few) framings one after another.
  for (const auto framing : {fanout::Framing::chunked, fanout::Framing::plain}) {
    heartbeat_ = sse::heartbeat(wrap_of(framing));
    std::uint64_t sent = 0;
    for (const io::Slot slot : slots) {
      Connection& connection = connections_[slot];
      if (connection.audience == kNone || connection.behind != kNone) continue;
      if (audiences_[connection.audience].framing != framing) continue;
      ring_.send(slot, bytes_of(heartbeat_), connections_.token(Op::send, slot));
      connection.quiet_since = tick;
      ++sent;
    }
    if (sent > 0) flush(tick, completions, ends);
    counters_.heartbeats_total += sent;
    counters_.sent_bytes_total += sent * heartbeat_.size();
    heartbeat_ = {};
  }
}

void Delivery::farewell(io::Slot slot, CloseReason reason) {
  Connection& connection = connections_[slot];
  const Audience& audience = audiences_[connection.audience];
  if (connection.behind == kNone) {
    add_behind(slot, replica_.leave(audience.feed, slot));
    behind_[connection.behind].fresh = false;
  }
  Behind& behind = behind_[connection.behind];
  if (behind.last) return;  // it ends anyway
  behind.last = true;
  behind.end_reason = reason;
  if (behind.rest.empty()) {
    behind.owned = std::exchange(behind.opening, {});
    if (!is_raw(audience.framing)) {
      const auto jitter = Duration(
          random_.below(static_cast<std::uint64_t>(settings_->delivery.retry.count()) + 1));
      sse::append_wrapped(behind.owned, wrap_of(audience.framing),
                          sse::retry_text(settings_->delivery.retry + jitter));
    }
    behind.rest = behind.owned;
  }
  make_ready(connection.behind);
}

bool Delivery::in_mid_event(io::Slot slot) const {
  const std::uint32_t index = connections_[slot].behind;
  return connections_[slot].audience != kNone && index != kNone && behind_[index].begun;
}

Tick Delivery::stalled_for(io::Slot slot, Tick tick) const {
  const std::uint32_t index = connections_[slot].behind;
  if (connections_[slot].audience == kNone || index == kNone || !behind_[index].blocked) return 0;
  return tick - behind_[index].blocked_since;
}

void Delivery::make_ready(std::uint32_t index) {
  Behind& behind = behind_[index];
  if (!behind.in_use || behind.queued) return;
  behind.queued = true;
  ready_.push_back(index);
}

std::uint32_t Delivery::add_behind(io::Slot slot, fanout::Cursor cursor) {
  std::uint32_t index = 0;
  if (behind_free_.empty()) {
    index = static_cast<std::uint32_t>(behind_.size());
    behind_.emplace_back();
  } else {
    index = behind_free_.back();
    behind_free_.pop_back();
  }
  Behind& behind = behind_[index];
  behind = Behind{};
  behind.slot = slot;
  behind.cursor = cursor;
  behind.in_use = true;
  connections_[slot].behind = index;
  if (connections_[slot].port == Port::subscriber) ++behind_count_;
  return index;
}

void Delivery::remove_behind(std::uint32_t index) {
  Behind& behind = behind_[index];
  connections_[behind.slot].behind = kNone;
  if (connections_[behind.slot].port == Port::subscriber) --behind_count_;
  const bool queued = behind.queued;
  behind = Behind{};
  behind.queued = queued;
  if (!queued) behind_free_.push_back(index);
}

}  // namespace fanfare::server
