#include "broker/fanout/rounds.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace fanfare::fanout {

void Rounds::begin_batch(Sequence head_after, TimePoint committed) {
  committed_ = committed;
  if (head_after > head_) arrears_.open(head_, committed);
}

void Rounds::appended(Channel& channel, Sequence before, Window::Position first,
                      std::uint64_t bytes) {
  arrears_.grow(bytes);
  for (Link* const link : channel.links) {
    Feed& feed = *link->feed;
    feed.touch(link);
    stir(feed);
    if (feed.progress.members().empty() || link->pending) continue;
    if (channel.latest && (feed.progress.keys_due() || directory_.spacing(feed) > Duration(0))) {
      feed.progress.expect_keys();
      make_due(feed);
      continue;
    }
    link->pending = true;
    link->served = before;
    link->pinned_page = first.page;
    channel.window.pin(first.page);
    ++channel.links_pending;
    feed.progress.expect({.next = channel.window.sequence(first),
                          .position = first,
                          .window = &channel.window,
                          .link = link});
    make_due(feed);
    if (feed.progress.owed() == 0) arrears_.owe(feed.progress.owe());
  }
}

void Rounds::finished(Feed& feed) {
  if (feed.complete()) stir(feed);
  if (feed.complete() && !feed.progress.members().empty()) make_due(feed);
}

void Rounds::make_due(Feed& feed) {
  if (feed.progress.due()) return;
  feed.progress.wake(head_);
  agenda_.add(&feed);
}

void Rounds::settle(Feed& feed) {
  if (const Sequence first = feed.progress.settle(); first != 0) arrears_.settle(first);
}

void Rounds::join(Feed& feed, Member member) {
  feed.progress.join(member, indexes_);
  finished(feed);
}

Sequence Rounds::leave(Feed& feed, Member member) {
  const Sequence stands_at = feed.progress.leave(member, head_, indexes_);
  const Members& left = feed.progress.members();
  if (left.empty() && feed.progress.due()) abandon(feed);
  if (feed.progress.in_round() && left.all_done()) end(feed);
  return stands_at;
}

// No member is left to be served: the feed stands at the head.
void Rounds::abandon(Feed& feed) {
  for (const Merge::Input& input : feed.progress.pending().inputs()) not_pending(input.link);
  settle(feed);
  feed.progress.abandon();
  agenda_.remove(&feed);
}

void Rounds::not_pending(Link* link) {
  Channel& channel = *link->channel;
  link->pending = false;
  --channel.links_pending;
  channel.window.unpin(link->pinned_page);
  channel.trim();
  link->feed->note_loss(*link);
  if (channel.departed) directory_.drop(link);
}

std::optional<Round> Rounds::next(std::size_t members_max) {
  CHECK(members_max > 0, "a slice has room for somebody");
  if (agenda_.empty()) return std::nullopt;
  Feed& feed = *agenda_.next();
  agenda_.to_back(&feed);
  Progress& progress = feed.progress;
  if (!progress.in_round()) begin(feed);
  if (!feed.complete()) progress.go_on_after_round();
  const Progress::CurrentRound& round = progress.round();
  Round slice{.feed = &feed,
              .span = round.span,
              .members = {},
              .ends = round.ends || round.lost,
              .committed = round.committed};
  const bool silent = slice.span.size == 0 && !slice.ends;
  if (!silent) slice.members = progress.next_slice(members_max, agenda_.now());
  if (silent || progress.members().all_done()) end(feed);
  return slice;
}

void Rounds::begin(Feed& feed) {
  Progress& progress = feed.progress;
  const Duration pace = std::max(directory_.rules(feed.crowd()).pace, directory_.spacing(feed));
  Agenda::hold_until(&feed, agenda_.now() + pace);
  TimePoint committed = committed_;
  if (!progress.pending().empty()) {
    committed = arrears_.committed(progress.pending().top().next);
  }
  const bool of_keys = progress.keys_due();
  if (of_keys && removals_lost(feed)) return progress.begin_lost_round(committed);
  const Sequence through = of_keys ? take_up_keys(feed) : head_;
  Span span;
  if (!progress.pending().empty() && progress.pending().top().next <= through) {
    span = gather_.span(progress.merge(), through, span_bytes_max_, feed.framing());
    for (const Merge::Taken& taken : gather_.runs()) {
      if (!taken.latest) served(feed, taken);
    }
  }
  progress.begin_round(std::move(span), through, feed.complete(), committed);
  if (!of_keys) return;
  // What had no room, with or without keys, comes at once, and nothing newer with it.
  bool left = progress.merge().drop_latest() <= through;
  left |= !progress.pending().empty() && progress.pending().top().next <= through;
  if (left) progress.leave_keys(through);
}

// Its time came so late that removals have been forgotten which its members were not sent.
bool Rounds::removals_lost(const Feed& feed) {
  return feed.removals_lost() > feed.progress.position();
}

// What its members have not had of keys whose updates are spaced is pending for this round. Returns
// up to where.
Sequence Rounds::take_up_keys(Feed& feed) {
  Progress& progress = feed.progress;
  const Sequence through = progress.begin_keys(head_);
  for (Link* const link : feed.keyed()) {
    if (link->pending) continue;  // as events, from before they were spaced
    const Latest& latest = *link->channel->latest;
    const Latest::Position position = latest.after(progress.position());
    if (position == latest.end() || latest.sequence(position) > through) continue;
    progress.expect({.next = latest.sequence(position),
                     .position = position,
                     .window = &link->channel->window,
                     .link = link,
                     .latest = &latest});
  }
  return through;
}

void Rounds::served(Feed& feed, const Merge::Taken& taken) {
  Link* const link = taken.link;
  link->served = taken.run.last;
  if (taken.drained) {
    not_pending(link);
    return;
  }
  Channel& channel = *link->channel;
  if (taken.run.next.page != link->pinned_page) {
    channel.window.pin(taken.run.next.page);
    channel.window.unpin(std::exchange(link->pinned_page, taken.run.next.page));
    channel.trim();
  }
  feed.note_loss(*link);
}

void Rounds::end(Feed& feed) {
  Progress& progress = feed.progress;
  const Sequence wanted = progress.end_round();
  settle(feed);
  // If there is more to hand out, it comes behind the other feeds of its crowd. That may be the end
  // alone: the members that were told of it are about to leave, and the last of them takes the feed
  // off the agenda; those that joined meanwhile, or before the end was known, are still to be told.
  agenda_.remove(&feed);
  const bool keys = progress.keys_due();
  bool at_once = progress.keys_left() || !keys;
  if (!progress.pending().empty()) {
    arrears_.owe(progress.owe());
    at_once = progress.owed() <= wanted;
  } else if (!keys && !feed.complete()) {
    progress.rest();
    return;
  }
  // What was there when this round began does not wait for the next one's time.
  if (at_once) Agenda::hold_until(&feed, {});
  agenda_.add(&feed);
}

}  // namespace fanfare::fanout
