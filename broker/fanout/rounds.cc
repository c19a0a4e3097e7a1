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
    if (feed.members.empty() || link->pending) continue;
    link->pending = true;
    link->served = before;
    link->pinned_page = first.page;
    channel.window.pin(first.page);
    ++channel.links_pending;
    feed.merge.push({.next = channel.window.sequence(first),
                     .position = first,
                     .window = &channel.window,
                     .link = link});
    make_due(feed);
    if (feed.owed == 0) {
      feed.owed = feed.merge.top().next;
      arrears_.owe(feed.owed);
    }
  }
}

void Rounds::finished(Feed& feed) {
  if (feed.complete() && !feed.members.empty()) make_due(feed);
}

void Rounds::make_due(Feed& feed) {
  if (feed.due) return;
  feed.position = head_;
  agenda_.add(&feed);
}

void Rounds::join(Feed& feed, Member member) {
  feed.members.join(member, places_);
  finished(feed);
}

Sequence Rounds::leave(Feed& feed, Member member) {
  const Sequence target = feed.target(head_);
  const bool at_target = feed.members.leave(member, places_);
  const Sequence stands_at = at_target ? target : feed.position;
  if (feed.members.empty() && feed.due) abandon(feed);
  if (feed.in_round && feed.members.all_done()) end(feed);
  return stands_at;
}

// No member is left to be served: the feed stands at the head.
void Rounds::abandon(Feed& feed) {
  for (const Merge::Input& input : feed.merge.inputs()) not_pending(input.link);
  feed.merge.clear();
  if (feed.owed != 0) arrears_.settle(std::exchange(feed.owed, 0));
  feed.round = {};
  feed.in_round = false;
  feed.members.end_round();
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
  if (!feed.in_round) begin(feed);
  // It may have been reopened since the round began: then there is no end to tell of.
  feed.round.ends = feed.round.ends && feed.complete();
  Round slice{.feed = &feed,
              .span = feed.round.span,
              .members = {},
              .ends = feed.round.ends,
              .committed = feed.round.committed};
  const bool silent = slice.span.size == 0 && !slice.ends;
  if (!silent) {
    slice.members = feed.members.next_slice(members_max);
    feed.last_served = agenda_.now();
  }
  if (silent || feed.members.all_done()) end(feed);
  return slice;
}

void Rounds::begin(Feed& feed) {
  feed.in_round = true;
  feed.members.begin_round();
  feed.not_before = agenda_.now() + directory_.rules(feed.crowd).pace;
  feed.round = {
      .span = {}, .target = head_, .wanted = head_, .ends = false, .committed = committed_};
  if (!feed.merge.empty()) take_span(feed);
  feed.round.span.last = feed.round.target;
  feed.round.ends = feed.merge.empty() && feed.complete();
}

void Rounds::take_span(Feed& feed) {
  feed.round.committed = arrears_.committed(feed.merge.top().next);
  feed.round.span = gather_.span(feed.merge, head_, span_bytes_max_, feed.framing());
  for (const Merge::Taken& taken : gather_.runs()) served(feed, taken);
  if (!feed.merge.empty()) feed.round.target = feed.merge.top().next - 1;
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
  feed.position = feed.round.target;
  const Sequence wanted = std::exchange(feed.round, {}).wanted;
  feed.in_round = false;
  feed.members.end_round();
  if (feed.owed != 0) arrears_.settle(std::exchange(feed.owed, 0));
  // If there is more to hand out, it comes behind the other feeds of its crowd. That may be the end
  // alone: the members that were told of it are about to leave, and the last of them takes the feed
  // off the agenda; those that joined meanwhile, or before the end was known, are still to be told.
  agenda_.remove(&feed);
  if (!feed.merge.empty()) {
    feed.owed = feed.merge.top().next;
    arrears_.owe(feed.owed);
  } else if (!feed.complete()) {
    return;
  }
  // What was there when this round began does not wait for the next one's time.
  if (feed.owed <= wanted) feed.not_before = {};
  agenda_.add(&feed);
}

}  // namespace fanfare::fanout
