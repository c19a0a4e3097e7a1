// Small text functions that the dialects share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fanfare::ingest {

// Milliseconds in decimal digits, nothing else.
std::optional<std::uint32_t> parse_retry(std::string_view text);
// Why parse_retry() returned nothing.
std::string retry_text_problem(std::string_view text);

// Redis's glob as PUBSUB CHANNELS uses it: `*` any bytes, `?` one byte, `[a-c]` one of, `\` quotes
// the next. Linear but for the star it last passed; no allocation.
bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace fanfare::ingest
