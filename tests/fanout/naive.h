// Naive: the log as a plain list, and what each shard should therefore know: written for being
// obviously right, not for being fast. It learns of events from the publishes themselves, and of
// what a shard has lost from the batches that the shard applied.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/fanout/batch.h"
#include "broker/fanout/event_id.h"

#include "common/pattern.h"

namespace fanfare::fanout::testing {

using TopicList = std::vector<std::string>;

inline bool covers(const TopicList& topics, std::string_view name) {
  return std::ranges::any_of(topics, [&](const auto& topic) {
    return topic == name || (is_pattern(topic) && pattern_matches(topic, name));
  });
}

struct Published {
  Sequence sequence = 0;
  std::string channel;
  std::string type;
  std::string data;
};

// What one shard knows after the batches it applied.
class NaiveShard {
 public:
  void apply(const Batch& batch) {
    for (const Effect& effect : batch.effects) {
      std::visit([this](const auto& what) { on(what); }, effect);
    }
    head = batch.head;
  }
  bool gone(const Published& event) const {
    const auto found = evicted.find(event.channel);
    return found != evicted.end() && event.sequence <= found->second;
  }

  Sequence head = 0;
  std::map<ChannelId, std::string> names;
  std::map<std::string, Sequence> evicted;  // survives the channel
  std::set<std::string> finished;

 private:
  void on(const ChannelAppeared& c) { names[c.channel] = c.name; }
  void on(const BlockAppended&) {}
  void on(const KeysChanged&) {}
  void on(const Evicted& c) { evicted[names.at(c.channel)] = c.through; }
  void on(const ChannelFinished& c) { finished.insert(names.at(c.channel)); }
  void on(const ChannelReopened& c) { finished.erase(names.at(c.channel)); }
  void on(const ChannelForgotten& c) {
    finished.erase(names.at(c.channel));
    names.erase(c.channel);
  }
  void on(const FloorRaised&) {}  // it forgets nothing
};

class NaiveLog {
 public:
  void add(Published event) { events_.push_back(std::move(event)); }

  // The events of `topics` in (after, through].
  std::vector<const Published*> between(const TopicList& topics, Sequence after,
                                        Sequence through) const {
    std::vector<const Published*> found;
    for (Sequence sequence = after + 1; sequence <= through && sequence <= events_.size();
         ++sequence) {
      const Published& event = events_[sequence - 1];
      if (covers(topics, event.channel)) found.push_back(&event);
    }
    return found;
  }
  // Those of them that `shard` still has.
  std::vector<const Published*> left(const NaiveShard& shard, const TopicList& topics,
                                     Sequence after, Sequence through) const {
    auto found = between(topics, after, through);
    std::erase_if(found, [&](const Published* event) { return shard.gone(*event); });
    return found;
  }

 private:
  std::vector<Published> events_;  // sequence 1 first
};

}  // namespace fanfare::fanout::testing
