// The tables of `fanfare top`: connections and channels, as wide as the terminal is. What does not
// fit is left out by columns, the least needed first, and names are cut. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "broker/client/listings.h"

namespace fanfare::cli {

// Lines, each ended by a line feed: a head and at most `rows` rows. The row at `selected` is shown
// in reverse.
std::string connection_table(const client::Listed<client::ListedConnection>& list,
                             std::size_t width, std::size_t rows,
                             std::optional<std::size_t> selected = {});
std::string channel_table(const client::Listed<client::ListedChannel>& list, std::size_t width,
                          std::size_t rows);

// Cut or filled with blanks to so many places, each code point taking one; what is no printable
// text is a question mark.
std::string fitted(std::string_view text, std::size_t width);
// "950 ms", "12.3 s", "4 min", "3.1 h", "2.5 d".
std::string readable_time(std::uint64_t milliseconds);

}  // namespace fanfare::cli
