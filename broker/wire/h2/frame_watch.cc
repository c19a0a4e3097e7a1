#include "broker/wire/h2/frame_watch.h"

#include <algorithm>

#include "broker/wire/h2/session.h"

namespace fanfare::h2 {
namespace {

enum Type : std::uint8_t {
  data = 0,
  headers = 1,
  priority = 2,
  rst_stream = 3,
  settings = 4,
  push_promise = 5,
  ping = 6,
  goaway = 7,
  window_update = 8,
  continuation = 9,
  priority_update = 0x10,  // RFC 9218 §7.1
};
// END_STREAM in DATA, ACK in SETTINGS and PING.
constexpr std::uint8_t kFirstFlag = 1;

Flood kind_of(std::uint8_t type, std::uint8_t flags, std::uint32_t length) {
  const bool flag = (flags & kFirstFlag) != 0;
  switch (type) {
    case data:
      return length == 0 && !flag ? Flood::empty_data : Flood::none;
    case headers:
      return Flood::none;
    case priority:
    case priority_update:
      return Flood::priorities;
    case rst_stream:
      return Flood::resets;
    case settings:
      return flag ? Flood::other_frames : Flood::settings;
    case ping:
      return flag ? Flood::other_frames : Flood::pings;
    case window_update:
      return Flood::window_updates;
    case continuation:
      return Flood::continuations;
    default:
      return Flood::other_frames;
  }
}

}  // namespace

FrameWatch::FrameWatch() : skip_(static_cast<std::uint32_t>(kPreface.size())) {}

FrameWatch::Passed FrameWatch::pass(std::string_view bytes, FloodGate& gate) {
  std::size_t at = 0;
  while (true) {
    const std::size_t skipped = std::min<std::size_t>(skip_, bytes.size() - at);
    skip_ -= static_cast<std::uint32_t>(skipped);
    at += skipped;
    if (goaway_ && skip_ == 0 && head_size_ == 0 && at > 0) return {.size = at};
    while (at < bytes.size() && head_size_ < kHeadBytes) {
      head_[head_size_++] = static_cast<std::uint8_t>(bytes[at++]);
    }
    if (head_size_ < kHeadBytes) return {.size = at};
    head_size_ = 0;
    skip_ = std::uint32_t{head_[0]} << 16U | std::uint32_t{head_[1]} << 8U | head_[2];
    goaway_ = goaway_ || head_[3] == goaway;
    const Passed judged = judge(at, gate);
    if (judged.flood != Flood::none || judged.invalid) return judged;
  }
}

// RFC 9113 §6.3: nghttp2 drops PRIORITY whatever is in it.
FrameWatch::Passed FrameWatch::judge(std::size_t size, FloodGate& gate) const {
  const std::uint8_t type = head_[3];
  const bool on_stream = (head_[5] & 0x7fU) != 0 || head_[6] != 0 || head_[7] != 0 || head_[8] != 0;
  if (type == priority && !on_stream) return {.size = size, .invalid = true};
  const Flood kind = kind_of(type, head_[4], skip_);
  if (kind == Flood::none || gate.admit(kind)) return {.size = size};
  return {.size = size, .flood = kind};
}

}  // namespace fanfare::h2
