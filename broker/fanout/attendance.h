// Attendance: how many subscribers each set of topics has gained or lost since this was last asked.
// A crowd has at most one line in it, which stays when the crowd goes.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "broker/fanout/topics.h"

namespace fanfare::fanout {

class Attendance {
 public:
  struct Change {
    std::shared_ptr<const Topics> topics;
    std::int64_t delta = 0;  // not 0
  };
  // A crowd's; it does not move.
  struct Line {
    std::uint32_t number = UINT32_MAX;  // it has none: nothing changed
  };

  void change(Line& line, const std::shared_ptr<const Topics>& topics, std::int64_t delta) {
    if (line.number == UINT32_MAX) {
      line.number = static_cast<std::uint32_t>(changes_.size());
      changes_.push_back({topics, 0});
      lines_.push_back(&line);
    }
    changes_[line.number].delta += delta;
  }
  // Its crowd goes.
  void abandon(const Line& line) {
    if (line.number != UINT32_MAX) lines_[line.number] = nullptr;
  }

  std::vector<Change> take() {
    for (Line* const line : lines_) {
      if (line != nullptr) *line = {};
    }
    lines_.clear();
    std::erase_if(changes_, [](const Change& change) { return change.delta == 0; });
    return std::exchange(changes_, {});
  }

 private:
  std::vector<Change> changes_;
  std::vector<Line*> lines_;  // of the changes; null: the crowd is gone
};

}  // namespace fanfare::fanout
