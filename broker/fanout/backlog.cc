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

Read Backlog::read(const Feed& feed, Sequence head, Cursor cursor, std::size_t bytes_max) {
  const Sequence target = feed.progress.target(head);
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
  for (const Link* link = feed.most_recent(); link != nullptr && link->channel->recent > cursor.at;
       link = link->older) {
    const Window& window = link->channel->window;
    const Window::Position position = window.after(cursor.at);
    if (position == window.end()) continue;
    const Sequence next = window.sequence(position);
    if (next <= target) merge_.push({.next = next, .position = position, .window = &window});
  }
  while (!merge_.empty() && merge_.top().next <= target && read.span.size == 0) {
    read.span = gather_.span(merge_, target, bytes_max, feed.framing());
  }
  const bool all = merge_.empty() || merge_.top().next > target;
  read.cursor.at = all ? target : merge_.top().next - 1;
  read.span.last = read.cursor.at;
  read.caught_up = all;
  return read;
}

Cursor Backlog::replay_start(const Feed& feed, Sequence head, std::uint32_t events) {
  const Sequence target = feed.progress.target(head);
  // Backwards through all channels: the newest event not counted yet of each.
  struct Newest {
    Sequence newest;
    Window::Position position;
    const Window* window;
    bool operator<(const Newest& other) const { return newest < other.newest; }
  };
  std::priority_queue<Newest> channels;
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
    const Newest channel = channels.top();
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
