// SHA-256 (FIPS 180-4): what stands for a text that is not to be kept.
#pragma once

#include <array>
#include <string_view>

namespace fanfare::policy {

using Digest = std::array<unsigned char, 32>;
Digest sha256(std::string_view text);

}  // namespace fanfare::policy
