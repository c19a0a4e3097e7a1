#include "broker/cli/token_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "broker/config/file.h"

namespace fanfare::cli {

std::expected<std::string, std::string> token_of(const std::string& path) {
  constexpr std::uint64_t kBytesMax = 4U << 10U;
  if (path.empty()) return std::string();
  auto text = config::read_file(path, kBytesMax, "it is larger than 4 KiB, too large for a token");
  if (!text) return std::unexpected(fmt::format("{}: {}", path, text.error()));
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  const bool plain = std::ranges::all_of(*text, [](char c) { return c > ' ' && c <= '~'; });
  if (plain && !text->empty()) return *text;
  return std::unexpected(
      fmt::format("{}: it must hold one line of printable ASCII without blanks", path));
}

}  // namespace fanfare::cli
