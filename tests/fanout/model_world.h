// The world of the model tests: random publishers, several shards that apply the log at their own
// pace, subscribers that join, take spans whole or cut, fall behind, are cut off and resume on
// another shard. Each round and each read is compared with what the naive log says, each stream
// with what its subscriber has to get.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/fanout/log_image.h"
#include "broker/fanout/replica.h"
#include "broker/fanout/sequencer.h"
#include "tests/fanout/log_record.h"
#include "tests/fanout/model_parts.h"
#include "tests/fanout/naive.h"

#include "common/random.h"

namespace fanfare::fanout::testing {

inline constexpr std::uint32_t kMembers = 12;

class World {
 public:
  explicit World(std::uint64_t seed);
  void step();
  void settle();
  // Log, sequencer and shards are made anew, from what was recorded.
  void restart();
  // The same, from an image of the log, which is written at once.
  void hand_over();

 private:
  void start_again(std::unique_ptr<Log> log);
  void check_rebuilt();
  Duration random_time(Duration bound) {
    return Duration(random_.below(static_cast<std::uint64_t>(bound.count())));
  }
  HistoryLimits limits();
  void finish(const std::string& channel);
  void erase(const std::string& channel);
  void expire();
  void check_bounds();
  void check_end(const Subscriber& s);
  std::string random_data();
  Shard& random_shard() { return *shards_[random_.below(shards_.size())]; }

  void publish();
  void seal();
  void apply_next(Shard& shard);
  void begin(std::uint32_t member);
  void begin_at(Subscriber& s, std::optional<Sequence> presented);
  void newcomer(Subscriber& s);
  void cut(std::uint32_t member);
  void leave(std::uint32_t member);
  void advance(std::uint32_t member);
  bool serve(Shard& shard, std::size_t slice, double whole);
  void serve_batch(Shard& shard);

  void check_span(const Subscriber& s, const Span& span, Sequence after, bool from_round);
  void check_read(const Subscriber& s, const Read& read, std::size_t bytes_max);
  // The newest event it has lost and does not know of; 0: none.
  Sequence newly_lost(const Subscriber& s, Sequence target) const;
  void check_gap(const Subscriber& s, const Gap& gap, Sequence target);
  // Reads what the client got; returns the last id it knows.
  Sequence check_stream(Subscriber& s, std::optional<Sequence> complete_to);

  Random random_;
  Epoch epoch_;
  bool exact_gaps_;  // enough tombstones
  LogLimits log_limits_;
  SequencerOptions options_;
  LogRecord record_;
  bool restarting_ = false;
  std::unique_ptr<Log> rebuilt_;  // follows the record
  std::size_t replayed_ = 0;
  std::uint64_t steps_ = 0;
  std::unique_ptr<Sequencer> sequencer_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<Subscriber> subscribers_{kMembers};
  NaiveLog log_;
  // What the model knows of channels by itself.
  std::map<std::string, HistoryLimits, std::less<>> limits_;
  std::uint64_t total_bytes_ = 0;
  Duration idle_forgotten_after_{};
  std::map<std::string, TimePoint> used_;    // those that exist: when last
  std::map<std::string, TimePoint> filled_;  // when last seen with events
  std::set<std::string> finished_;
  TimePoint now_{Duration(100s).count()};
};

}  // namespace fanfare::fanout::testing
