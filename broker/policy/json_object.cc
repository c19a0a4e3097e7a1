#include "broker/policy/json_object.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/quotable.h"

namespace fanfare::policy {
namespace {

namespace dom = simdjson::dom;

// A name that stands twice in one object, as it is to be quoted; empty if none does. The parser
// bounds the depth.
std::string repeated_name(const dom::element& value) {
  dom::array items;
  if (value.get(items) == simdjson::SUCCESS) {
    for (const dom::element item : items) {
      if (std::string name = repeated_name(item); !name.empty()) return name;
    }
    return {};
  }
  dom::object members;
  if (value.get(members) != simdjson::SUCCESS) return {};
  std::vector<std::string_view> names;
  for (const auto& [name, member] : members) {
    if (std::string repeated = repeated_name(member); !repeated.empty()) return repeated;
    names.push_back(name);
  }
  std::ranges::sort(names);
  const auto found = std::ranges::adjacent_find(names);
  return found == names.end() ? std::string{} : fmt::format("\"{}\"", quotable(*found));
}

}  // namespace

std::expected<dom::object, std::string> parse_object(dom::parser& parser, std::string_view text) {
  dom::element value;
  if (parser.parse(text.data(), text.size()).get(value) != simdjson::SUCCESS) {
    return std::unexpected("is not JSON");
  }
  dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return std::unexpected("is not a JSON object");
  if (const std::string name = repeated_name(value); !name.empty()) {
    return std::unexpected(fmt::format("has {} twice", name));
  }
  return object;
}

}  // namespace fanfare::policy
