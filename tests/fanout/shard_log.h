// ShardLog: a sequencer and one replica side by side, for tests of a single shard. turn() seals and
// applies, as the loop does once a turn.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "broker/fanout/replica.h"
#include "broker/fanout/sequencer.h"
#include "tests/fanout/sse_reader.h"

namespace fanfare::fanout::testing {

inline TimePoint at(Duration since_start) {
  return TimePoint{} + since_start;
}

class ShardLog {
 public:
  static Epoch epoch() { return *Epoch::parse("0123abc"); }

  explicit ShardLog(HistoryLimits limits = {},
                    SequencerOptions options = {.epoch = epoch(), .history = nullptr},
                    std::size_t span_bytes_max = 256U << 10U,
                    std::uint32_t feed_members_max = kFeedMembersMax)
      : sequencer(with(limits, options)),
        replica({.epoch = epoch(),
                 .members_max = 1'000,
                 .tombstones_max = options.tombstones_max,
                 .feed_members_max = feed_members_max,
                 .span_bytes_max = span_bytes_max,
                 .rules = {.of = [this](const Topics&) { return rules_; },
                           .revision = &rules_revision_}}) {}

  Sequence publish(std::string_view channel, std::string_view data) {
    const Event event{.type = "", .data = data, .retry_ms = {}};
    return sequencer.publish(channel, event, "", now)->sequence;
  }
  void turn() {
    if (const BatchPtr batch = sequencer.seal(now)) replica.apply(*batch);
  }
  void lay_down(CrowdRules rules) {
    rules_ = rules;
    ++rules_revision_;
  }
  Feed* open(std::initializer_list<std::string_view> topics, Framing framing = Framing::raw) {
    return replica.open(std::vector<std::string_view>(topics), framing);
  }
  // The bytes of the next round, of all members of its feed.
  std::string next_bytes() {
    const auto round = replica.next_round(1'000);
    return round ? std::string(round->span.data, round->span.size) : "(none)";
  }
  std::string read_bytes(const Feed* feed, Cursor cursor, std::size_t bytes_max = 10'000) {
    const Read read = replica.read(feed, cursor, bytes_max);
    if (read.gap) return "(gap)";
    if (read.ahead) return "(ahead)";
    return {read.span.data, read.span.size};
  }

  TimePoint now = at(1'000s);
  Sequencer sequencer;
  Replica replica;

 private:
  CrowdRules rules_;
  std::uint32_t rules_revision_ = 0;

  static SequencerOptions with(HistoryLimits limits, SequencerOptions options) {
    options.history = [=](std::string_view) { return limits; };
    return options;
  }
};

}  // namespace fanfare::fanout::testing
