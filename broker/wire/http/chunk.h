// Chunks (RFC 9112 §7.1) as we write them: `size CRLF data CRLF`, no extensions, no trailers.
#pragma once

#include <string>
#include <string_view>

namespace fanfare::http {

// The clean end of a chunked body. A server says "come back" by leaving it out.
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// `data` as one chunk; nothing for empty data, which would be the last chunk.
void append_chunk(std::string& out, std::string_view data);

}  // namespace fanfare::http
