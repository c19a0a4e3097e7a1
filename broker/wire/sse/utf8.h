// UTF-8 as an event stream is decoded (WHATWG Encoding §4.8, "UTF-8 decode"): a malformed sequence
// becomes U+FFFD, once for each maximal part of it that could have begun a character.
#pragma once

#include <string>
#include <string_view>

namespace fanfare::sse {

// Appends `text` with every malformed sequence replaced; one pass and no copy for valid text beyond
// the append itself.
void append_utf8_repaired(std::string& out, std::string_view text);

}  // namespace fanfare::sse
