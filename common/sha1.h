// SHA-1 (FIPS 180-4), for names that others give to texts: EVALSHA calls a script by it. Not for
// anything that has to be safe.
#pragma once

#include <string>
#include <string_view>

namespace fanfare {

// 40 hexadecimal digits in lower case.
std::string sha1_hex(std::string_view text);

}  // namespace fanfare
