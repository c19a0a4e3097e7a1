#include "broker/wire/sse/subscribe_wishes.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "broker/wire/http/negotiation.h"
#include "broker/wire/http/query.h"

#include "common/letters.h"
#include "common/quotable.h"

namespace fanfare::sse {
namespace {

using Element = simdjson::dom::element;
using Type = simdjson::dom::element_type;

// What Go's r3labs/sse names a channel by. In a body it would be somebody's {"stream": true}.
constexpr std::string_view kStream = "stream";
constexpr std::string_view kTicket = "ticket";  // what opens the stream; no wish
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kRightBody =
    R"(write {"channels": ["news"]}, or name the channels in the query)";

// The parameter that the scope leaves to the client by this name; the error is as parameter_of's.
std::expected<Parameter, std::string_view> ours(std::string_view name, const Scope& scope) {
  const auto parameter = parameter_of(name);
  const Parameter meant = parameter ? *parameter : *parameter_named(parameter.error());
  if (!scope.parameters.has(meant)) return Parameter::other;
  if (!parameter && !scope.strict) return Parameter::other;
  return parameter;
}

std::string misspelt(std::string_view place, std::string_view name, std::string_view meant) {
  return fmt::format("\"{}\" in the {} is misspelt: write \"{}\"", quotable(name), place, meant);
}

std::optional<Wish>* wish_for(Wishes& wishes, Parameter parameter) {
  switch (parameter) {
    case Parameter::cursor:
      return &wishes.cursor;
    case Parameter::replay:
      return &wishes.replay;
    case Parameter::since:
      return &wishes.since;
    case Parameter::each:
      return &wishes.each;
    case Parameter::poll:
      return &wishes.poll;
    case Parameter::wait:
      return &wishes.wait;
    case Parameter::heartbeat:
      return &wishes.heartbeat;
    case Parameter::format:
      return &wishes.format;
    case Parameter::announce_position:
      return &wishes.announce_position;
    case Parameter::with:
      return &wishes.with;
    case Parameter::heartbeat_event:
      return &wishes.heartbeat_event;
    case Parameter::max_rate:
      return &wishes.max_rate;
    case Parameter::other:
    case Parameter::topic:
      break;
  }
  return nullptr;
}

// ---- The body.

std::string_view kind_of(const Element& value) {
  switch (value.type()) {
    case Type::ARRAY:
      return "a list";
    case Type::OBJECT:
      return "an object";
    case Type::INT64:
    case Type::UINT64:
    case Type::DOUBLE:
      return "a number";
    case Type::STRING:
      return "a string";
    case Type::BOOL:
      return "true or false";
    case Type::NULL_VALUE:
      break;
  }
  return "null";
}

std::string not_json(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return fmt::format("the body is not valid UTF-8; {}", kRightBody);
    case simdjson::DEPTH_ERROR:
      return fmt::format("the body is nested too deeply; {}", kRightBody);
    case simdjson::STRING_ERROR:
    case simdjson::UNESCAPED_CHARS:
    case simdjson::UNCLOSED_STRING:
      return fmt::format(
          "the body is not JSON: it contains an unclosed string, an invalid escape or a control "
          "character; {}",
          kRightBody);
    case simdjson::NUMBER_ERROR:
      return "the body contains a number that is not valid JSON or does not fit into 64 bits; "
             "write it as a string";
    default:
      return fmt::format("the body is not JSON; {}", kRightBody);
  }
}

std::string read_topics(std::string_view key, const Element& value, Wishes& wishes) {
  std::string_view text;
  if (value.is_null()) return {};
  if (value.get(text) == simdjson::SUCCESS) {
    wishes.topics.emplace_back(text);
    return {};
  }
  simdjson::dom::array names;
  if (value.get(names) != simdjson::SUCCESS) {
    return fmt::format(R"("{}" in the body is {}; write a list of names: "channels": ["news"])",
                       key, kind_of(value));
  }
  for (const Element name : names) {
    if (name.get(text) != simdjson::SUCCESS) {
      return fmt::format(
          R"("{}" in the body contains {}, not only strings; write the names: "channels": ["news"])",
          key, kind_of(name));
    }
    wishes.topics.emplace_back(text);
  }
  return {};
}

std::string_view right_value(Parameter parameter) {
  switch (parameter) {
    case Parameter::cursor:
      return "write the id as a string, as you received it";
    case Parameter::replay:
      return R"(write how many of the newest events you want, like "replay": 10)";
    case Parameter::since:
      return R"(write how old events may be, like "since": "10min")";
    case Parameter::each:
      return R"(write "each": "channel", or leave it out)";
    case Parameter::poll:
      return R"(write "poll": 1, or leave it out)";
    case Parameter::wait:
      return R"(write how long to wait, like "wait": "25s")";
    case Parameter::heartbeat:
      return R"(write seconds, like "heartbeat": 4, or a unit, like "heartbeat": "30s")";
    case Parameter::format:
      return R"(write "format": "json" for a line of JSON an event, "raw" for the payload alone)";
    case Parameter::announce_position:
      return R"(write "announce_position": "always", "auto" or "never")";
    case Parameter::with:
      return R"(write "with": "channel" to be given the channel of each event)";
    case Parameter::heartbeat_event:
      return R"(write the name of the event as a string, like "heartbeat_event": "ping")";
    case Parameter::max_rate:
      return R"(write how many updates of one key you want in a second, like "max_rate": 5)";
    case Parameter::other:
    case Parameter::topic:
      break;
  }
  return {};
}

std::string read_wish(std::string_view key, const Element& value, Parameter parameter,
                      Wishes& wishes) {
  std::optional<Wish>& wish = *wish_for(wishes, parameter);
  if (value.is_null()) {
    wish.reset();
    return {};
  }
  const bool numbers = parameter == Parameter::replay || parameter == Parameter::heartbeat ||
                       parameter == Parameter::since || parameter == Parameter::poll ||
                       parameter == Parameter::wait || parameter == Parameter::max_rate;
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    wish = {.text = std::string(text),
            .shown = fmt::format(R"("{}": "{}" in the body)", key, quotable(text)),
            .in_body = true};
  } else if (numbers && value.is_number()) {
    std::string number = simdjson::to_string(value);
    wish = {.text = number,
            .shown = fmt::format(R"("{}": {} in the body)", key, number),
            .in_body = true};
  } else {
    return fmt::format(R"("{}" in the body is {}; {})", key, kind_of(value),
                       right_value(parameter));
  }
  return {};
}

std::string read_members(const simdjson::dom::object& members, const Scope& scope, Wishes& wishes) {
  std::vector<std::string_view> seen;
  for (const auto& [key, value] : members) {
    const auto parameter = ours(key, scope);
    if (!parameter) return misspelt("body", key, parameter.error());
    if (*parameter == Parameter::other) continue;
    // If there were two, another program on the way might have used the other one.
    if (std::ranges::find(seen, key) != seen.end()) {
      return fmt::format("\"{}\" occurs twice in the body; write it once", quotable(key));
    }
    seen.push_back(key);
    std::string problem = *parameter == Parameter::topic
                              ? read_topics(key, value, wishes)
                              : read_wish(key, value, *parameter, wishes);
    if (!problem.empty()) return problem;
  }
  return {};
}

std::string unread_body(const http::RequestHead& head) {
  if (head.method != http::Method::post) {
    return fmt::format("the body of a {} request is not read; send it with POST",
                       quotable(head.method_text));
  }
  const std::string_view coding = head.value("content-encoding");
  if (!coding.empty() && !same_ignoring_case(coding, "identity")) {
    return fmt::format("the body has Content-Encoding {}; send it unencoded", quotable(coding));
  }
  const std::string_view type = head.value("content-type");
  if (http::media_type_is(type, "application/json")) return {};
  return fmt::format(
      "the body must be application/json, but this one {}; {}",
      type.empty() ? std::string("has no Content-Type") : fmt::format("is {}", quotable(type)),
      R"(send {"channels": ["news"]} as that, or name the channels in the query)");
}

std::string_view without_byte_order_mark(std::string_view body) {
  if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
  return body;
}

}  // namespace

bool is_parameter(std::string_view name) {
  const auto parameter = parameter_of(name);
  return !parameter || *parameter != Parameter::other || name == kStream || name == kTicket;
}

std::expected<Wishes, std::string> wishes_of_query(std::string_view text, const Scope& scope) {
  Wishes wishes;
  const http::Query query(text);
  for (const auto& [key, value] : query) {
    const auto parameter = ours(key == kStream ? "channel" : key, scope);
    if (!parameter) return std::unexpected(misspelt("query", key, parameter.error()));
    if (*parameter == Parameter::topic && !value.empty()) wishes.topics.emplace_back(value);
    if (std::optional<Wish>* const wish = wish_for(wishes, *parameter)) {
      *wish = {.text = std::string(value),
               .shown = fmt::format("{}={}", quotable(key), quotable(value))};
    }
  }
  return wishes;
}

std::expected<Wishes, std::string> wishes_of_body(const http::RequestHead& head,
                                                  std::string_view body, const Scope& scope) {
  body = without_byte_order_mark(body);
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return Wishes{};
  if (std::string problem = unread_body(head); !problem.empty()) return std::unexpected(problem);
  simdjson::dom::parser parser;
  Element document;
  if (const auto error = parser.parse(body.data(), body.size()).get(document)) {
    return std::unexpected(not_json(error));
  }
  simdjson::dom::object members;
  if (document.get(members) != simdjson::SUCCESS) {
    return std::unexpected(
        fmt::format("the body is {}, not a JSON object; {}", kind_of(document), kRightBody));
  }
  Wishes wishes;
  if (std::string problem = read_members(members, scope, wishes); !problem.empty()) {
    return std::unexpected(problem);
  }
  return wishes;
}

std::expected<Wishes, std::string> cursor_of_body(const http::RequestHead& head,
                                                  std::string_view body, const Scope& scope) {
  Wishes wishes;
  if (!scope.parameters.has(Parameter::cursor)) return wishes;
  Scope cursor{.strict = false, .parameters = {}};
  cursor.parameters.add(Parameter::cursor);
  body = without_byte_order_mark(body);
  if (body.empty() || !unread_body(head).empty()) return wishes;
  simdjson::dom::parser parser;
  simdjson::dom::object members;
  if (parser.parse(body.data(), body.size()).get(members) != simdjson::SUCCESS) return wishes;
  if (std::string problem = read_members(members, cursor, wishes); !problem.empty()) {
    return std::unexpected(problem);
  }
  return wishes;
}

}  // namespace fanfare::sse
