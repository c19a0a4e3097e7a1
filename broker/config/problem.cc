#include "broker/config/problem.h"

#include <fmt/format.h>

#include <algorithm>

namespace fanfare::config {

std::string Problem::text() const {
  std::string text = source;
  if (where.line != 0) text += fmt::format(":{}:{}", where.line, where.column);
  text += ": ";
  text += what;
  if (!remedy.empty()) {
    text += "; ";
    text += remedy;
  }
  return text;
}

void Report::add(const Origin& origin, std::string what, std::string remedy) {
  problems_.push_back({.source = origin.source,
                       .where = origin.where,
                       .what = std::move(what),
                       .remedy = std::move(remedy)});
}

void Report::note(std::string key, Origin origin) {
  origins_.insert_or_assign(std::move(key), std::move(origin));
}

void Report::add_at(std::string_view key, std::string what, std::string remedy,
                    std::string_view other) {
  auto found = origins_.find(key);
  if (found == origins_.end()) found = origins_.find(other);
  const Origin nowhere{.source = "configuration", .where = {}};
  add(found == origins_.end() ? nowhere : found->second, std::move(what), std::move(remedy));
}

std::vector<Problem> Report::take() {
  std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
    const bool a_placed = a.where.line != 0;
    const bool b_placed = b.where.line != 0;
    return a_placed != b_placed ? a_placed : a.where < b.where;
  });
  return std::exchange(problems_, {});
}

}  // namespace fanfare::config
