// Removal: what subscribers see of a key that goes.
#pragma once

#include <string>
#include <string_view>

namespace fanfare::fanout {

inline constexpr std::string_view kRemoved = "removed";  // the event's name

// Its data: {"channel":"…","key":"…"}
std::string removal_data(std::string_view channel, std::string_view key);

}  // namespace fanfare::fanout
