// What this binary was built from. deploy/cmake/commit.cmake writes the definition anew with each
// build.
#pragma once

#include <string_view>

namespace fanfare {

// "5ada15d8c1f2", "5ada15d8c1f2 with changes" if the tree had some, or "commit unknown".
std::string_view build_commit();

}  // namespace fanfare
