// A file that holds a token, as --token-file names it.
#pragma once

#include <expected>
#include <string>

namespace fanfare::cli {

// Its one line; empty for an empty path. The error is a sentence.
std::expected<std::string, std::string> token_of(const std::string& path);

}  // namespace fanfare::cli
