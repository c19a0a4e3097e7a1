// Removal: what subscribers see of a key that goes.
#pragma once

#include <string>
#include <string_view>

namespace fanfare::fanout {

inline constexpr std::string_view kRemoved = "removed";  // the event's name

// What a removal has for a key that takes every key of its channel. No key has such a byte.
inline constexpr std::string_view kEveryKey{"\0", 1};

// Its data: {"channel":"…","key":"…"}; that of every key has no "key".
std::string removal_data(std::string_view channel, std::string_view key);

}  // namespace fanfare::fanout
