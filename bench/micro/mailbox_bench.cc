// The mailbox: what one message from shard to shard costs when nobody sleeps.
#include <benchmark/benchmark.h>

#include <memory>

#include "bench/micro/counters.h"
#include "bench/null_ring.h"
#include "broker/io/mailbox.h"

namespace fanfare::bench {
namespace {

// Posts `range(0)` messages, then takes them all.
void mailbox(benchmark::State& state) {
  NullRing ring(1);
  io::Mailbox<std::shared_ptr<const int>> mailbox(ring);
  const auto message = std::make_shared<const int>(7);
  const auto burst = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    for (std::size_t i = 0; i < burst; ++i) mailbox.post(message);
    mailbox.take([](auto&& taken) { benchmark::DoNotOptimize(taken.get()); });
  }
  count(state, burst, burst * sizeof(message));
}
BENCHMARK(mailbox)->ArgName("burst")->Arg(1)->Arg(64);

}  // namespace
}  // namespace fanfare::bench
