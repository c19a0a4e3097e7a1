// Parameters: what a query or a body can say about the stream it wants, by the names it is said
// with, and which of them a path leaves to its clients.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "broker/wire/sse/format.h"

namespace fanfare::sse {

enum class Parameter : std::uint8_t {
  other,  // the page's own
  topic,
  cursor,
  replay,
  since,
  each,
  poll,
  wait,
  heartbeat,
  format,
  announce_position,
  with,
  heartbeat_event,
  max_rate,
};

// The parameter of this name. The error is the name that was meant: it is one of ours but for case,
// '-' and '_'. (The cursor has no wrong spelling: every library has one of its own.)
std::expected<Parameter, std::string_view> parameter_of(std::string_view name);

// By the name that the documentation has: "channel", "last_event_id", … Nothing: there is none.
std::optional<Parameter> parameter_named(std::string_view name);
// All of those names: "channel, last_event_id, …".
std::string parameter_names();

class ParameterSet {
 public:
  static constexpr ParameterSet all() {
    ParameterSet set;
    set.bits_ = ~std::uint32_t{0};
    return set;
  }
  constexpr void add(Parameter parameter) { bits_ |= bit(parameter); }
  constexpr bool has(Parameter parameter) const { return (bits_ & bit(parameter)) != 0; }

 private:
  static constexpr std::uint32_t bit(Parameter parameter) {
    return std::uint32_t{1} << static_cast<unsigned>(parameter);
  }
  std::uint32_t bits_ = 0;
};

// Whose the body of a request is: `request`, whose channels it may name, or `page`, which POSTs to
// a path that has its own channels what its application expects there (cursor_of_body).
enum class BodyOf : std::uint8_t { request, page };

// What of a request is the broker's to read; all else is the page's own.
struct Scope {
  BodyOf body = BodyOf::request;
  // Whether a name that is nearly a parameter's is refused: nobody else is there who may want it.
  bool strict = true;
  ParameterSet parameters = ParameterSet::all();
  Format format = Format::event_stream;  // where neither a parameter nor Accept says one
};

}  // namespace fanfare::sse
