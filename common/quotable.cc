#include "common/quotable.h"

namespace fanfare {

std::string quotable(std::string_view text) {
  constexpr std::size_t kShown = 64;
  std::string shown(text.substr(0, kShown));
  for (char& c : shown) c = c >= 0x20 && c < 0x7f ? c : '?';
  if (text.size() > kShown) shown += "...";
  return shown;
}

}  // namespace fanfare
