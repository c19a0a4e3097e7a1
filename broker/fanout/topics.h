// Topics: a set of exact channel names and patterns, as a subscriber asks for it. It never changes,
// so that shards can share one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/pattern.h"

namespace fanfare::fanout {

class Topics {
 public:
  // Sorted and without duplicates.
  explicit Topics(std::vector<std::string> texts) : texts_(std::move(texts)) {
    names_ = static_cast<std::size_t>(
        std::ranges::count_if(texts_, [](const auto& text) { return !is_pattern(text); }));
    if (names_ == 0 || !has_patterns()) return;
    covered_ = std::make_unique<bool[]>(count());
    for (std::size_t i = 0; i < count(); ++i) {
      covered_[i] = !is_pattern(texts_[i]) && matches(texts_[i]);
    }
  }

  const std::vector<std::string>& texts() const { return texts_; }
  std::size_t count() const { return texts_.size(); }
  std::size_t pattern_count() const { return texts_.size() - names_; }
  bool has_patterns() const { return names_ < texts_.size(); }
  // Whether one of them is `name` itself.
  bool names(std::string_view name) const { return std::ranges::binary_search(texts_, name); }
  // Whether one of the patterns matches a name that is itself a topic.
  bool name_covered(std::size_t index) const { return covered_ != nullptr && covered_[index]; }
  // Whether one of the patterns matches `name`.
  bool matches(std::string_view name) const {
    return has_patterns() && std::ranges::any_of(texts_, [=](const auto& text) {
             return is_pattern(text) && pattern_matches(text, name);
           });
  }

 private:
  std::vector<std::string> texts_;
  std::size_t names_ = 0;            // texts without a star
  std::unique_ptr<bool[]> covered_;  // by text; null where there are only names or only patterns
};

}  // namespace fanfare::fanout
