// What it costs to find the route of a request, with a hundred of them.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "broker/server/base/route_table.h"

namespace fanfare::bench {
namespace {

constexpr int kRoutes = 100;

std::vector<server::RouteRule> rules(std::string_view tail) {
  std::vector<server::RouteRule> all;
  for (int i = 0; i < kRoutes; ++i) {
    all.emplace_back().path = fmt::format("/applications/app-{}{}", i, tail);
  }
  return all;
}

// A path after the other: a page's path is rarely the one before it.
void find(benchmark::State& state, const std::vector<server::RouteRule>& all,
          std::string_view asked, bool found) {
  const server::RouteTable table(all);
  std::vector<std::string> paths;
  for (int i = 0; i < kRoutes; ++i) {
    paths.push_back(fmt::format("/applications/app-{}{}", i * 37 % kRoutes, asked));
  }
  std::size_t next = 0;
  bool right = true;
  for (auto _ : state) {
    const auto result = table.find(paths[next]);
    right &= (result.path != nullptr) == found;
    benchmark::DoNotOptimize(result.values[0].data());
    next = next + 1 == paths.size() ? 0 : next + 1;
  }
  if (!right) state.SkipWithError("it led elsewhere");
}

void route_fixed(benchmark::State& state) {
  find(state, rules("/prices"), "/prices", true);
}
BENCHMARK(route_fixed);

void route_template(benchmark::State& state) {
  find(state, rules("/chat/{room}"), "/chat/7-of-9", true);
}
BENCHMARK(route_template);

// Under one node a hundred texts, and a variable that most requests are for.
void route_variable_before_text(benchmark::State& state) {
  std::vector<server::RouteRule> all;
  for (int i = 0; i < kRoutes; ++i)
    all.emplace_back().path = fmt::format("/{{a}}/{{b}}/x{}/{{c}}", i);
  all.emplace_back().path = "/{a}/{b}/{c}/{d}";
  find(state, all, "/chat/7-of-9", true);
}
BENCHMARK(route_variable_before_text);

void route_none(benchmark::State& state) {
  find(state, rules("/chat/{room}"), "/chats/7-of-9", false);
}
BENCHMARK(route_none);

}  // namespace
}  // namespace fanfare::bench
