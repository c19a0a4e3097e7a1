#include "broker/wire/http/query.h"

#include <algorithm>

#include "broker/wire/http/characters.h"

#include "common/hex.h"

namespace fanfare::http {

Query::Query(std::string_view text) {
  // Decoding never makes a text longer, so that this much is enough for all of it.
  if (text.find_first_of("%+") != std::string_view::npos) decoded_.reserve(text.size());
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    parameters_.push_back({.key = decode(pair.substr(0, equals)), .value = decode(value)});
  }
}

std::string_view Query::decode(std::string_view text) {
  if (text.find_first_of("%+") == std::string_view::npos) return text;
  const std::size_t start = decoded_.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+') {
      c = ' ';
    } else if (c == '%' && text.size() - i > 2) {
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high >= 0 && low >= 0) {
        c = static_cast<char>(high * 16 + low);
        i += 2;
      }
    }
    decoded_.push_back(c);
  }
  return {decoded_.data() + start, decoded_.size() - start};
}

std::optional<std::string_view> Query::last_of(std::initializer_list<std::string_view> keys) const {
  for (auto parameter = parameters_.rbegin(); parameter != parameters_.rend(); ++parameter) {
    if (std::find(keys.begin(), keys.end(), parameter->key) != keys.end()) return parameter->value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Query::all(std::string_view key) const {
  std::vector<std::string_view> values;
  for (const Parameter& parameter : parameters_) {
    if (parameter.key == key) values.push_back(parameter.value);
  }
  return values;
}

std::string query_without(std::string_view query, std::initializer_list<std::string_view> names) {
  std::string left;
  left.reserve(query.size());
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const Query parameter(pair);
    const bool secret = parameter.begin() != parameter.end() &&
                        std::ranges::any_of(names, [&](std::string_view name) {
                          return !name.empty() && parameter.begin()->key == name;
                        });
    if (secret) continue;
    if (!left.empty()) left += '&';
    left += pair;
  }
  return left;
}

}  // namespace fanfare::http
