#include "broker/fanout/backlog.h"

#include <algorithm>

#include "broker/fanout/crowd.h"

namespace fanfare::fanout {
namespace {

// A reader that stands at `at` gets no more of the channel than the latest event of each key: up to
// its window, which does not reach back so far, or with `conflate` all the way.
bool latest_only(const Channel& channel, Sequence at, bool conflate) {
  return channel.latest && (conflate || at < channel.window.evicted_through());
}

// What a reader that stands at `at` gets next of the link's channel; nothing: there is nothing.
std::optional<Merge::Input> next_of(Link* link, Sequence at, bool conflate) {
  const Channel& channel = *link->channel;
  const Window& window = channel.window;
  if (latest_only(channel, at, conflate)) {
    const Latest& latest = *channel.latest;
    const Latest::Position position = latest.after(at);
    const Sequence through = conflate ? UINT64_MAX : window.evicted_through();
    if (position != latest.end() && latest.sequence(position) <= through) {
      return Merge::Input{.next = latest.sequence(position),
                          .position = position,
                          .window = &window,
                          .link = link,
                          .latest = &latest,
                          .latest_through = through};
    }
    if (conflate) return std::nullopt;
  }
  const Window::Position position = window.after(at);
  if (position == window.end()) return std::nullopt;
  return Merge::Input{
      .next = window.sequence(position), .position = position, .window = &window, .link = link};
}

// The oldest event in (after, through] that is left, or 0.
Sequence oldest_left(const Feed& feed, Sequence after, Sequence through) {
  Sequence oldest = 0;
  for (Link* link = feed.most_recent(); link != nullptr && link->channel->recent > after;
       link = link->older) {
    const auto input = next_of(link, after, false);
    if (input && input->next <= through && (oldest == 0 || input->next < oldest)) {
      oldest = input->next;
    }
  }
  return oldest;
}

Cursor newcomer_at(const Feed& feed, Sequence at) {
  return {at, feed.losses().count(), feed.thinnings().count()};
}

// Where to read on to get everything that is left after `after`.
Sequence newest_start(const Feed& feed, Sequence after, Sequence target) {
  const Sequence oldest = oldest_left(feed, after, target);
  return oldest == 0 ? target : oldest - 1;
}

}  // namespace

void Backlog::take(Read& read, Sequence through, std::size_t bytes_max, Framing framing) {
  while (!merge_.empty() && merge_.top().next <= through && read.span.size == 0) {
    read.span = gather_.span(merge_, through, bytes_max, framing);
    for (const Merge::Taken& taken : gather_.runs()) {
      if (taken.latest) read.conflated += taken.run.events;
    }
  }
  const bool all = merge_.empty() || merge_.top().next > through;
  read.cursor.at = all ? through : merge_.top().next - 1;
  read.span.last = read.cursor.at;
}

Read Backlog::read(const Feed& feed, Sequence head, Cursor cursor, std::size_t bytes_max,
                   Newest newest, bool conflate) {
  const Sequence target = feed.progress.target(head);
  if (newest.wanted(cursor.at)) {
    Read read = newest.of_keys ? read_keys(feed, cursor, bytes_max, newest)
                               : read_newest(feed, cursor, bytes_max, newest);
    if (read.gap || read.span.size > 0) {
      read.caught_up = read.cursor.at == target;
      return read;
    }
    cursor.at = newest.through;
  }
  Read read;
  read.cursor = cursor;
  if (cursor.at > target) {
    read.ahead = true;
    return read;
  }
  const Sequence lost = feed.losses().since(cursor.losses_known);
  if (cursor.at < lost) {
    read.gap = Gap{.after = cursor.at,
                   .resumed = lost,
                   .cursor = {newest_start(feed, cursor.at, target), feed.losses().count(),
                              cursor.thinnings_known},
                   .removals = feed.removals_lost() > cursor.at};
    return read;
  }
  const Sequence thinned = feed.thinnings().since(cursor.thinnings_known);
  if (cursor.at < thinned && !conflate) {
    read.gap = Gap{.after = cursor.at,
                   .resumed = thinned,
                   .cursor = {cursor.at, cursor.losses_known, feed.thinnings().count()},
                   .thinned = true};
    return read;
  }
  merge_.clear();
  for (Link* link = feed.most_recent(); link != nullptr && link->channel->recent > cursor.at;
       link = link->older) {
    const auto input = next_of(link, cursor.at, conflate);
    if (input && input->next <= target) merge_.push(*input);
  }
  take(read, target, bytes_max, feed.framing());
  read.caught_up = read.cursor.at == target;
  return read;
}

Read Backlog::read_keys(const Feed& feed, Cursor cursor, std::size_t bytes_max, Newest newest) {
  Read read;
  read.cursor = cursor;
  // A newcomer's, then.
  Snapshots::Snapshot* const shared =
      newest.removals_after == newest.through ? snapshots_.find(feed.crowd().serial) : nullptr;
  const bool is_its = shared != nullptr && shared->through == newest.through;
  if (const Span* const span = is_its ? Snapshots::piece(*shared, cursor.at) : nullptr;
      span != nullptr && (span->size <= bytes_max || span->events == 1)) {
    read.span = *span;
    read.conflated = span->events;
    read.cursor.at = span->last;
    return read;
  }
  merge_.clear();
  for (Link* const link : feed.keyed()) {
    const Latest& latest = *link->channel->latest;
    const Latest::Position position = latest.after(cursor.at, newest.removals_after);
    if (position == latest.end() || latest.sequence(position) > newest.through) continue;
    merge_.push({.next = latest.sequence(position),
                 .position = position,
                 .window = &link->channel->window,
                 .link = link,
                 .latest = &latest,
                 .removals_after = newest.removals_after});
  }
  const Sequence lost = add_others(feed, cursor, newest);
  if (lost > 0) {
    read.gap = Gap{.after = cursor.at,
                   .resumed = lost,
                   .cursor = {cursor.at, feed.losses().count(), cursor.thinnings_known},
                   .removals = feed.removals_lost() > newest.through};
    return read;
  }
  take(read, newest.through, bytes_max, feed.framing());
  if (is_its && read.span.size > 0) snapshots_.add(*shared, cursor.at, read.span);
  return read;
}

// Channels without keys, of which everything newer than a place is wanted. Returns up to where they
// have lost some of it since the subscriber knew of their losses, also beyond the wish, since it
// then knows of these as a whole; 0: nowhere.
Sequence Backlog::add_others(const Feed& feed, Cursor cursor, Newest newest) {
  const Sequence after = std::max(cursor.at, newest.others_after);
  const bool losses = feed.losses().count() != cursor.losses_known;
  Sequence lost = 0;
  for (Link* link = feed.most_recent(); link != nullptr && link->channel->recent > after;
       link = link->older) {
    if (link->channel->latest) continue;
    const Window& window = link->channel->window;
    if (losses && window.evicted_through() > after) {
      lost = std::max(lost, window.evicted_through());
    }
    const Window::Position position = window.after(after);
    if (position == window.end() || window.sequence(position) > newest.through) continue;
    merge_.push(
        {.next = window.sequence(position), .position = position, .window = &window, .link = link});
  }
  return lost;
}

// What was wanted of a channel when the subscriber began may have left since. It shows only where
// fewer are left than were wanted; and as there may not have been more, that counts only if the
// feed has lost something since. So a loss is never missed, and now and then one is reported that
// was none.
Read Backlog::read_newest(const Feed& feed, Cursor cursor, std::size_t bytes_max, Newest newest) {
  Read read;
  read.cursor = cursor;
  const bool losses = feed.losses().count() != cursor.losses_known;
  Sequence lost = 0;
  merge_.clear();
  for (Link* link = feed.most_recent(); link != nullptr && link->channel->recent > cursor.at;
       link = link->older) {
    const Window& window = link->channel->window;
    const Window::Position end = window.after(newest.through);
    const bool fewer = window.back(end, newest.of_each - 1) == window.begin();
    if (losses && fewer && window.evicted_through() > cursor.at) {
      lost = std::max(lost, window.evicted_through());
    }
    const Window::Position position =
        std::max(window.back(end, newest.of_each), window.after(cursor.at));
    if (position >= end) continue;
    merge_.push(
        {.next = window.sequence(position), .position = position, .window = &window, .link = link});
  }
  if (lost > 0) {
    read.gap = Gap{.after = cursor.at,
                   .resumed = lost,
                   .cursor = {cursor.at, feed.losses().count()},
                   .removals = feed.removals_lost() > newest.through};
    return read;
  }
  take(read, newest.through, bytes_max, feed.framing());
  return read;
}

namespace {

// Whether a newcomer may as well be sent what was put together for others at `through`: not much
// has changed since, and of channels without keys, of which it gets what is new, nothing.
bool still_good(const Feed& feed, Sequence through) {
  constexpr std::size_t kChangedMax = 8;  // of so many keys, one
  std::size_t count = 0;
  std::size_t changed = 0;
  for (const Link* const link : feed.keyed()) {
    const Latest& latest = *link->channel->latest;
    if (latest.forgotten_through() > through) return false;
    count += latest.count();
    if (link->channel->recent > through) changed += latest.count_after(through);
  }
  for (const Link* link = feed.most_recent(); link != nullptr && link->channel->recent > through;
       link = link->older) {
    if (link->channel->latest == nullptr) return false;
  }
  return changed * kChangedMax <= count;
}

}  // namespace

// From before the first key's latest event: what a client that is cut during the snapshot returns
// with.
std::optional<NewestStart> Backlog::snapshot(const Feed& feed, Sequence head) {
  if (feed.keyed().empty()) return std::nullopt;
  const Sequence target = feed.progress.target(head);
  Snapshots::Snapshot* shared = snapshots_.find(feed.crowd().serial);
  if (shared == nullptr || shared->through > target || !still_good(feed, shared->through)) {
    Sequence first = target + 1;
    for (const Link* const link : feed.keyed()) {
      const Latest& latest = *link->channel->latest;
      const Latest::Position position = latest.after(0, target);
      if (position != latest.end()) first = std::min(first, latest.sequence(position));
    }
    shared = &snapshots_.begin(feed.crowd().serial, first - 1, target);
  }
  return NewestStart{
      .cursor = newcomer_at(feed, shared->start),
      .newest = {.through = shared->through, .of_keys = true, .removals_after = shared->through}};
}

NewestStart Backlog::newest_of_each(const Feed& feed, Sequence head, std::uint32_t events,
                                    std::size_t channels_max) {
  const Sequence target = feed.progress.target(head);
  NewestStart start{.cursor = newcomer_at(feed, target),
                    .newest = {.of_each = events, .through = target}};
  if (events == 0) return start;
  std::size_t channels = 0;
  Sequence floor = 0;
  for (const Link* link = feed.most_recent(); link != nullptr; link = link->older) {
    if (channels++ == channels_max) {
      // It and all behind it had their last event there, or before.
      floor = std::min(link->channel->recent, target);
      start.cut = true;
      break;
    }
    const Window& window = link->channel->window;
    const Window::Position end = window.after(target);
    const Window::Position first = window.back(end, events);
    if (first < end) start.cursor.at = std::min(start.cursor.at, window.sequence(first) - 1);
  }
  start.cursor.at = std::max(start.cursor.at, floor);
  return start;
}

Cursor Backlog::replay_start(const Feed& feed, Sequence head, std::uint32_t events) {
  const Sequence target = feed.progress.target(head);
  // Backwards through all channels: the newest event not counted yet of each.
  struct Last {
    Sequence newest;
    Window::Position position;
    const Window* window;
    bool operator<(const Last& other) const { return newest < other.newest; }
  };
  std::priority_queue<Last> channels;
  const auto add = [&](const Window& window, Window::Position after) {
    if (after <= window.begin()) return;
    const Window::Position position = window.back(after, 1);
    channels.push({.newest = window.sequence(position), .position = position, .window = &window});
  };
  for (const Link* link = feed.most_recent(); link != nullptr; link = link->older) {
    const Window& window = link->channel->window;
    add(window, window.after(target));
  }
  Sequence start = target;
  for (std::uint32_t left = events; left > 0 && !channels.empty(); --left) {
    const Last channel = channels.top();
    channels.pop();
    start = channel.newest - 1;
    add(*channel.window, channel.position);
  }
  return newcomer_at(feed, start);
}

Cursor Backlog::earliest(const Feed& feed, Sequence head) {
  return newcomer_at(feed, newest_start(feed, 0, feed.progress.target(head)));
}

// The feed keeps its links by recency: one without anything new ends the list.
Lag Backlog::lag(const Feed& feed, Sequence at, std::size_t channels_max) {
  Lag lag;
  for (const Link* link = feed.most_recent(); link != nullptr && link->channel->recent > at;
       link = link->older) {
    if (channels_max-- == 0) {
      lag.at_least = true;
      break;
    }
    const Window& window = link->channel->window;
    const Window::Position position = window.after(at);
    if (position == window.end()) continue;
    lag.events += window.count_from(position);
    const Sequence next = window.sequence(position);
    lag.next = lag.next == 0 ? next : std::min(lag.next, next);
  }
  return lag;
}

}  // namespace fanfare::fanout
