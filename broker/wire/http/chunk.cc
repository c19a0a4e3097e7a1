#include "broker/wire/http/chunk.h"

#include <array>

#include "common/hex.h"

namespace fanfare::http {

void append_chunk(std::string& out, std::string_view data) {
  if (data.empty()) return;
  std::array<char, hex_size(~std::size_t{0})> digits{};
  out.append(digits.data(), write_hex(digits.data(), data.size()));
  out.append("\r\n").append(data).append("\r\n");
}

}  // namespace fanfare::http
