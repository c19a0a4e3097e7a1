// KeyTrial: whether events that are only considered, one after another, would be refused for their
// keys: each is judged as if those before it were in the log. Says what Sequencer::publish() would.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "broker/fanout/event.h"
#include "broker/fanout/sequencer.h"

namespace fanfare::fanout {

class KeyTrial {
 public:
  // The log does not change while this lives.
  explicit KeyTrial(const Sequencer& sequencer) : sequencer_(sequencer) {}

  // What is wrong with the event, or nothing: then it counts for those that follow. The views live
  // as long as this.
  std::optional<PublishError> publish(std::string_view channel, const Event& event);
  void erase(std::string_view channel);

 private:
  struct Standing {
    Sequencer::KeyRoom room;
    bool erased = false;
    std::unordered_map<std::string_view, std::uint64_t> sizes;  // of the keys that have changed
  };

  Standing& standing(std::string_view channel);
  // What the latest event of that key takes; 0: it has none.
  std::uint64_t size(std::string_view channel, const Standing& standing,
                     std::string_view key) const;

  const Sequencer& sequencer_;
  std::uint64_t events_ = 0;     // that were taken
  std::int64_t bytes_more_ = 0;  // over all channels
  std::unordered_map<std::string_view, Standing> channels_;
};

}  // namespace fanfare::fanout
