// From the text of a configuration to the value of a key, or to what is wrong with it; and back.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "broker/config/document.h"
#include "broker/config/keys.h"

namespace fanfare::config {

// Two halves of a sentence: "is a bare number", "write a duration with its unit, like \"15s\"".
struct Wrong {
  std::string what;
  std::string remedy;
};

// As broker.toml writes it.
std::expected<Value, Wrong> value_of(const Facts& key, const Node& node);

// As --set writes it: bare where TOML wants quotes, lists with commas or in brackets.
std::expected<Value, Wrong> value_of(const Facts& key, std::string_view text);

// As broker.toml would write it.
std::string spelled(const Facts& key, const Value& value);

// "a duration, 100ms to 1h": what is allowed, for people.
std::string described(const Facts& key);

}  // namespace fanfare::config
