// FrameWatch: looks at the head of each frame as its bytes go by, before nghttp2 sees them, and
// counts it by what it is (flood.h): also frames that nghttp2 drops without a word, and those it
// would collect. It keeps a frame head, and nothing else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/wire/h2/flood.h"

namespace fanfare::h2 {

class FrameWatch {
 public:
  FrameWatch();

  struct Passed {
    std::size_t size = 0;       // bytes: all; those up to the head of a frame that is refused; or,
                                // since the client has said GOAWAY, those of one frame
    Flood flood = Flood::none;  // why: one too many…
    bool invalid = false;       // …or it breaks a rule that nghttp2 does not keep
  };
  // The connection's bytes, from the preface on.
  Passed pass(std::string_view bytes, FloodGate& gate);

 private:
  static constexpr std::uint32_t kHeadBytes = 9;

  Passed judge(std::size_t size, FloodGate& gate) const;

  std::uint32_t skip_;  // bytes of the preface, or of a payload
  std::uint8_t head_size_ = 0;
  bool goaway_ = false;
  std::array<std::uint8_t, kHeadBytes> head_{};
};

}  // namespace fanfare::h2
