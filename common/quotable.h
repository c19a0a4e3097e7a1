// A peer's words as an answer or an error may quote them: they can be anything, of any size, and
// are to reach a person's terminal and nothing else.
#pragma once

#include <string>
#include <string_view>

namespace fanfare {

// At most 64 bytes of `text`, then "..." if there are more; what is not printable ASCII as '?'.
std::string quotable(std::string_view text);

}  // namespace fanfare
