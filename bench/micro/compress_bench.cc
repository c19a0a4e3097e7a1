// Compressing event streams once for all subscribers of a feed: how many bytes it saves, what it
// costs, and what it saves and costs beside the sends. `ratio` is bytes on the wire without it to
// bytes with it, the chunks' sizes included.
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "bench/micro/codecs.h"
#include "bench/micro/dashboards.h"
#include "bench/micro/log.h"
#include "broker/fanout/encoder.h"

#include "common/check.h"
#include "common/hex.h"

namespace fanfare::bench {
namespace {

// Enough that a window of 32 KiB is long full.
constexpr std::size_t kEvents = 4'096;

struct Encoded {
  std::string frame;  // as an HTTP/1.1 chunk
  std::string text;   // what is in it
};

template <class Source>
const std::vector<Encoded>& events_of() {
  static const std::vector<Encoded> events = [] {
    const fanout::Encoder encoder(some_epoch());
    Source source;
    std::vector<Encoded> made;
    made.reserve(kEvents);
    for (std::size_t i = 0; i < kEvents; ++i) {
      const std::string data = source.next();
      const fanout::Event event{.type = {}, .data = data, .retry_ms = {}};
      const fanout::Sequence sequence = 1'000'000 + i;
      const auto shape = encoder.measure(event, sequence);
      std::string frame(shape.frame_size, '\0');
      encoder.encode(shape, event, sequence, frame);
      const std::size_t head = hex_size(shape.text_size) + 2;
      made.push_back({frame, frame.substr(head, shape.text_size)});
    }
    return made;
  }();
  return events;
}

std::size_t chunk_size(std::size_t bytes) {
  return hex_size(bytes) + 4 + bytes;
}

// level, events in one span (so many came since the last), restart every so many spans (0: never)
template <class Codec, class Source>
void compress(benchmark::State& state) {
  const auto& events = events_of<Source>();
  const auto each = static_cast<std::size_t>(state.range(1));
  const auto restart = static_cast<std::size_t>(state.range(2));
  Codec codec(static_cast<int>(state.range(0)));
  std::size_t before = 0;
  std::size_t after = 0;
  std::size_t spans = 0;
  std::size_t next = 0;
  std::string text;
  for (auto _ : state) {
    text.clear();
    for (std::size_t i = 0; i < each; ++i) {
      const Encoded& event = events[next++ % kEvents];
      text += event.text;
      before += event.frame.size();
    }
    if (restart != 0 && spans++ % restart == 0) codec.restart();
    after += chunk_size(codec.compress(text).size());
  }
  const auto count = static_cast<double>(state.iterations() * each);
  state.counters["ratio"] = static_cast<double>(before) / static_cast<double>(after);
  state.counters["bytes"] = static_cast<double>(after) / count;
  state.counters["cpu_event"] =
      benchmark::Counter(count, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void cases(benchmark::internal::Benchmark* bench, const std::vector<std::int64_t>& levels,
           const std::vector<std::int64_t>& restarts) {
  bench->ArgNames({"level", "events", "restart"})->ArgsProduct({levels, {1}, restarts});
  bench->ArgsProduct({levels, {32}, {restarts.back()}})->Iterations(4'000);
}
void gzip_cases(benchmark::internal::Benchmark* bench) {
  cases(bench, {1, 3, 6, 9}, {1, 16, 64, 0});
}
BENCHMARK(compress<Deflate, Machine>)->Apply(gzip_cases);
BENCHMARK(compress<Deflate, Fragment>)->Apply(gzip_cases);
BENCHMARK(compress<Deflate, Delta>)->Apply(gzip_cases);
void small_cases(benchmark::internal::Benchmark* bench) {
  cases(bench, {6}, {1, 16, 32, 64, 0});
}
BENCHMARK(compress<SmallDeflate, Machine>)->Apply(small_cases);
BENCHMARK(compress<SmallDeflate, Fragment>)->Apply(small_cases);
BENCHMARK(compress<SmallDeflate, Delta>)->Apply(small_cases);
#ifdef FANFARE_BENCH_ZSTD
void zstd_cases(benchmark::internal::Benchmark* bench) {
  cases(bench, {1, 3, 6}, {1, 16, 64, 0});
}
BENCHMARK(compress<Zstd, Machine>)->Apply(zstd_cases);
BENCHMARK(compress<Zstd, Fragment>)->Apply(zstd_cases);
BENCHMARK(compress<Zstd, Delta>)->Apply(zstd_cases);
#endif
#ifdef FANFARE_BENCH_BROTLI
void brotli_cases(benchmark::internal::Benchmark* bench) {
  cases(bench, {1, 4, 5}, {0});
}
BENCHMARK(compress<Brotli, Machine>)->Apply(brotli_cases);
BENCHMARK(compress<Brotli, Fragment>)->Apply(brotli_cases);
BENCHMARK(compress<Brotli, Delta>)->Apply(brotli_cases);
#endif

// TCP connections on loopback, and their other ends.
class Sockets {
 public:
  explicit Sockets(std::size_t count) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(bind(listener, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
              listen(listener, 128) == 0 &&
              getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0,
          "loopback has a port");
    for (std::size_t i = 0; i < count; ++i) {
      const int near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      CHECK(connect(near, reinterpret_cast<const sockaddr*>(&address), size) == 0, "it connects");
      const int on = 1;
      setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      near_.push_back(near);
      far_.push_back(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    }
    close(listener);
  }
  ~Sockets() {
    for (const int end : near_) close(end);
    for (const int end : far_) close(end);
  }
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  void send_to_each(std::string_view bytes) const {
    for (const int end : near_) {
      CHECK(send(end, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
            "what was sent before has been read");
    }
  }
  void read() const {
    std::array<char, 1U << 16U> bytes{};
    for (const int end : far_) static_cast<void>(recv(end, bytes.data(), bytes.size(), 0));
  }

 private:
  std::vector<int> near_;
  std::vector<int> far_;
};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// One event, or 32 at once, to so many subscribers: the sender's CPU, with level 0 as they are.
template <class Source>
void send(benchmark::State& state) {
  const auto& events = events_of<Source>();
  const auto level = static_cast<int>(state.range(0));
  const auto each = static_cast<std::size_t>(state.range(1));
  const Sockets sockets(static_cast<std::size_t>(state.range(2)));
  SmallDeflate codec(std::max(1, level));
  std::size_t next = 0;
  std::size_t spans = 0;
  std::string plain;
  std::string text;
  for (auto _ : state) {
    plain.clear();
    text.clear();
    for (std::size_t i = 0; i < each; ++i) {
      const Encoded& event = events[next++ % kEvents];
      plain += event.frame;
      text += event.text;
    }
    const double begin = cpu_seconds();
    if (level == 0) {
      sockets.send_to_each(plain);
    } else {
      if (spans++ % 32 == 0) codec.restart();
      sockets.send_to_each(codec.compress(text));
    }
    state.SetIterationTime(cpu_seconds() - begin);
    sockets.read();
  }
}
void send_cases(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"level", "events", "subscribers"})
      ->ArgsProduct({{0, 1, 3, 6}, {1}, {1, 10, 100, 1000}})
      ->ArgsProduct({{0, 1, 3, 6}, {32}, {100}})
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}
BENCHMARK(send<Machine>)->Apply(send_cases);
BENCHMARK(send<Fragment>)->Apply(send_cases);
BENCHMARK(send<Delta>)->Apply(send_cases);

}  // namespace
}  // namespace fanfare::bench
