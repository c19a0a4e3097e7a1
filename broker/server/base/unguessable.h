// A name that nobody guesses and no other has: 128 bits of the kernel's randomness, in characters
// that may stand in a URL and in a channel's name.
#pragma once

#include <string>

namespace fanfare::server {

std::string unguessable_name();  // 22 characters

}  // namespace fanfare::server
