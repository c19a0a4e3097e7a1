// SHA-1 (FIPS 180-4), for protocols that name a text by it: EVALSHA calls a script by its SHA-1.
// Not for security.
#pragma once

#include <string>
#include <string_view>

namespace fanfare {

// 40 hexadecimal digits in lower case.
std::string sha1_hex(std::string_view text);

}  // namespace fanfare
