#include "broker/config/figures.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "broker/config/keys.h"

namespace fanfare::config {
namespace {

// Sections whose numbers are limits, and the prefix of their keys' names.
struct Prefix {
  std::string_view section, prefix;
};
constexpr std::array kPrefixes{Prefix{"history", "history_"}, Prefix{"delivery", "delivery_"},
                               Prefix{"limits", ""},          Prefix{"token", "token_"},
                               Prefix{"publish", "publish_"}, Prefix{"access", "access_"},
                               Prefix{"journal", "journal_"}};

const Prefix* prefix_of(std::string_view section) {
  for (const Prefix& prefix : kPrefixes) {
    if (prefix.section == section) return &prefix;
  }
  return nullptr;
}

std::string_view first_sentence(std::string_view help) {
  const std::size_t end = help.find(". ");
  return end == std::string_view::npos ? help : help.substr(0, end + 1);
}

}  // namespace

std::vector<server::LimitFigure> limit_figures(const server::Options& options) {
  std::vector<server::LimitFigure> figures;
  for (const Section<server::Options>& section : sections()) {
    const Prefix* const prefix = prefix_of(section.name);
    if (prefix == nullptr) continue;
    for (const Key<server::Options>& key : section.keys) {
      const Facts& facts = key.facts;
      const std::optional<Value> value = key.read(options);
      const bool duration = facts.kind == Kind::duration;
      if (!value || (!duration && facts.kind != Kind::count && facts.kind != Kind::size)) continue;
      server::LimitFigure figure{
          .name = fmt::format("{}{}{}", prefix->prefix, facts.name, duration ? "_seconds" : ""),
          .help = fmt::format("[{}] {}: {}", section.name, facts.name, first_sentence(facts.help)),
          .value = {},
          .unit = duration                   ? "seconds"
                  : facts.kind == Kind::size ? "bytes"
                                             : ""};
      if (duration) {
        figure.value = fractional_seconds(std::get<Duration>(*value));
      } else {
        const auto number = std::get<std::uint64_t>(*value);
        if (number == 0 && !facts.zero.empty()) continue;
        figure.value = number;
      }
      figures.push_back(std::move(figure));
    }
  }
  return figures;
}

}  // namespace fanfare::config
