// A peer's text in a form that an answer or an error may quote: it can be anything, of any size,
// and must be harmless on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace fanfare {

// At most 64 bytes of `text`, then "..." if there are more; what is not printable ASCII as '?'.
std::string quotable(std::string_view text);

}  // namespace fanfare
