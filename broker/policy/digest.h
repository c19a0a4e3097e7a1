// SHA-256 (FIPS 180-4): what stands for a text that is not to be kept, or, with a key, for its
// author.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace fanfare::policy {

using Digest = std::array<unsigned char, 32>;
Digest sha256(std::string_view text);
// HMAC-SHA-256 (RFC 2104): shows that a text comes from one who knows the key.
Digest hmac_sha256(std::string_view key, std::string_view text);
// Takes as long whichever bytes differ.
bool same_digest(const Digest& a, const Digest& b);
// In hexadecimal, lower case.
std::string hex_of(const Digest& digest);

}  // namespace fanfare::policy
