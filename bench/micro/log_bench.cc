// The log: encoding, publishing, applying, handing out, reading back.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "bench/micro/counters.h"
#include "bench/micro/log.h"
#include "broker/fanout/encoder.h"

#include "common/random.h"

namespace fanfare::bench {
namespace {

void encode(benchmark::State& state) {
  const fanout::Encoder encoder(some_epoch());
  const std::string data(static_cast<std::size_t>(state.range(0)), 'x');
  std::string frame;
  fanout::Sequence sequence = 1'000'000;
  for (auto _ : state) {
    const fanout::Event event{.type = {}, .data = data, .retry_ms = {}};
    const auto shape = encoder.measure(event, ++sequence);
    frame.resize(shape.frame_size);
    encoder.encode(shape, event, sequence, frame);
    benchmark::DoNotOptimize(frame.data());
  }
  count(state, 1, data.size());
}
BENCHMARK(encode)->ArgName("bytes")->Arg(64)->Arg(200)->Arg(4096);

// One event each into many channels, sealed every 64: the lead shard's share of an ingest turn.
void publish(benchmark::State& state) {
  const auto channels = static_cast<std::size_t>(state.range(0));
  Log log(channels);
  std::size_t next = 0;
  for (auto _ : state) {
    log.publish(next % channels);
    if (++next % 64 == 0) benchmark::DoNotOptimize(log.seal());
  }
  count(state, 1, log.event_bytes());
}
BENCHMARK(publish)->ArgName("channels")->Arg(1)->Arg(1000);

// The same as a broker does it that has been up for a while: into any of the channels, whose
// histories are full, and with the lead shard's own replica.
void publish_and_apply(benchmark::State& state) {
  const auto channels = static_cast<std::size_t>(state.range(0));
  Log log(channels);
  Random random(1);
  const auto turn = [&] {
    std::array<std::size_t, 16> at_once{};
    for (std::size_t i = 0; i < 64; i += at_once.size()) {
      for (std::size_t& channel : at_once) channel = random.below(channels);
      log.publish_to_each(at_once);
    }
    log.seal_and_apply();
  };
  for (int i = 0; i < 30'000; ++i) turn();
  for (auto _ : state) turn();
  count(state, 64, 64 * log.event_bytes());
}
BENCHMARK(publish_and_apply)->ArgName("channels")->Arg(1)->Arg(1000);

// A batch of 64 events of one channel, as a follower shard takes it; nobody subscribes.
void apply(benchmark::State& state) {
  Log log;
  for (auto _ : state) {
    state.PauseTiming();
    log.publish(0, 64);
    const fanout::BatchPtr batch = log.seal();
    state.ResumeTiming();
    log.replica().apply(*batch);
  }
  count(state, 64, 64 * log.event_bytes());
}
BENCHMARK(apply);

// From the applied event to the last slice of its round, sends left out: events are deliveries.
void rounds(benchmark::State& state) {
  const auto members = static_cast<std::uint32_t>(state.range(0));
  Log log;
  log.join(0, 0, members);
  for (auto _ : state) {
    log.publish(0);
    log.seal_and_apply();
    while (const auto round = log.replica().next_round(256)) {
      for (const fanout::Member member : round->members) benchmark::DoNotOptimize(member);
    }
  }
  count(state, members, members * log.event_bytes());
}
BENCHMARK(rounds)->ArgName("members")->Arg(1)->Arg(1000)->Arg(10'000);

// What a resuming subscriber costs: 100 events read back in one go.
void backlog_read(benchmark::State& state) {
  constexpr std::size_t kMissed = 100;
  Log log;
  fanout::Feed* const feed = log.join(0, 0, 1);
  log.publish(0, 1000);
  log.seal_and_apply();
  while (log.replica().next_round(256)) continue;
  const fanout::Sequence at = log.replica().head() - kMissed;
  for (auto _ : state) {
    benchmark::DoNotOptimize(log.replica().read(feed, at, 64U << 10U));
  }
  count(state, kMissed, kMissed * log.event_bytes());
}
BENCHMARK(backlog_read);

// The same, merged from ten channels.
void backlog_read_merged(benchmark::State& state) {
  constexpr std::size_t kChannels = 10, kMissed = 100;
  Log log(kChannels);
  std::array<std::string_view, kChannels> topics;
  for (std::size_t i = 0; i < kChannels; ++i) topics[i] = log.name(i);
  fanout::Feed* const feed = log.replica().open(topics, fanout::Framing::chunked);
  for (std::size_t i = 0; i < 1000; ++i) log.publish(i % kChannels);
  log.seal_and_apply();
  const fanout::Sequence at = log.replica().head() - kMissed;
  for (auto _ : state) {
    benchmark::DoNotOptimize(log.replica().read(feed, at, 64U << 10U));
  }
  log.replica().release(feed);
  count(state, kMissed, kMissed * log.event_bytes());
}
BENCHMARK(backlog_read_merged);

}  // namespace
}  // namespace fanfare::bench
