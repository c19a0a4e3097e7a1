// Channels that keep the latest event of each key, against their three goals: what conflating
// laggards costs, what newcomers at the same time share, and what a key takes. What is compared
// runs in turns, in one benchmark; the label says the goal.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "bench/micro/log.h"

#include "common/check.h"
#include "common/random.h"

namespace fanfare::bench {
namespace {

constexpr std::size_t kReadBytes = 64U << 10U;  // as Delivery reads for those that are behind
constexpr std::string_view kChannel = "metrics";

// CPU time of this thread.
double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::size_t heap_bytes() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

// A TCP connection over loopback whose other end throws away what it gets, on a thread of its own.
class Sink {
 public:
  Sink() {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    CHECK(bind(listener, name, size) == 0 && listen(listener, 1) == 0, "there is a port");
    getsockname(listener, name, &size);
    to_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(to_, name, size) == 0, "loopback connects");
    from_ = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    close(listener);
    reader_ = std::thread([this] {
      while (recv(from_, nullptr, 1U << 20U, MSG_TRUNC) > 0) continue;
    });
  }
  ~Sink() {
    shutdown(to_, SHUT_WR);
    reader_.join();
    close(to_);
    close(from_);
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void take(const fanout::Span& span) const {
    CHECK(send(to_, span.data, span.size, MSG_NOSIGNAL) == static_cast<ssize_t>(span.size),
          "a blocking send takes all");
  }

 private:
  int to_ = -1, from_ = -1;
  std::thread reader_;
};

// One channel with 200 bytes an event, on the lead and on one shard.
class ChannelLog {
 public:
  ChannelLog(std::uint32_t keys, std::uint32_t history, bool keyed,
             fanout::Framing framing = fanout::Framing::chunked)
      : keys_(keys), keyed_(keyed) {
    limits_.total_bytes = 8ULL << 30U;
    const fanout::HistoryLimits history_limits{.events = history,
                                               .bytes = 1U << 30U,
                                               .age = Duration(0),
                                               .keep_latest = keyed,
                                               .keys_max = 2'000'000,
                                               .keys_bytes = 1U << 30U};
    sequencer_ = std::make_unique<fanout::Sequencer>(fanout::SequencerOptions{
        .epoch = some_epoch(),
        .history = [history_limits](std::string_view) { return history_limits; },
        .limits = &limits_});
    const auto rules = [](const fanout::Topics&) { return fanout::CrowdRules{.conflate = true}; };
    replica_ = std::make_unique<fanout::Replica>(
        fanout::ReplicaOptions{.epoch = some_epoch(), .members_max = 1, .rules = {.of = rules}});
    feed_ = replica_->open(std::span(&kChannel, 1), framing);
  }
  ~ChannelLog() {
    if (replica_) replica_->release(feed_);
  }
  ChannelLog(const ChannelLog&) = delete;
  ChannelLog& operator=(const ChannelLog&) = delete;

  // Each key once, in order.
  void set_all() {
    for (std::uint32_t key = 0; key < keys_; ++key) publish(key);
    seal();
  }
  // Such as they come.
  void update(std::size_t events) {
    for (; events > 0; --events) publish(static_cast<std::uint32_t>(random_.below(keys_)));
    seal();
  }
  // Takes up to the head what `read` gives; returns the events.
  template <class Take>
  std::uint64_t read_on(fanout::Cursor cursor, fanout::Newest newest, const Take& take) {
    std::uint64_t events = 0;
    for (bool more = true; more;) {
      const fanout::Read read = replica_->read(feed_, cursor, kReadBytes, newest);
      cursor = read.gap ? read.gap->cursor : read.cursor;
      events += read.span.events;
      if (read.span.size > 0) take(read.span);
      more = !read.caught_up;
    }
    return events;
  }
  std::uint64_t newcomer() {
    const auto start = replica_->snapshot(feed_);
    return read_on(start->cursor, start->newest,
                   [](const fanout::Span& span) { benchmark::DoNotOptimize(span.data); });
  }
  // What was put together for others is forgotten.
  void forget_snapshots() { replica_->advance(now_ = now_ + 10s); }

  fanout::Sequencer& sequencer() { return *sequencer_; }
  fanout::Sequence head() const { return replica_->head(); }
  void drop_replica() {
    replica_->release(feed_);
    replica_.reset();
  }

 private:
  void publish(std::uint32_t key) {
    const std::string name = keyed_ ? fmt::format("machine/{}", key) : std::string();
    const fanout::Event event{.type = {}, .data = data_, .retry_ms = {}, .key = name};
    CHECK(sequencer_->publish(kChannel, event, {}, now_).has_value(), "there is room");
    if (++unsealed_ == 64) seal();
  }
  void seal() {
    unsealed_ = 0;
    if (const fanout::BatchPtr batch = sequencer_->seal(now_)) replica_->apply(*batch);
    while (replica_->next_round(256)) continue;
  }

  const std::uint32_t keys_;
  const bool keyed_;
  fanout::LogLimits limits_;
  std::unique_ptr<fanout::Sequencer> sequencer_;
  std::unique_ptr<fanout::Replica> replica_;
  fanout::Feed* feed_ = nullptr;
  Random random_{1};
  std::string data_ = std::string(200, 'x');
  std::size_t unsealed_ = 0;
  TimePoint now_{1'000'000'000};
};

// A laggard of a channel with 1,000 keys under 10,000 updates a second has missed up to a second;
// somebody who resumes on a channel without keys is sent as many events, each one there is. In the
// log alone, where the latter costs next to nothing since events are sent as they lie; and with
// the sends, as a broker's CPU has it.
void conflate_laggards(benchmark::State& state) {
  constexpr std::size_t kLaggards = 10'000, kMissed = 10'000;
  const bool sends = state.range(0) != 0;
  const auto framing =
      state.range(1) != 0 ? fanout::Framing::keyed_chunked : fanout::Framing::chunked;
  ChannelLog keyed(1'000, 1'000, true, framing);
  ChannelLog plain(1'000, 1'000, false);
  keyed.set_all();
  keyed.update(20'000);
  plain.update(20'000);
  const Sink sink;
  const auto take = [&](const fanout::Span& span) {
    if (sends) sink.take(span);
    benchmark::DoNotOptimize(span.data);
  };
  std::array<double, 2> ns{};
  std::array<std::uint64_t, 2> events{};
  for (auto _ : state) {
    for (std::size_t i = 0; i < kLaggards; ++i) {
      const std::size_t missed = 1 + i * 7'919 % kMissed;
      const double begin = cpu_ns();
      const std::uint64_t conflated = keyed.read_on({keyed.head() - missed}, {}, take);
      const double middle = cpu_ns();
      const std::uint64_t resumed = plain.read_on({plain.head() - conflated}, {}, take);
      ns[0] += middle - begin;
      ns[1] += cpu_ns() - middle;
      events[0] += conflated;
      events[1] += resumed;
    }
  }
  CHECK(events[0] == events[1], "as many events");
  state.counters["conflated_ns"] = ns[0] / static_cast<double>(events[0]);
  state.counters["resumed_ns"] = ns[1] / static_cast<double>(events[1]);
  state.counters["ratio"] = ns[0] / ns[1];
  state.SetLabel("ratio per event: goal <= 2");
}
BENCHMARK(conflate_laggards)
    ->ArgNames({"sends", "with_key"})
    ->Args({0, 0})
    ->Args({1, 0})
    ->Args({1, 1})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// 1,000 newcomers to 10,000 keys at once; and the same, each of whom has everything put together
// for itself. Without the sends, which are the same for both.
void snapshot_newcomers(benchmark::State& state) {
  constexpr std::size_t kNewcomers = 1'000;
  constexpr std::uint32_t kKeys = 10'000;
  ChannelLog log(kKeys, 1'000, true);
  log.set_all();
  log.update(5'000);
  std::array<double, 2> ns{};
  for (auto _ : state) {
    for (const bool shared : {true, false}) {
      log.forget_snapshots();
      const double begin = cpu_ns();
      for (std::size_t i = 0; i < kNewcomers; ++i) {
        if (!shared) log.forget_snapshots();
        CHECK(log.newcomer() == kKeys, "each key once");
      }
      ns[shared ? 0 : 1] += cpu_ns() - begin;
    }
  }
  const double newcomers = static_cast<double>(kNewcomers * state.iterations());
  state.counters["shared_us"] = ns[0] / newcomers / 1e3;
  state.counters["each_us"] = ns[1] / newcomers / 1e3;
  state.counters["ratio"] = ns[0] / ns[1];
  state.SetLabel("ratio: goal <= 0.2");
}
BENCHMARK(snapshot_newcomers)->Iterations(3)->Unit(benchmark::kMillisecond);

// The heap for each of a million keys, at the writing end and on one shard. Events lie in an arena,
// not on the heap: `page_bytes` is what their pages take beyond their frames, an entry of 12 bytes
// among it, as every event in a window has one.
void memory_per_key(benchmark::State& state) {
  const auto keys = static_cast<std::uint32_t>(state.range(0));
  const auto each = [keys](std::size_t bytes) { return static_cast<double>(bytes) / keys; };
  const bool churned = state.range(1) != 0;
  for (auto _ : state) {
    const std::size_t before = heap_bytes();
    ChannelLog log(keys, 1'000, true);
    log.set_all();
    if (churned) log.update(keys);
    const std::size_t all = heap_bytes() - before;
    log.drop_replica();
    const std::size_t lead = heap_bytes() - before;
    const fanout::Log& written = log.sequencer().log();
    state.counters["lead_bytes"] = each(lead);
    state.counters["shard_bytes"] = each(all - lead);
    state.counters["heap_bytes"] = each(all);
    state.counters["page_bytes"] = each(written.keys().kept_bytes - written.keys().value_bytes);
  }
  state.SetLabel("heap_bytes: goal <= 64");
}
BENCHMARK(memory_per_key)
    ->ArgNames({"keys", "churned"})
    ->Args({1'000'000, 0})
    ->Args({1'000'000, 1})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fanfare::bench
