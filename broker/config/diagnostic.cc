#include "broker/config/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>

namespace fanfare::config {

std::string Diagnostic::text() const {
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

std::vector<Diagnostic> Report::take() {
  std::vector<std::size_t> order(problems_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
    const auto place = [this](std::size_t i) {
      return std::tuple(problems_[i].where.line == 0, problems_[i].where, i);
    };
    return place(a) < place(b);
  });
  std::vector<Diagnostic> sorted;
  sorted.reserve(order.size());
  for (const std::size_t i : order) sorted.push_back(std::move(problems_[i]));
  problems_.clear();
  return sorted;
}

}  // namespace fanfare::config
