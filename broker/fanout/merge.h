// Merge: several channels' events in one order, that of their sequences: a heap of windows by the
// sequence of the next event of each. Takes runs, not single events: while one channel's events
// come before those of all others, they are taken together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/fanout/channel.h"
#include "broker/fanout/event_id.h"
#include "broker/fanout/window.h"

namespace fanfare::fanout {

class Merge {
 public:
  struct Input {
    Sequence next = 0;  // of the event at `position`
    Window::Position position;
    const Window* window = nullptr;
    Link* link = nullptr;  // whose window it is; needed for framings that name the channel
    // Set: only the latest event of each key; `position` is of these, and `window` has a part of
    // them. Removals up to `removals_after` are left out.
    const Latest* latest = nullptr;
    Sequence removals_after = 0;
    // Up to there; then every event of the window, which begins behind it.
    Sequence latest_through = UINT64_MAX;
    Window::Place near = {};  // of these: where `position` is looked for from

    bool keyed() const { return link != nullptr && link->channel->latest != nullptr; }
  };
  struct Taken {
    Window::Run run;
    Link* link = nullptr;
    bool drained = false;  // the input has left the heap: its window has no more
    bool latest = false;   // only the latest of each key were taken

    bool keyed() const { return link != nullptr && link->channel->latest != nullptr; }
  };

  bool empty() const { return heap_.empty(); }
  std::size_t count() const { return heap_.size(); }
  const Input& top() const { return heap_.front(); }
  const std::vector<Input>& inputs() const { return heap_; }
  // Bytes of the frame of the next event.
  std::size_t next_size();

  void push(const Input& input);
  // The longest run of the input at the top; top().next <= through.
  // Written where it stays: a copy would have to wait for it.
  void take(Sequence through, std::size_t bytes_max, Taken& taken);
  void clear() { heap_.clear(); }
  // Inputs of the latest of each key leave, since their positions are about to become invalid.
  // Returns the first event of theirs that was left; UINT64_MAX: there was none.
  Sequence drop_latest();

 private:
  // From the latest of each key to the window, if that is where it goes on.
  static void leave_latest(Input& input);
  void sink_top();

  std::vector<Input> heap_;  // the smallest `next` at the front
};

}  // namespace fanfare::fanout
