// A small file that an operator wrote, whole.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace fanfare::config {

// Its bytes, or why there are none, as the end of a sentence: "it is a directory". A file above
// `size_max` is `too_large`: "it is larger than 1 MiB, too large for a configuration".
std::expected<std::string, std::string> read_file(const std::string& path, std::uint64_t size_max,
                                                  std::string_view too_large);

}  // namespace fanfare::config
