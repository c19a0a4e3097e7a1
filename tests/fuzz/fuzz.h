// What the fuzz targets share. The first byte of an input is the seed of how the rest is cut, so
// that a file says by itself how to break things again.
#pragma once

#include <cstdint>
#include <string_view>

#include "tests/wire/pieces.h"

#include "common/check.h"
#include "common/random.h"

namespace fanfare::fuzz {

struct Input {
  wire_test::Cuts cuts;
  std::string_view bytes;
};

inline Input input_of(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return {};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 0) return {wire_test::cut_byte_by_byte(bytes.size()), bytes};
  Random random(data[0]);
  const std::uint64_t piece_bytes_max = data[0] % 2 == 0 ? 4 : bytes.size() + 1;
  return {wire_test::cut_at_random(bytes.size(), piece_bytes_max, random), bytes};
}

inline bool lies_within(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

}  // namespace fanfare::fuzz
