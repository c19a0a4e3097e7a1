// Commands of a Redis library, as bytes.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

namespace fanfare::ingest_test {

// "*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n"
inline std::string command(const std::vector<std::string>& words) {
  std::string text = fmt::format("*{}\r\n", words.size());
  for (const std::string& word : words) text += fmt::format("${}\r\n{}\r\n", word.size(), word);
  return text;
}

inline std::string bulk(std::string_view text) {
  return fmt::format("${}\r\n{}\r\n", text.size(), text);
}

}  // namespace fanfare::ingest_test
