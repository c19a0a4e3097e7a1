// Segments for tests: filled with frames whose text says their sequence.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/fanout/segment_writer.h"

namespace fanfare::fanout::testing {

inline std::string frame_text(Sequence sequence) {
  return fmt::format("<{}>", sequence);
}

inline void append_event(SegmentWriter& writer, Sequence sequence, std::uint32_t committed_s = 0) {
  const std::string text = frame_text(sequence);
  std::ranges::copy(text, writer.append(text.size(), sequence, committed_s).begin());
}

}  // namespace fanfare::fanout::testing
