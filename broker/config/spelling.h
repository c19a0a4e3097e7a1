// Spelling: the known word that the writer of an unknown one most likely meant.
#pragma once

#include <span>
#include <string_view>

namespace fanfare::config {

// How many insertions, deletions, replacements and swaps of neighbours lead from one to the other.
// Letters are compared as they are; the cost is the product of the sizes.
std::size_t edit_distance(std::string_view from, std::string_view to);

// The nearest of `words`, or empty when none is near enough to be what was meant (a third of the
// letters, at least one). The first counts among equals.
std::string_view nearest(std::string_view word, std::span<const std::string_view> words);

}  // namespace fanfare::config
