#include "broker/server/requests/route_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "broker/policy/digest.h"
#include "broker/wire/http/query.h"
#include "broker/wire/http/target.h"

#include "common/pattern.h"
#include "common/quotable.h"

namespace fanfare::server {
namespace {

using Source = ChannelVariable::Source;
using Value = std::expected<std::string, ValueRefusal>;

std::unexpected<ValueRefusal> refused(const ChannelVariable& variable, std::string sentence) {
  const int status = variable.source == Source::token ? 403 : 400;
  return std::unexpected(ValueRefusal{.status = status, .sentence = std::move(sentence)});
}

Value of_path(const ChannelVariable& variable, std::string_view sent) {
  auto value = http::percent_decoded(sent);
  if (value) return *std::move(value);
  return refused(variable, fmt::format("{} is \"{}\": it has a % that begins no escape; write %25",
                                       variable.shown(), quotable(sent)));
}

// A second one might be what another program on the way has looked at.
Value of_query(const ChannelVariable& variable, const http::Query& query) {
  const auto values = query.all(variable.name);
  if (values.size() == 1) return std::string(values.front());
  return refused(
      variable, fmt::format("the query {} \"{}\", which the channels of this path are made of ({})",
                            values.empty() ? "has no" : "has more than one",
                            quotable(variable.name), variable.shown()));
}

Value of_token(const ChannelVariable& variable, const policy::Grants* grants) {
  if (grants != nullptr) {
    if (variable.name == "sub" && !grants->subject.empty()) return grants->subject;
    const auto claim = std::ranges::find(grants->claims, variable.name,
                                         &std::pair<std::string, std::string>::first);
    if (claim != grants->claims.end()) return claim->second;
  }
  return refused(variable,
                 fmt::format("the token has no \"{}\" that is a text, which the channels of this "
                             "path are made of ({})",
                             quotable(variable.name), variable.shown()));
}

std::string hexadecimal(const policy::Digest& digest) {
  std::string text;
  for (const unsigned char byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

// As it may stand in a channel's name.
Value fit(const ChannelVariable& variable, std::string value) {
  if (variable.digest && !value.empty()) return hexadecimal(policy::sha256(value));
  const std::string problem = channel_value_problem(value);
  if (problem.empty()) return value;
  return refused(variable,
                 fmt::format("{} is \"{}\": {}", variable.shown(), quotable(value), problem));
}

}  // namespace

std::expected<std::vector<std::string>, ValueRefusal> channels_of(
    const Route& route, std::span<const std::string_view> path_values,
    const http::RequestHead& head, const policy::Grants* grants, std::string_view connection) {
  std::vector<std::string> channels;
  channels.reserve(route.channels.size());
  const http::Query query(head.query);
  const auto found = [&](const ChannelVariable& variable) -> Value {
    switch (variable.source) {
      case Source::path:
        return of_path(variable, path_values[variable.index]);
      case Source::query:
        return of_query(variable, query);
      case Source::token:
        return of_token(variable, grants);
      case Source::connection:
        break;
    }
    return std::string(connection);
  };
  for (const ChannelTemplate& channel : route.channels) {
    std::vector<std::string> values;
    for (const ChannelVariable& variable : channel.variables) {
      Value value = found(variable);
      if (value) value = fit(variable, *std::move(value));
      if (!value) return std::unexpected(std::move(value.error()));
      values.push_back(*std::move(value));
    }
    std::string name = channel.filled(values);
    // The template's own text begins with no '~'.
    if (is_hidden(name)) {
      const ChannelVariable& first = channel.variables.front();
      return refused(first, fmt::format("{} is \"{}\": names that begin with ~ are not open",
                                        first.shown(), quotable(values.front())));
    }
    if (name.size() > kChannelNameSizeMax) {
      const ChannelVariable& last = channel.variables.back();
      return refused(last,
                     fmt::format("with {} the name of a channel has {} bytes; {} are the most",
                                 last.shown(), name.size(), kChannelNameSizeMax));
    }
    channels.push_back(std::move(name));
  }
  return channels;
}

}  // namespace fanfare::server
