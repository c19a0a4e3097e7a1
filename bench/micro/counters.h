// The two counters of every micro-benchmark: events/s and bytes/s.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>

namespace fanfare::bench {

inline void count(benchmark::State& state, std::size_t events_each, std::size_t bytes_each) {
  const auto iterations = static_cast<double>(state.iterations());
  state.counters["events"] = benchmark::Counter(iterations * static_cast<double>(events_each),
                                                benchmark::Counter::kIsRate);
  state.counters["bytes"] =
      benchmark::Counter(iterations * static_cast<double>(bytes_each), benchmark::Counter::kIsRate,
                         benchmark::Counter::kIs1024);
}

}  // namespace fanfare::bench
