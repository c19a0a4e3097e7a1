#include "broker/fanout/backlog.h"

#include <algorithm>

namespace fanfare::fanout {
namespace {

// The oldest event in (after, through] that is left, or 0.
Sequence oldest_left(const Feed& feed, Sequence after, Sequence through) {
  Sequence oldest = 0;
  for (const Link* link = feed.most_recent(); link != nullptr && link->channel->recent > after;
       link = link->older) {
    const Window& window = link->channel->window;
    const Window::Position position = window.after(after);
    if (position == window.end()) continue;
    const Sequence next = window.sequence(position);
    if (next <= through && (oldest == 0 || next < oldest)) oldest = next;
  }
  return oldest;
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
  }
  const bool all = merge_.empty() || merge_.top().next > through;
  read.cursor.at = all ? through : merge_.top().next - 1;
  read.span.last = read.cursor.at;
}

Read Backlog::read(const Feed& feed, Sequence head, Cursor cursor, std::size_t bytes_max,
                   Newest newest) {
  const Sequence target = feed.progress.target(head);
  if (newest.wanted(cursor.at)) {
    if (Read read = read_newest(feed, cursor, bytes_max, newest); read.gap || read.span.size > 0) {
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
                   .cursor = {newest_start(feed, cursor.at, target), feed.losses().count()}};
    return read;
  }
  merge_.clear();
  for (Link* link = feed.most_recent(); link != nullptr && link->channel->recent > cursor.at;
       link = link->older) {
    const Window& window = link->channel->window;
    const Window::Position position = window.after(cursor.at);
    if (position == window.end()) continue;
    const Sequence next = window.sequence(position);
    if (next > target) continue;
    merge_.push({.next = next, .position = position, .window = &window, .link = link});
  }
  take(read, target, bytes_max, feed.framing());
  read.caught_up = read.cursor.at == target;
  return read;
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
      lost = std::max(lost, std::min(window.evicted_through(), newest.through));
    }
    const Window::Position position =
        std::max(window.back(end, newest.of_each), window.after(cursor.at));
    if (position >= end) continue;
    merge_.push(
        {.next = window.sequence(position), .position = position, .window = &window, .link = link});
  }
  if (lost > 0) {
    read.gap =
        Gap{.after = cursor.at, .resumed = lost, .cursor = {cursor.at, feed.losses().count()}};
    return read;
  }
  take(read, newest.through, bytes_max, feed.framing());
  return read;
}

NewestStart Backlog::newest_of_each(const Feed& feed, Sequence head, std::uint32_t events,
                                    std::size_t channels_max) {
  const Sequence target = feed.progress.target(head);
  NewestStart start{.cursor = {target, feed.losses().count()},
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
  return {start, feed.losses().count()};
}

Cursor Backlog::earliest(const Feed& feed, Sequence head) {
  return {newest_start(feed, 0, feed.progress.target(head)), feed.losses().count()};
}

}  // namespace fanfare::fanout
