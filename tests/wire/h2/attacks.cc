#include "tests/wire/h2/attacks.h"

#include "tests/wire/h2/frames.h"

namespace fanfare::h2_test {
namespace {

std::uint32_t stream(std::uint32_t n) {
  return 2 * n + 1;
}

}  // namespace

std::vector<Attack> attacks() {
  using h2::Flood;
  return {
      {Flood::resets, "rapid_reset",
       [](std::uint32_t n) { return get(stream(n)) + rst(stream(n)); }},
      {Flood::provoked_resets, "made_you_reset",
       [](std::uint32_t n) { return get(stream(n)) + window_update(stream(n), 0x7fffffffU); }},
      {Flood::provoked_resets, "malformed_requests",
       [](std::uint32_t n) { return get(stream(n), "/", {{"connection", "close"}}); }},
      {Flood::settings, "settings",
       [](std::uint32_t n) { return frame(kSettings, 0, 0, setting(4, 60'000 + n % 100)); }},
      {Flood::settings, "settings_in_one_frame",
       [](std::uint32_t /*n*/) {
         std::string many;
         for (int i = 0; i < 1000; ++i) many += setting(4, 65'535);
         return frame(kSettings, 0, 0, many);
       }},
      {Flood::pings, "pings", [](std::uint32_t /*n*/) { return frame(kPing, 0, 0, "12345678"); }},
      {Flood::pings,
       "pings_whose_answers_are_not_read",
       [](std::uint32_t /*n*/) { return frame(kPing, 0, 0, "12345678"); },
       {},
       false},
      {Flood::other_frames, "answers_to_no_ping",
       [](std::uint32_t /*n*/) { return frame(kPing, kAck, 0, "12345678"); }},
      {Flood::other_frames, "unknown_frames",
       [](std::uint32_t /*n*/) { return frame(0xee, 0, 0, std::string(1000, 'x')); }},
      {Flood::empty_data, "empty_data", [](std::uint32_t /*n*/) { return frame(kData, 0, 1); },
       post_head(1, "/hello")},
      {Flood::empty_data, "data_of_padding",
       [](std::uint32_t /*n*/) { return frame(kData, kPadded, 1, std::string("\x02\0\0", 3)); },
       post_head(1, "/hello")},
      {Flood::window_updates, "window_updates",
       [](std::uint32_t /*n*/) { return window_update(0, 1); }},
      {Flood::window_updates, "window_updates_of_a_stream",
       [](std::uint32_t /*n*/) { return window_update(1, 1); }, get(1)},
      {Flood::priorities, "priorities",
       [](std::uint32_t n) { return frame(kPriority, 0, stream(n), number(0, 4) + "x"); }},
      {Flood::priorities, "priority_updates",
       [](std::uint32_t n) { return frame(kPriorityUpdate, 0, 0, number(stream(n), 4) + "u=1"); }},
      {Flood::continuations, "continuations",
       [](std::uint32_t /*n*/) { return frame(kContinuation, 0, 1, field("x", "y")); },
       frame(kHeaders, kEndStream, 1, get_block())},
      {Flood::continuations, "empty_continuations",
       [](std::uint32_t /*n*/) { return frame(kContinuation, 0, 1); },
       frame(kHeaders, kEndStream, 1, get_block())},
      {Flood::field_lists, "hpack_bomb",
       [](std::uint32_t n) {
         if (n == 0) {
           return frame(kHeaders, kEndHeaders | kEndStream, 1,
                        get_block("/") + indexed_field("x", std::string(4000, 'x')));
         }
         return frame(kHeaders, kEndHeaders | kEndStream, stream(n),
                      get_block("/") + std::string(16'000, '\xbe'));
       }},
      {Flood::field_lists, "oversized_header_list",
       [](std::uint32_t n) {
         return frame(kHeaders, kEndStream, stream(n),
                      get_block("/") + field("x", std::string(16'000, 'x'))) +
                frame(kContinuation, 0, stream(n), field("x", std::string(16'000, 'x'))) +
                frame(kContinuation, 0, stream(n), field("x", std::string(16'000, 'x'))) +
                frame(kContinuation, 0, stream(n), field("x", std::string(16'000, 'x'))) +
                frame(kContinuation, kEndHeaders, stream(n), field("x", std::string(16'000, 'x')));
       }},
  };
}

}  // namespace fanfare::h2_test
