#include "broker/server/requests/bearer.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/letters.h"

namespace fanfare::server {
namespace {

constexpr std::string_view kBlanks = " \t";

}  // namespace

std::optional<std::string_view> bearer_of(std::string_view field) {
  constexpr std::string_view kScheme = "bearer";
  if (!same_ignoring_case(field.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  std::string_view rest = field.substr(kScheme.size());
  if (!rest.empty() && kBlanks.find(rest.front()) == std::string_view::npos) return std::nullopt;
  rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(kBlanks)));
  return rest;
}

std::optional<std::string_view> bearer_token(const http::RequestHead& head) {
  std::optional<std::string_view> found;
  for (const http::Field* f = head.find("authorization"); f != nullptr;
       f = head.find("authorization", f)) {
    const auto token = bearer_of(f->value);
    if (!token) continue;
    if (found && *found != *token) return std::string_view();
    found = token;
  }
  return found;
}

std::string bearer_challenge(std::string_view error, std::string_view description) {
  std::string text = R"(Bearer realm="fanfare")";
  if (!error.empty()) text += fmt::format(", error=\"{}\"", error);
  if (!description.empty()) text += fmt::format(", error_description=\"{}\"", description);
  return text;
}

}  // namespace fanfare::server
