// The ways to cut an input that every parser of wire/ must be indifferent to, for tests and
// fuzzers: whole, byte by byte, once at each place, at seeded random places. Each piece lies in
// memory of its own exact size that is gone when the next one comes, so that a parser which looks
// beyond it, or back at an earlier one, is seen by the sanitizer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"

namespace fanfare::wire_test {

// Offsets at which to cut, ascending; a repetition gives an empty piece.
using Cuts = std::vector<std::size_t>;

inline Cuts cut_byte_by_byte(std::size_t size) {
  Cuts cuts;
  for (std::size_t i = 1; i < size; ++i) cuts.push_back(i);
  return cuts;
}

// Pieces of at most `piece_bytes_max` bytes, some of them empty.
inline Cuts cut_at_random(std::size_t size, std::uint64_t piece_bytes_max, Random& random) {
  Cuts cuts;
  for (std::size_t at = 0; at < size && cuts.size() < 2 * size;) {
    at += random.below(piece_bytes_max + 1);
    cuts.push_back(std::min(at, size));
  }
  return cuts;
}

// feed(piece): each piece, in order, from memory that is gone when the call returns.
template <class Feed>
void feed_in_pieces(std::string_view input, const Cuts& cuts, Feed feed) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : input.size();
    const std::string_view piece = input.substr(begin, end - begin);
    const auto memory = std::make_unique_for_overwrite<char[]>(piece.size());
    if (!piece.empty()) std::memcpy(memory.get(), piece.data(), piece.size());
    feed(std::string_view(memory.get(), piece.size()));
    begin = end;
  }
}

}  // namespace fanfare::wire_test
