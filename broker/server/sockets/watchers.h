// Watchers: the publishers that watch ({"op":"watch"}), on the lead shard, what each is interested
// in, and how much of the list of present streams it has been sent
// (broker/server/streams/presence.h). The cost of a notice depends on the watchers, and on nothing
// else.
//
// One that does not read what it is sent misses notices. When it reads again it is told so, and its
// list begins anew: what it makes of that is again the truth, whatever it has missed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "broker/io/ring.h"
#include "broker/server/base/switchboard.h"
#include "broker/server/sockets/connection.h"

namespace fanfare::server {

class Watchers {
 public:
  using Filter = std::shared_ptr<const std::vector<std::string>>;
  struct Watcher {
    io::Slot slot = 0;          // of the publisher
    std::uint32_t census = 0;   // its own; numbered as they began
    std::uint32_t shard = 0;    // whose streams it is being sent; shard_count(): all were sent
    bool asked = false;         // a part is on its way
    std::uint64_t present = 0;  // streams sent so far
    Filter of = {};             // channels and patterns; null: it wants all
    std::uint64_t missed = 0;   // notices since it was last seen to read; 0: none
    std::uint64_t taken = 0;    // what it had read in all when it was last looked at…
    Tick unread_since = 0;      // …and since when that has not grown
  };

  explicit Watchers(Switchboard& switchboard) : switchboard_(switchboard) {}

  // One that is there already begins anew.
  void add(io::Slot slot, Filter of);
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
  // With a list of what is there now.
  void begin_anew(Watcher& watcher);

 private:
  void order(std::uint32_t shard, CensusMessage::Kind kind, const Watcher& watcher);
  void begin_census(Watcher& watcher);
  void end_census(const Watcher& watcher);

  Switchboard& switchboard_;
  std::vector<Watcher> watchers_;
  std::uint32_t censuses_ = 0;  // so far
};

// The lines that tell the watcher of it: one for each topic that concerns it. False: none.
bool append_lines(std::string& out, const NoticeMessage& notice, const Watchers::Watcher& watcher);

}  // namespace fanfare::server
