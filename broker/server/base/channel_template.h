// ChannelTemplate: a channel of a [[route]], in which variables stand for what a request brings:
//
//   chat/{room}      search/{query.q}      user/{token.sub}      own/{connection}
//   answers/{query.question:sha256}
//
// A value is a segment of a channel's name or a part of one, whatever the request says, so that no
// request can name more than the template does. `:sha256` stands for the digest of a value in
// hexadecimal (64 digits), and takes any text.
//
// Pure functions over text. Where the values come from: server/requests/route_values.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fanfare::server {

struct ChannelVariable {
  enum class Source : std::uint8_t {
    path,        // {room}
    query,       // {query.q}
    token,       // {token.sub}: a claim, which is a string or a whole number
    connection,  // {connection}: a name that no other request has
  };
  Source source = Source::path;
  std::string name;       // "room", "q", "sub"
  std::size_t index = 0;  // of a path's variable, among the path's
  bool digest = false;    // :sha256

  std::string shown() const;  // "{query.q:sha256}", as it was written
};

struct ChannelTemplate {
  std::vector<std::string> texts;  // around the variables: one more than there are
  std::vector<ChannelVariable> variables;

  bool fixed() const { return variables.empty(); }
  // With these values, one for each variable.
  std::string filled(std::span<const std::string> values) const;
};

// `path_variables`: the names in the route's path. The error is a sentence that says what would be
// right, without a full stop: the text is no template, or what it makes is no channel or pattern.
std::expected<ChannelTemplate, std::string> parse_channel_template(
    std::string_view text, std::span<const std::string> path_variables);

// Why `value` cannot stand in a channel's name, as the rest of a sentence about it; empty: it can.
std::string channel_value_problem(std::string_view value);

}  // namespace fanfare::server
