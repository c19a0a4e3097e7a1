#include "broker/config/difference.h"

#include <fmt/format.h>

#include "broker/config/keys.h"
#include "broker/config/value.h"

namespace fanfare::config {
namespace {

template <class Record>
bool same_rule(const Section<Record>& section, const Record& before, const Record& after) {
  for (const Key<Record>& key : section.keys) {
    if (key.read(before) != key.read(after)) return false;
  }
  return true;
}

template <class Record>
bool same_rules(const Section<Record>& section, const std::vector<Record>& before,
                const std::vector<Record>& after) {
  if (before.size() != after.size()) return false;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (!same_rule(section, before[i], after[i])) return false;
  }
  return true;
}

}  // namespace

std::string Difference::text() const {
  std::string text = key;
  text += before.empty() && after.empty() ? std::string(" rules changed")
                                          : fmt::format(": {} -> {}", before, after);
  if (restart) text += " (at the next start)";
  return text;
}

std::vector<Difference> differences(const server::Options& before, const server::Options& after) {
  std::vector<Difference> found;
  for (const Section<server::Options>& section : sections()) {
    for (const Key<server::Options>& key : section.keys) {
      const auto old_value = key.read(before);
      const auto new_value = key.read(after);
      if (old_value == new_value) continue;
      found.push_back({.key = fmt::format("{}.{}", section.name, key.facts.name),
                       .before = old_value ? spelled(key.facts, *old_value) : "nothing",
                       .after = new_value ? spelled(key.facts, *new_value) : "nothing",
                       .restart = key.facts.restart});
    }
  }
  if (!same_rules(sni_section(), before.tls.sni, after.tls.sni)) {
    found.push_back({.key = "[[tls.sni]]", .before = {}, .after = {}});
  }
  if (!same_rules(publish_client_section(), before.publish.clients, after.publish.clients)) {
    found.push_back({.key = "[[publish.client]]", .before = {}, .after = {}});
  }
  if (!same_rules(channel_section(), before.channels, after.channels)) {
    found.push_back({.key = "[[channel]]", .before = {}, .after = {}});
  }
  if (!same_rules(route_section(), before.routes, after.routes)) {
    found.push_back({.key = "[[route]]", .before = {}, .after = {}});
  }
  if (!same_rules(hook_section(), before.hooks, after.hooks)) {
    found.push_back({.key = "[[hook]]", .before = {}, .after = {}});
  }
  return found;
}

server::Options in_force(const server::Options& running, const server::Options& loaded) {
  server::Options options = loaded;
  for (const Section<server::Options>& section : sections()) {
    for (const Key<server::Options>& key : section.keys) {
      if (!key.facts.restart) continue;
      if (const auto value = key.read(running)) key.write(options, *value);
    }
  }
  return options;
}

}  // namespace fanfare::config
