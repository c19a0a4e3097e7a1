#include "broker/server/base/channel_template.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "broker/server/base/path_template.h"

#include "common/pattern.h"

namespace fanfare::server {
namespace {

using Source = ChannelVariable::Source;

constexpr std::string_view kDigest = ":sha256";
constexpr std::size_t kNameBytesMax = 64;

std::string what_there_is(std::span<const std::string> path_variables) {
  std::string text;
  for (const std::string& name : path_variables) text += fmt::format("{{{}}}, ", name);
  return text + "{query.NAME}, {token.NAME} and {connection}";
}

// Between the braces.
std::expected<ChannelVariable, std::string> parse_variable(
    std::string_view text, std::span<const std::string> path_variables) {
  ChannelVariable variable;
  const std::string_view written = text;
  if (text.ends_with(kDigest)) {
    variable.digest = true;
    text.remove_suffix(kDigest.size());
  }
  const std::size_t dot = text.find('.');
  const std::string_view source = text.substr(0, dot);
  if (dot != std::string_view::npos) variable.name = text.substr(dot + 1);
  const bool named = !variable.name.empty() && variable.name.size() <= kNameBytesMax;
  if (text == "connection") {
    variable.source = Source::connection;
    return variable;
  }
  if (source == "query" && named) {
    variable.source = Source::query;
    return variable;
  }
  if (source == "token" && named) {
    variable.source = Source::token;
    return variable;
  }
  const auto found = std::ranges::find(path_variables, text);
  if (found == path_variables.end()) {
    return std::unexpected(fmt::format("there is no {{{}}} here; there are {}", written,
                                       what_there_is(path_variables)));
  }
  variable.name = text;
  variable.index = static_cast<std::size_t>(found - path_variables.begin());
  return variable;
}

}  // namespace

std::string ChannelVariable::shown() const {
  const std::string_view end = digest ? kDigest : std::string_view();
  switch (source) {
    case Source::query:
      return fmt::format("{{query.{}{}}}", name, end);
    case Source::token:
      return fmt::format("{{token.{}{}}}", name, end);
    case Source::connection:
      return fmt::format("{{connection{}}}", end);
    case Source::path:
      break;
  }
  return fmt::format("{{{}{}}}", name, end);
}

std::string ChannelTemplate::filled(std::span<const std::string> values) const {
  std::string text = texts.front();
  for (std::size_t i = 0; i < variables.size(); ++i) {
    text += values[i];
    text += texts[i + 1];
  }
  return text;
}

std::expected<ChannelTemplate, std::string> parse_channel_template(
    std::string_view text, std::span<const std::string> path_variables) {
  ChannelTemplate channel;
  for (;;) {
    const std::size_t brace = text.find_first_of("{}");
    channel.texts.emplace_back(text.substr(0, brace));
    if (brace == std::string_view::npos) break;
    const std::size_t end = text.find_first_of("{}", brace + 1);
    if (text[brace] == '}' || end == std::string_view::npos || text[end] == '{') {
      return std::unexpected("its braces are not balanced; write a variable like {room}");
    }
    auto variable = parse_variable(text.substr(brace + 1, end - brace - 1), path_variables);
    if (!variable) return std::unexpected(variable.error());
    channel.variables.push_back(*std::move(variable));
    text.remove_prefix(end + 1);
  }
  // A channel like those that it makes: they differ in what is valid everywhere.
  const std::vector<std::string> samples(channel.variables.size(), "x");
  const std::string sample = channel.filled(samples);
  if (std::string problem = channel_pattern_problem(sample); !problem.empty()) {
    return std::unexpected(problem);
  }
  if (is_hidden(sample)) {
    return std::unexpected("names that begin with ~ are reserved for the broker");
  }
  return channel;
}

std::string channel_value_problem(std::string_view value) {
  if (value.empty()) return "it must not be empty";
  if (value.find('/') != std::string_view::npos) return "it must not hold a slash";
  if (value == "." || value == "..") return "it must not be a segment of dots";
  return channel_name_problem(value);
}

}  // namespace fanfare::server
