#include "broker/config/document.h"

#include <toml++/toml.h>

#include <algorithm>
#include <utility>

namespace fanfare::config {
namespace {

Position position_of(const toml::source_region& source) {
  return {.line = source.begin.line, .column = source.begin.column};
}

Node node_of(const toml::node& from);

Node::Table table_of(const toml::table& from) {
  Node::Table members;
  for (const auto& [key, value] : from) {
    members.push_back({.name = std::string(key.str()),
                       .where = position_of(key.source()),
                       .value = node_of(value)});
  }
  // The library keeps keys by name; people read from the top.
  std::sort(members.begin(), members.end(),
            [](const Member& a, const Member& b) { return a.where < b.where; });
  return members;
}

// The library bounds the depth of nesting, hence this recursion.
Node node_of(const toml::node& from) {
  Node node{.where = position_of(from.source()), .value = Node::DateOrTime{}};
  if (const toml::table* table = from.as_table()) {
    node.value = table_of(*table);
  } else if (const toml::array* array = from.as_array()) {
    Node::Array items;
    for (const toml::node& item : *array) items.push_back(node_of(item));
    node.value = std::move(items);
  } else if (const auto* text = from.as_string()) {
    node.value = text->get();
  } else if (const auto* integer = from.as_integer()) {
    node.value = integer->get();
  } else if (const auto* number = from.as_floating_point()) {
    node.value = number->get();
  } else if (const auto* flag = from.as_boolean()) {
    node.value = flag->get();
  }
  return node;
}

}  // namespace

std::string_view Node::kind() const {
  switch (value.index()) {
    case 0:
      return "a table";
    case 1:
      return "a list";
    case 2:
      return "a string";
    case 3:
    case 4:
      return "a number";
    case 5:
      return "true or false";
    default:
      return "a date or time";
  }
}

std::expected<Node, SyntaxError> parse_document(std::string_view text) {
  try {
    const toml::table root = toml::parse(text);
    return Node{.where = {.line = 1, .column = 1}, .value = table_of(root)};
  } catch (const toml::parse_error& error) {
    return std::unexpected(SyntaxError{.where = position_of(error.source()),
                                       .what = std::string(error.description())});
  }
}

}  // namespace fanfare::config
