// Watchers: the publishers that watch ({"op":"watch"}), on the lead shard, and how much of the list
// of present streams each has been sent (broker/server/streams/presence.h). The cost of a notice
// depends on the number of watchers, and on nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "broker/io/ring.h"
#include "broker/server/base/switchboard.h"

namespace fanfare::server {

class Watchers {
 public:
  struct Watcher {
    io::Slot slot = 0;          // of the publisher
    std::uint32_t census = 0;   // its own; numbered as they began
    std::uint32_t shard = 0;    // whose streams it is being sent; shard_count(): all were sent
    bool asked = false;         // a part is on its way
    std::uint64_t present = 0;  // streams sent so far
    bool overfull = false;      // it does not read, and is to be closed
  };

  explicit Watchers(Switchboard& switchboard) : switchboard_(switchboard) {}

  void add(io::Slot slot);
  void remove(io::Slot slot);
  bool empty() const { return watchers_.empty(); }
  std::span<Watcher> all() { return watchers_; }

  // Whether it is to have this notice.
  static bool concerns(const Watcher& watcher, const NoticeMessage& notice);
  // The watcher whose census the part belongs to, if it is still there and this part completes
  // its list.
  Watcher* take(const CensusPartMessage& part);
  // It has room: asks for the next part, unless one is on its way or all are told.
  void ask(Watcher& watcher);

 private:
  void order(std::uint32_t shard, CensusMessage::Kind kind, std::uint32_t census);

  Switchboard& switchboard_;
  std::vector<Watcher> watchers_;
  std::uint32_t censuses_ = 0;  // so far
};

// The lines that tell of it: one for each topic.
void append_lines(std::string& out, const NoticeMessage& notice);

}  // namespace fanfare::server
