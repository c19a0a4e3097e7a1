// Topics: a set of exact channel names and patterns, as a subscriber asks for it.
#pragma once

#include <algorithm>
#include <cstddef>
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
  }

  const std::vector<std::string>& texts() const { return texts_; }
  std::size_t count() const { return texts_.size(); }
  bool has_patterns() const { return names_ < texts_.size(); }
  // Whether one of them is `name` itself.
  bool names(std::string_view name) const { return std::ranges::binary_search(texts_, name); }
  // Whether one of the patterns matches `name`.
  bool matches(std::string_view name) const {
    return has_patterns() && std::ranges::any_of(texts_, [=](const auto& text) {
             return is_pattern(text) && pattern_matches(text, name);
           });
  }

 private:
  std::vector<std::string> texts_;
  std::size_t names_ = 0;  // texts without a star
};

}  // namespace fanfare::fanout
