// Hook: what one [[hook]] is still to be told: which of its channels have become occupied (a first
// subscriber by name, over all shards) or vacant (the last has gone). Only the newest state of a
// channel counts: what changes back before it was told is not told at all. So what waits is bounded
// by the number of channels, not by how often they change.
//
//   changed() ─▶ waiting: occupied at once, vacant after `settle` ─▶ post: one at a time ─▶
//   answered()
//                   ▲                                                  │ failed: the same again,
//                   later └──────── out of step: begins anew ◀───────────────┘ given up
//
// Events of one channel arrive in their order, since there is one post at a time. A post that
// failed may have arrived: it is repeated as it was, with the same id.
//
// Out of step is a hook that has just begun, that has given a post up, or for which too many
// channels wait. Its next post begins with "reset": every channel is vacant. Those that are
// occupied follow, so that the receiver is in step again, whatever it has missed.
//
// Sans-io: times and answers in, bodies of posts out. Thread: the lead shard's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/server/base/counters.h"
#include "broker/server/base/options.h"

#include "common/random.h"

namespace fanfare::server {

class Hook {
 public:
  // One post has at most so many.
  static constexpr std::size_t kEventsMax = 200;

  // All outlive this.
  Hook(HookRule rule, Counters& counters, Random& random)
      : rule_(std::move(rule)), counters_(counters), random_(random) {}
  ~Hook();
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;

  const HookRule& rule() const { return rule_; }
  // One of its patterns matches the name.
  bool concerns(std::string_view channel) const;

  // A channel that concerns it is occupied now, or vacant, and was not before. `waiting_max`: so
  // many channels may wait; false: one too many, and the hook is out of step.
  bool changed(std::string_view channel, bool occupied, TimePoint now, std::size_t waiting_max);

  // It is to be told which channels are occupied before anything else: call begin_anew(), then
  // changed() for each of these.
  bool wants_to_begin(TimePoint now) const { return out_of_step_ && !posting() && now >= next_; }
  void begin_anew();

  // A post that is due; posting() until it is answered. Its "events", as JSON.
  struct Post {
    std::uint64_t number = 0;  // of its post; the same when it is repeated
    std::string events;
    std::int64_t first_ms = 0;  // when it was put together
  };
  const Post* next_post(TimePoint now, std::int64_t unix_ms);
  bool posting() const { return posting_; }
  bool out_of_step() const { return out_of_step_; }
  // False: nobody has taken it, or nobody knows. Returns what becomes of it, for the log.
  enum class Then : std::uint8_t { done, again, given_up };
  Then answered(bool taken, TimePoint now);
  // What lies in its queues, of use or not.
  std::size_t queued() const { return ready_.size() + settles_.size(); }
  Duration until_next(TimePoint now) const { return next_ - now; }

 private:
  struct Waiting {
    bool occupied = false;   // now…
    bool told = false;       // …and as the receiver has it, unless it is being told
    bool posted = false;     // it is in the post…
    bool posted_as = false;  // …as this
    std::uint64_t queued = 0;
  };
  struct Queued {
    std::string channel;
    std::uint64_t number = 0;  // Waiting::queued, unless that was queued anew
    TimePoint due{};
  };
  using Channels = std::unordered_map<std::string, Waiting>;

  void enqueue(const std::string& channel, Waiting& waiting, TimePoint now);
  void forget(Channels::iterator channel);
  void lose();
  void take_due(std::deque<Queued>& queue, TimePoint now);
  void add_event(std::string_view name, std::string_view channel);
  Duration back_off();

  const HookRule rule_;
  Counters& counters_;
  Random& random_;
  Channels channels_;         // with news that is not told
  std::deque<Queued> ready_;  // both in the order of their times
  std::deque<Queued> settles_;
  std::uint64_t queued_ = 0;
  std::optional<Post> post_;  // until it is taken, or given up
  std::vector<std::string> posted_;
  std::uint64_t posts_ = 0;
  std::size_t events_ = 0;  // in the post
  std::uint32_t failures_ = 0;
  TimePoint next_{};
  bool posting_ = false;
  bool out_of_step_ = true;
  bool resets_ = false;  // the next post begins with that
};

}  // namespace fanfare::server
