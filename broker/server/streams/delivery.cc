#include "broker/server/streams/delivery.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "broker/server/streams/voice.h"

namespace fanfare::server {
namespace {

// Sends in one submit: at 4 to 7 us each, 1 to 2 ms in which nothing else is served. (Batch size
// does not change the cost of a send, only the latency of the loop.)
constexpr std::size_t kBatchSends = 256;
// How many of these may be members that are behind. Each may cost a read and a larger send; this
// many bytes take as long as a batch of events.
constexpr std::size_t kBatchBehind = 64;
constexpr std::size_t kBatchBehindBytes = 256U << 10U;
// What one read of the backlog brings; about what a healthy socket takes at once.
constexpr std::size_t kReadBytes = 64U << 10U;
// A first span up to this size is copied after the response head, so that a resuming client costs
// one send.
constexpr std::size_t kJoinHeadBytes = 48U << 10U;

}  // namespace

Delivery::Delivery(const Parts& parts)
    : subscribers_(parts.subscribers),
      outlets_(parts.outlets),
      replica_(parts.replica),
      counters_(parts.counters),
      latency_(parts.latency),
      settings_(parts.settings),
      random_(parts.random),
      texts_(parts.heartbeats),
      gzip_(parts.counters) {}

Member Delivery::open(StreamStart start, Outlet outlet, bool live_page, Tick tick) {
  const Member member = subscribers_.allocate();
  Subscriber& subscriber = subscribers_[member];
  subscriber.outlet = outlet;
  subscriber.feed = start.feed;
  subscriber.heartbeat = static_cast<Tick>(start.heartbeat / kTick);
  subscriber.heartbeat_event = start.heartbeat_event;
  subscriber.live_page = live_page;
  const std::uint32_t index = add_behind(member, start.cursor);
  behind_[index].quiet_since = tick;
  behind_[index].opening = std::move(start.opening);
  behind_[index].newest = start.newest;
  if (is_gzipped(member)) gzip_.begin(member, start.said);
  make_ready(index);
  return member;
}

void Delivery::close(Member member, Ending ending) {
  const Subscriber& subscriber = subscribers_[member];
  fanout::Feed* const feed = feed_of(member);
  if (subscriber.joined) {
    leave(feed, member);
  } else {
    remove_behind(subscriber.behind);
  }
  if (is_gzipped(member)) gzip_.leave(subscriber.feed);
  replica_.release(feed);
  texts_.give_back(subscriber.heartbeat_event);
  outlets_.end(member, ending);
  subscribers_.free(member);
}

void Delivery::applied() {
  for (const std::uint32_t index : ahead_) make_ready(index);
  ahead_.clear();
}

void Delivery::pump(Tick tick, std::vector<io::Completion>& completions,
                    std::vector<StreamEnd>& ends) {
  tick_ = tick;
  send_rounds();
  send_behind(ends);
  const bool rounds_moved = !spans_.empty();
  flush(tick, completions, ends);
  if (rounds_moved) applied();
}

// Each feed at most once a batch: its members must not be sent to twice between two submits.
void Delivery::send_rounds() {
  std::size_t sends = 0;
  for (std::size_t feeds = replica_.feeds_waiting(); feeds > 0 && sends < kBatchSends; --feeds) {
    auto round = replica_.next_round(kBatchSends - sends);
    if (!round) break;
    if (round->span.size > 0 && fanout::is_gzipped(replica_.framing(round->feed))) pack(*round);
    if (round->ends) {
      sends += round->members.size();
      end_members(*round);
      continue;
    }
    outlets_.offer(round->members, {round->span.data, round->span.size});
    const std::uint64_t members = round->members.size();
    sends += members;
    counters_.sends_total += members;
    counters_.sent_bytes_total += members * round->span.size;
    counters_.deliveries_total += members * round->span.events;
    spans_.push_back({round->feed, round->span, round->committed, members});
  }
}

// The last round of a finished feed: each member becomes one that is behind, once more, and is
// ended there.
void Delivery::end_members(const fanout::Round& round) {
  const std::vector<Member> members(round.members.begin(), round.members.end());
  for (const Member member : members) {
    const fanout::Sequence stands_at = leave(round.feed, member);
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
    outlets_.offer(behind.subscriber, behind.rest);
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
  const fanout::Feed* const feed = feed_of(behind.subscriber);
  const Voice voice(replica_.framing(feed));
  read = replica_.read(feed, behind.cursor, kReadBytes, behind.newest);
  while (read.gap) {
    // A raw stream can report a loss only by ending. Where the latest of each key follows, it need
    // not. No stream goes back to where it could say which keys are left.
    const bool raw = is_raw(replica_.framing(feed));
    if ((raw && !read.gap->thinned) || read.gap->removals) return false;
    if (!behind.fresh && !replica_.rules(feed).slow_may_stay) return false;
    if (!settings_->delivery.gap_event.empty() && !raw) {
      const auto id = [this](fanout::Sequence sequence) {
        return fanout::EventId{replica_.epoch(), sequence}.text();
      };
      std::string text;
      voice.gap(text, settings_->delivery.gap_event,
                {.reason = behind.fresh || read.gap->thinned ? reason_of(*read.gap)
                                                             : sse::GapReason::slow,
                 .after = id(read.gap->after),
                 .resumed = id(read.gap->resumed),
                 .id = id(read.gap->cursor.at),
                 .keys_kept = keys_kept(*read.gap, replica_.keeps_keys(feed))});
      append_text(behind.opening, behind.subscriber, text);
      ++counters_.gaps_total;
    }
    behind.cursor = read.gap->cursor;
    read = replica_.read(feed, behind.cursor, kReadBytes, behind.newest);
  }
  return true;
}

void Delivery::count(const fanout::Read& read) {
  counters_.deliveries_total += read.span.events;
  counters_.conflated_total += read.conflated;
}

// Fills `rest` with what comes next for this subscriber; false if there is nothing to send now.
bool Delivery::prepare_rest(std::uint32_t index, std::vector<StreamEnd>& ends) {
  Behind& behind = behind_[index];
  const fanout::Feed* const feed = feed_of(behind.subscriber);
  fanout::Read read;
  if (!read_on(behind, read)) {
    ends.push_back({behind.subscriber, CloseReason::slow_evicted, true});
    return false;
  }
  const std::string_view events(read.span.data, read.span.size);
  if (behind.opening.empty() && !is_gzipped(behind.subscriber)) {
    behind.keeps = read.span.keeps;
    behind.rest = events;
    behind.cursor = read.cursor;
    count(read);
  } else {
    behind.owned = std::exchange(behind.opening, {});
    // What is too large to copy is read again when the opening is out.
    if (behind.owned.empty() || behind.owned.size() + events.size() <= kJoinHeadBytes) {
      append_text(behind.owned, behind.subscriber, events);
      behind.cursor = read.cursor;
      count(read);
    }
    behind.rest = behind.owned;
  }
  if (events.empty() && read.caught_up && replica_.complete(feed)) {
    say_end(behind, feed, ends);
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

// Hands the batch to the kernel.
void Delivery::flush(Tick tick, std::vector<io::Completion>& completions,
                     std::vector<StreamEnd>& ends) {
  if (spans_.empty() && sent_behind_.empty() && !heartbeats_only_) return;
  const TimePoint sent = outlets_.flush(completions, cuts_);
  for (const Outlets::Cut& cut : cuts_) cut_short(cut, tick, ends);
  cuts_.clear();
  for (const std::uint32_t index : std::exchange(sent_behind_, {})) {
    Behind& behind = behind_[index];
    if (behind.in_use && !std::exchange(behind.failed, false)) rest_sent(index, ends);
  }
  for (const SentSpan& span : spans_) {
    latency_.add(sent - span.committed, span.members * span.span.events);
  }
  spans_.clear();
}

void Delivery::cut_short(const Outlets::Cut& cut, Tick tick, std::vector<StreamEnd>& ends) {
  const Subscriber& subscriber = subscribers_[cut.subscriber];
  ++counters_.sends_short_total;
  if (cut.broken) {
    if (!subscriber.joined) behind_[subscriber.behind].failed = true;
    ends.push_back({cut.subscriber, CloseReason::peer_reset, false});
    return;
  }
  if (subscriber.joined) {
    round_cut(cut, tick);
    return;
  }
  Behind& behind = behind_[subscriber.behind];
  behind.failed = true;
  if (cut.taken > 0) {
    behind.rest.remove_prefix(cut.taken);
    behind.begun = true;
  }
  if (cut.taken > 0 || behind.blocked_since == kNever) behind.blocked_since = tick;
  block(subscriber.behind);
}

// A joined member's outlet took only so many bytes of what its feed was sent: it is behind now, and
// gets the rest of the span first.
void Delivery::round_cut(const Outlets::Cut& cut, Tick tick) {
  if (heartbeats_only_ && cut.taken == 0) return;  // a full socket needs no heartbeat
  fanout::Feed* const feed = feed_of(cut.subscriber);
  const fanout::Sequence stands_at = leave(feed, cut.subscriber);
  const std::uint32_t index = add_behind(cut.subscriber, stands_at);
  Behind& behind = behind_[index];
  behind.fresh = false;
  behind.begun = cut.taken > 0;
  if (heartbeats_only_) {
    const Subscriber& subscriber = subscribers_[cut.subscriber];
    behind.owned = texts_.text(replica_.framing(feed), subscriber.heartbeat_event);
    behind.rest = std::string_view(behind.owned).substr(cut.taken);
  } else {
    const auto sent = std::ranges::find(spans_, feed, &SentSpan::feed);
    CHECK(sent != spans_.end(),
          "a joined member is sent to only by its feed's slice of this batch");
    behind.cursor = sent->span.last;
    behind.keeps = sent->span.keeps;
    behind.rest = std::string_view(sent->span.data, sent->span.size).substr(cut.taken);
  }
  behind.blocked_since = tick;
  block(index);
}

void Delivery::block(std::uint32_t index) {
  Behind& behind = behind_[index];
  behind.blocked = true;
  Subscriber& subscriber = subscribers_[behind.subscriber];
  // Its heartbeat may be further away than the end of its patience.
  if (subscriber.farewell == Farewell::none) {
    subscriber.due =
        std::min(subscriber.due, behind.blocked_since + ticks(settings_->delivery.stall));
  }
  outlets_.await_room(behind.subscriber);
}

void Delivery::room(Member member) {
  const Subscriber& subscriber = subscribers_[member];
  if (subscriber.joined) return;
  behind_[subscriber.behind].blocked = false;
  make_ready(subscriber.behind);
}

// Nothing follows: the end event and the body's end are the last of the stream.
void Delivery::say_end(Behind& behind, const fanout::Feed* feed, std::vector<StreamEnd>& ends) {
  const Voice voice(replica_.framing(feed));
  if (const std::string& type = settings_->delivery.end_event; !type.empty()) {
    std::string text;
    voice.end(text, type);
    append_text(behind.owned, behind.subscriber, text);
  }
  if (is_gzipped(behind.subscriber)) {
    gzip_.append_end(behind.owned, behind.subscriber, replica_.framing(feed));
  } else {
    behind.owned += voice.clean_end();
  }
  behind.rest = behind.owned;
  behind.last = true;
  behind.end_reason = CloseReason::stream_complete;
  if (behind.rest.empty()) ends.push_back({behind.subscriber, behind.end_reason, true});
}

void Delivery::rest_sent(std::uint32_t index, std::vector<StreamEnd>& ends) {
  Behind& behind = behind_[index];
  behind.rest = {};
  behind.begun = false;
  behind.owned.clear();
  behind.keeps = {};
  behind.blocked_since = kNever;
  if (behind.last) {
    ends.push_back({behind.subscriber, behind.end_reason, true});
  } else {
    join_or_wait(index);
  }
}

// Nothing of its own is left to send: back to the feed if it stands where the feed does, else it
// reads on.
void Delivery::join_or_wait(std::uint32_t index) {
  const Behind& behind = behind_[index];
  const Member member = behind.subscriber;
  fanout::Feed* const feed = feed_of(member);
  if (!behind.opening.empty() || behind.cursor.at != replica_.target(feed) ||
      replica_.complete(feed)) {
    make_ready(index);
    return;
  }
  if (is_gzipped(member) && waits_to_join(index, feed)) return;
  remove_behind(index);
  replica_.join(feed, member);
}

fanout::Sequence Delivery::leave(fanout::Feed* feed, Member member) {
  if (!is_gzipped(member)) return replica_.leave(feed, member);
  const std::uint32_t number = replica_.number(feed);
  // Those that wait get what is still to come from its rounds, which end with its last member.
  if (gzip_.members(number) == 1) join_waiting(feed);
  const fanout::Sequence stands_at = replica_.leave(feed, member);
  gzip_.left(number, member, stands_at);
  return stands_at;
}

void Delivery::heartbeats(std::span<const Member> subscribers, Tick tick,
                          std::vector<io::Completion>& completions, std::vector<StreamEnd>& ends) {
  heartbeats_only_ = true;
  tick_ = tick;
  std::uint64_t sent = 0;
  for (const Member member : subscribers) {
    if (!subscribers_.in_use(member)) continue;
    if (is_gzipped(member)) {
      sent += own_heartbeat(member, tick) ? 1 : 0;
      continue;
    }
    Subscriber& subscriber = subscribers_[member];
    if (!subscriber.joined) continue;
    const std::string_view text =
        texts_.text(replica_.framing(feed_of(member)), subscriber.heartbeat_event);
    if (text.empty()) continue;
    outlets_.offer(member, text);
    subscriber.quiet_since = tick;
    counters_.sent_bytes_total += text.size();
    ++sent;
  }
  if (sent > 0) flush(tick, completions, ends);
  counters_.heartbeats_total += sent;
  heartbeats_only_ = false;
}

void Delivery::farewell(Member member, CloseReason reason, std::optional<Duration> retry,
                        std::string_view words) {
  const Subscriber& subscriber = subscribers_[member];
  fanout::Feed* const feed = feed_of(member);
  if (subscriber.joined) {
    add_behind(member, leave(feed, member));
    behind_[subscriber.behind].fresh = false;
  }
  stop_waiting(subscriber.behind);
  Behind& behind = behind_[subscriber.behind];
  if (behind.last) return;  // it ends anyway
  behind.last = true;
  behind.end_reason = reason;
  if (behind.rest.empty()) {
    behind.owned = std::exchange(behind.opening, {});
    const fanout::Framing framing = replica_.framing(feed);
    if (!is_raw(framing)) {
      const Duration least = retry.value_or(settings_->delivery.retry);
      const Duration spread = retry ? least / 2 : least;
      const auto jitter = Duration(random_.below(static_cast<std::uint64_t>(spread.count()) + 1));
      std::string text;
      Voice(framing).come_back(text, least + jitter, words);
      append_text(behind.owned, member, text);
    }
    behind.rest = behind.owned;
  }
  make_ready(subscriber.behind);
}

std::optional<CloseReason> Delivery::farewell_reason(Member member) const {
  const Subscriber& subscriber = subscribers_[member];
  if (subscriber.joined || !behind_[subscriber.behind].last) return std::nullopt;
  const CloseReason reason = behind_[subscriber.behind].end_reason;
  return reason == CloseReason::stream_complete ? std::nullopt : std::optional(reason);
}

bool Delivery::finish(Member member, std::vector<StreamEnd>& ends) {
  const Subscriber& subscriber = subscribers_[member];
  if (!quiet_since(member)) return false;
  fanout::Feed* const feed = feed_of(member);
  if (subscriber.joined) add_behind(member, leave(feed, member));
  stop_waiting(subscriber.behind);
  Behind& behind = behind_[subscriber.behind];
  behind.fresh = false;
  say_end(behind, feed, ends);
  if (!behind.rest.empty()) make_ready(subscriber.behind);
  return true;
}

std::optional<fanout::Sequence> Delivery::stands_at(Member member) {
  const Subscriber& subscriber = subscribers_[member];
  fanout::Feed* const feed = feed_of(member);
  if (subscriber.joined) {
    if (replica_.rests(feed)) return replica_.target(feed);
    add_behind(member, replica_.leave(feed, member));
    behind_[subscriber.behind].fresh = false;
  }
  const Behind& behind = behind_[subscriber.behind];
  const bool more = !behind.rest.empty() || !behind.opening.empty() || behind.last;
  if (more || behind.newest.wanted(behind.cursor.at)) return std::nullopt;
  return behind.cursor.at;
}

void Delivery::look_again() {
  for (std::uint32_t index = 0; index < behind_.size(); ++index) {
    if (!behind_[index].blocked) make_ready(index);
  }
}

bool Delivery::in_mid_event(Member member) const {
  const Subscriber& subscriber = subscribers_[member];
  return !subscriber.joined && behind_[subscriber.behind].begun;
}

Tick Delivery::stalled_for(Member member, Tick tick) const {
  const Subscriber& subscriber = subscribers_[member];
  if (subscriber.joined || !behind_[subscriber.behind].blocked) return 0;
  return tick - behind_[subscriber.behind].blocked_since;
}

Delivery::Standing Delivery::standing(Member member) const {
  const Subscriber& subscriber = subscribers_[member];
  if (quiet_since(member)) return {.at = replica_.target(feed_of(member))};
  const Behind& behind = behind_[subscriber.behind];
  return {.at = behind.cursor.at,
          .queued = behind.rest.size() + behind.opening.size(),
          .blocked = behind.blocked,
          .blocked_since = behind.blocked ? behind.blocked_since : kNever};
}

void Delivery::make_ready(std::uint32_t index) {
  Behind& behind = behind_[index];
  if (!behind.in_use || behind.queued) return;
  behind.queued = true;
  ready_.push_back(index);
}

std::uint32_t Delivery::add_behind(Member member, fanout::Cursor cursor) {
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
  behind.subscriber = member;
  behind.cursor = cursor;
  behind.in_use = true;
  Subscriber& subscriber = subscribers_[member];
  if (subscriber.joined) behind.quiet_since = subscriber.quiet_since;
  subscriber.joined = false;
  subscriber.behind = index;
  if (!subscriber.live_page) ++behind_count_;
  return index;
}

void Delivery::remove_behind(std::uint32_t index) {
  stop_waiting(index);
  Behind& behind = behind_[index];
  Subscriber& subscriber = subscribers_[behind.subscriber];
  subscriber.joined = true;
  subscriber.quiet_since = behind.quiet_since;
  if (!subscriber.live_page) --behind_count_;
  const bool queued = behind.queued;
  behind = Behind{};
  behind.queued = queued;
  if (!queued) behind_free_.push_back(index);
}

}  // namespace fanfare::server
