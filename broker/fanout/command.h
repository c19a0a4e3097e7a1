// Command: one thing that happens to the log. The Sequencer decides it, Log::apply carries it out;
// the same Commands in the same order make the same log, wherever they come from. Plain values: a
// Command can be written down and applied again in another life of the broker. What it refers to
// lives as long as the call.
//
// A channel is named by its id once it has appeared. Times are the log's own (log_clock.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "broker/fanout/batch.h"
#include "broker/fanout/event.h"
#include "broker/fanout/event_id.h"
#include "broker/fanout/log_clock.h"

namespace fanfare::fanout {

// A channel of that name exists from now on; `channel` is Sources::next_id(). Whatever an earlier
// channel of the same name had lost counts as lost here, too.
struct Appear {
  ChannelId channel;
  std::string_view name;
  LogTime time;
  bool keeps_latest = false;  // the latest event of each key, beside its window
  bool journal = true;        // its events are to outlive the process, where there is a journal
};
// An event is written into the channel's open segment, which has room for it. Its number is higher
// than all before it.
struct Append {
  ChannelId channel;
  Sequence sequence;
  Event event;
  LogTime time;
};
// Everything up to `through` leaves the window.
struct Evict {
  ChannelId channel;
  Sequence through;
};
struct Finish {
  ChannelId channel;
  LogTime time;
};
// The history and the finished mark go; keys used so far no longer count.
struct Erase {
  ChannelId channel;
  LogTime time;
};
// The channel, which is empty, no longer exists. A tombstone keeps what it had lost.
struct Forget {
  ChannelId channel;
};
// Where the next events go, and what that adds to the total: segments are sized by the limits of
// the day, which another life of the broker need not have.
struct OpenSegment {
  ChannelId channel;
  std::uint64_t footprint;
};
struct CloseSegment {
  ChannelId channel;
  bool small_next;  // the channel rests: its next segment is as small as its first
};
// The event of that number was published under `key`.
struct AddReceipt {
  ChannelId channel;
  std::string_view key;
  Sequence sequence;
  LogTime time;
};
// The oldest receipts leave.
struct DropReceipts {
  std::size_t count;
};

// ---- how a log is made again from its image (log_image.h)

// The channel's open segment, which is new and has room for them, gets events that an earlier life
// of the log has encoded: a frame for each entry, one after another. Their numbers are those of the
// channel only: higher than all before in it.
struct Refill {
  ChannelId channel;
  Sequence first;            // that the entries count from
  std::uint32_t begin;       // the frame offset that the first entry has
  std::string_view entries;  // Segment::Entry, oldest first
  std::string_view frames;
  bool of_another_epoch = false;  // the frames' ids get this log's
};
// What the channel was in an earlier life, beside what it holds.
struct Resume {
  ChannelId channel;
  Sequence newest;
  Sequence begun_after;
  std::uint64_t published;
  std::uint64_t last_footprint;
  LogTime last_activity;
  Sequence removals_forgotten = 0;  // of one that keeps the latest of each key
};
// Numbers up to `head` are taken; channels that do not exist have lost what is up to `floor`, if
// nothing better is known.
struct Continue {
  Sequence head;
  Sequence floor;
};

using Command = std::variant<Appear, Append, Evict, Finish, Erase, Forget, OpenSegment,
                             CloseSegment, AddReceipt, DropReceipts, Refill, Resume, Continue>;

}  // namespace fanfare::fanout
