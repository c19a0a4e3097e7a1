// Base64url without padding (RFC 4648 §5, RFC 7515 §2), strictly: a text stands for some bytes or
// for none, and no two texts stand for the same bytes. So a token has one spelling.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fanfare::policy {

// Nothing if `text` has padding, any other character outside the alphabet, a size that no bytes
// have, or bits that do not count and are not zero.
std::optional<std::string> base64url_decoded(std::string_view text);

std::string base64url_encoded(std::string_view bytes);

}  // namespace fanfare::policy
