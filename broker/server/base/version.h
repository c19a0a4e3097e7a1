// The broker's version, as `fanfare --version`, the Server field and the metrics show it.
#pragma once

#include <string_view>

namespace fanfare::server {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace fanfare::server
