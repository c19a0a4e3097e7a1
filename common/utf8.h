// Where text stops being UTF-8: for error messages and for replacing what is not. To check whether
// a large text is UTF-8 at all, use simdjson, which is ten times faster.
#pragma once

#include <cstddef>
#include <string_view>

namespace fanfare {

// Bytes of the well-formed sequence that begins at `offset` (Unicode 15, table 3-7): 1 to 4, or 0
// if none does. Precondition: offset < text.size().
std::size_t utf8_sequence_size(std::string_view text, std::size_t offset);

// Bytes of the longest prefix that is UTF-8: the offset of the first bad byte, or text.size().
std::size_t utf8_prefix_size(std::string_view text);

// Windows editors begin a text with a mark of its encoding (Unicode 15 §23.8).
inline constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf";
// `text` without the mark that it may begin with.
std::string_view without_utf8_mark(std::string_view text);
// Whether it is only the first bytes of a UTF-8 or UTF-16 mark, so that more of the text is needed.
bool is_part_of_mark(std::string_view text);
// Whether it begins with a UTF-16 (or UTF-32) mark, in either byte order.
bool has_utf16_mark(std::string_view text);

}  // namespace fanfare
