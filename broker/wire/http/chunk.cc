#include "broker/wire/http/chunk.h"

#include <array>
#include <charconv>

namespace fanfare::http {

void append_chunk(std::string& out, std::string_view data) {
  if (data.empty()) return;
  std::array<char, 16> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), data.size(), 16);
  out.append(digits.data(), written.ptr);
  out.append("\r\n").append(data).append("\r\n");
}

}  // namespace fanfare::http
