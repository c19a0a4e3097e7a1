// FloodGate: what a client may ask of a session that brings it nothing. Each kind of it has an
// allowance, which comes back with time; a client that has used one up is told to be calm
// (ENHANCE_YOUR_CALM, RFC 9113 §10.5), and the connection ends. The allowances lie far above what
// browsers, fronts and libraries need, so that only a client that wants to be a burden meets them.
//
// Thread: that of its session. 44 bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/time.h"

namespace fanfare::h2 {

// X(name, burst, each second, what it is)
#define FANFARE_H2_FLOODS(X)                                                             \
  X(resets, 500, 33, "streams that the client opens and resets (CVE-2023-44487)")        \
  X(provoked_resets, 250, 20, "streams that the broker resets for what the client did")  \
  X(settings, 20, 1, "SETTINGS, each of which asks for an answer")                       \
  X(pings, 100, 10, "PING, beyond one for each DATA that was sent")                      \
  X(empty_data, 100, 10, "DATA without bytes and without an end")                        \
  X(window_updates, 2000, 200, "WINDOW_UPDATE, beyond four for each DATA that was sent") \
  X(priorities, 1000, 100, "PRIORITY and PRIORITY_UPDATE")                               \
  X(continuations, 64, 8, "CONTINUATION (CVE-2024-28182)")                               \
  X(other_frames, 100, 10, "frames of unknown types, and others without a use")          \
  X(field_lists, 0, 0, "header lists several times as long as a request's head may be")  \
  X(unread_answers, 0, 0, "answers to control frames that the client does not read")

enum class Flood : std::uint8_t {
#define X(name, burst, rate, help) name,
  FANFARE_H2_FLOODS(X)
#undef X
      none,
};
inline constexpr std::size_t kFloodCount = static_cast<std::size_t>(Flood::none);
std::string_view name_of(Flood flood);

class FloodGate {
 public:
  FloodGate();

  // What the allowances gain until now. Never goes back.
  void time_is(TimePoint now);
  // One more of these. False: that was too many.
  bool admit(Flood kind);
  // The client has been given a reason for so many more.
  void allow(Flood kind, std::uint32_t more);

 private:
  std::array<std::uint32_t, kFloodCount> left_{};
  std::int64_t second_ = 0;
  bool told_ = false;
};

}  // namespace fanfare::h2
