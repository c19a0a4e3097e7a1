// Assets: the pages, their scripts and styles, the chart library and the typeface, as they are and
// compressed with gzip. admin/page/pack.mjs makes the source that defines them, in the build
// folder.
#pragma once

#include <span>
#include <string_view>

namespace fanfare::admin {

struct Asset {
  std::string_view path;  // "/", "/connections", "/assets/..."
  std::string_view content_type;
  std::string_view bytes;
  std::string_view gzip;  // empty for what it would not make smaller (woff2)
};

// Sorted by path.
std::span<const Asset> assets();

}  // namespace fanfare::admin
