#include "broker/wire/sse/utf8.h"

#include <algorithm>
#include <array>

#include "common/utf8.h"

namespace fanfare::sse {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// `text` begins with a malformed sequence: how many bytes of it could have begun a character, that
// is, would if continuation bytes followed; 1 at least.
std::size_t malformed_size(std::string_view text) {
  for (std::size_t size = std::min<std::size_t>(3, text.size()); size > 1; --size) {
    std::array<char, 4> completed{};
    completed.fill('\x80');
    std::copy_n(text.begin(), size, completed.begin());
    if (utf8_sequence_size({completed.data(), completed.size()}, 0) > size) return size;
  }
  return 1;
}

}  // namespace

void append_utf8_repaired(std::string& out, std::string_view text) {
  while (true) {
    const std::size_t valid = utf8_prefix_size(text);
    out.append(text.substr(0, valid));
    if (valid == text.size()) return;
    text.remove_prefix(valid);
    out.append(kReplacement);
    text.remove_prefix(malformed_size(text));
  }
}

}  // namespace fanfare::sse
