// Document: a TOML text as a plain tree in which everything remembers its line and column. The only
// place that uses the TOML library; load.h knows what the keys mean.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fanfare::config {

// Both from 1; 0 means "nowhere in particular".
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  friend constexpr auto operator<=>(Position, Position) = default;
};

struct Member;

struct Node {
  struct DateOrTime {};
  using Array = std::vector<Node>;
  using Table = std::vector<Member>;

  Position where;
  std::variant<Table, Array, std::string, std::int64_t, double, bool, DateOrTime> value;

  const Table* table() const { return std::get_if<Table>(&value); }
  const Array* array() const { return std::get_if<Array>(&value); }
  // "a table", "a string", "a number", for sentences.
  std::string_view kind() const;
};

struct Member {
  std::string name;
  Position where;  // of the name
  Node value;
};

struct SyntaxError {
  Position where;
  std::string what;
};

// The root table, its members in the order of the text. Stops at the first syntax error, because
// TOML has no point from which to resume.
std::expected<Node, SyntaxError> parse_document(std::string_view text);

}  // namespace fanfare::config
