// A sequencer and a replica filled with events, for benchmarks of what the log costs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/fanout/replica.h"
#include "broker/fanout/sequencer.h"

namespace fanfare::bench {

inline fanout::Epoch some_epoch() {
  return *fanout::Epoch::parse("0123456");
}

inline std::string channel_name(std::size_t index) {
  return "bench/" + std::to_string(index);
}

inline fanout::SequencerOptions sequencer_options() {
  return {.epoch = some_epoch(), .history = [](std::string_view) {
            return fanout::HistoryLimits{.events = 1000, .bytes = 1U << 20U, .age = Duration(0)};
          }};
}

// One lead shard and one replica that follows it.
class Log {
 public:
  explicit Log(std::size_t channels = 1, std::uint32_t members_max = 20'000)
      : sequencer_(sequencer_options()),
        replica_({.epoch = some_epoch(), .members_max = members_max}) {
    for (std::size_t i = 0; i < channels; ++i) names_.push_back(channel_name(i));
  }
  ~Log() {
    for (const Joined& joined : joined_) {
      for (std::uint32_t i = 0; i < joined.members; ++i) {
        replica_.leave(joined.feed, joined.first + i);
      }
      replica_.release(joined.feed);
    }
  }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  fanout::Replica& replica() { return replica_; }
  std::string_view name(std::size_t channel) const { return names_[channel]; }

  // The feed of channel `channel` with `members` members, numbered from `first`.
  fanout::Feed* join(std::size_t channel, std::uint32_t first, std::uint32_t members) {
    const std::string_view topic = names_[channel];
    fanout::Feed* const feed =
        replica_.open(std::span<const std::string_view>(&topic, 1), fanout::Framing::chunked);
    for (std::uint32_t i = 0; i < members; ++i) replica_.join(feed, first + i);
    joined_.push_back({feed, first, members});
    return feed;
  }
  void publish(std::size_t channel, std::size_t count = 1) {
    for (std::size_t i = 0; i < count; ++i) {
      static_cast<void>(sequencer_.publish(names_[channel],
                                           {.type = {}, .data = data_, .retry_ms = {}}, {}, now_));
    }
  }
  // As many commands of one socket are published.
  void publish_to_each(std::span<const std::size_t> channels) {
    coming_.clear();
    for (const std::size_t channel : channels) coming_.push_back({names_[channel], data_.size()});
    for (const fanout::Sequencer::Place& place : sequencer_.places(coming_)) {
      static_cast<void>(
          sequencer_.publish(place, {.type = {}, .data = data_, .retry_ms = {}}, {}, now_));
    }
  }
  fanout::BatchPtr seal() { return sequencer_.seal(now_); }
  void seal_and_apply() {
    if (const fanout::BatchPtr batch = seal()) replica_.apply(*batch);
  }
  std::size_t event_bytes() const { return data_.size(); }

 private:
  struct Joined {
    fanout::Feed* feed;
    std::uint32_t first, members;
  };

  fanout::Sequencer sequencer_;
  fanout::Replica replica_;
  std::vector<std::string> names_;
  std::vector<Joined> joined_;
  std::vector<fanout::Sequencer::Coming> coming_;
  std::string data_ = std::string(200, 'x');
  TimePoint now_{1'000'000'000};
};

}  // namespace fanfare::bench
