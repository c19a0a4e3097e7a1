#include "broker/wire/sse/parameters.h"

#include <algorithm>
#include <array>

#include "common/letters.h"

namespace fanfare::sse {
namespace {

struct Name {
  std::string_view text;
  Parameter parameter;
  bool shown = true;  // in a list of all names
};
constexpr auto kNames = std::to_array<Name>({
    {"channel", Parameter::topic},
    {"channels", Parameter::topic, false},
    {"last_event_id", Parameter::cursor},
    {"replay", Parameter::replay},
    {"since", Parameter::since},
    {"each", Parameter::each},
    {"poll", Parameter::poll},
    {"wait", Parameter::wait},
    {"heartbeat", Parameter::heartbeat},
    {"format", Parameter::format},
    {"announce_position", Parameter::announce_position},
    {"with", Parameter::with},
    {"heartbeat_event", Parameter::heartbeat_event},
    {"max_rate", Parameter::max_rate},
});

// Without what spellings differ in: "lastEventId", "last-event-id", "LAST_EVENT_ID".
std::string folded(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c != '-' && c != '_') text += lower(c);
  }
  return text;
}

}  // namespace

std::expected<Parameter, std::string_view> parameter_of(std::string_view name) {
  // No application's parameter is nearly as short as these and folds into one of them.
  if (name.size() > 32) return Parameter::other;
  const std::string plain = folded(name);
  for (const auto& [text, parameter, shown] : kNames) {
    if (name == text) return parameter;
    if (plain != folded(text)) continue;
    if (parameter == Parameter::cursor) return parameter;
    return std::unexpected(text);
  }
  return Parameter::other;
}

std::optional<Parameter> parameter_named(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name, &Name::text);
  if (found == kNames.end()) return std::nullopt;
  return found->parameter;
}

std::string parameter_names() {
  std::string names;
  for (const Name& name : kNames) {
    if (!name.shown) continue;
    if (!names.empty()) names += ", ";
    names += name.text;
  }
  return names;
}

}  // namespace fanfare::sse
