// pump-cost: publishes, seals, applies and delivers events to subscribers of a Delivery over a ring
// without a kernel, a number of times that the caller chooses; bench/pump/cost counts the
// instructions of that under callgrind, twice, and takes the difference.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/micro/log.h"
#include "bench/null_ring.h"
#include "broker/server/sockets/connection.h"
#include "broker/server/streams/delivery.h"
#include "broker/server/streams/outlets.h"
#include "broker/server/streams/subscriber.h"

namespace fanfare::bench {
namespace {

class Pump {
 public:
  Pump(std::uint32_t channels, std::uint32_t members)
      : log_(channels),
        ring_(channels * members),
        connections_(channels * members),
        subscribers_(channels * members),
        delivery_({.subscribers = subscribers_,
                   .outlets = outlets_,
                   .replica = log_.replica(),
                   .counters = counters_,
                   .latency = latency_,
                   .settings = settings_,
                   .random = random_,
                   .heartbeats = heartbeats_}) {
    for (std::uint32_t channel = 0; channel < channels; ++channel) {
      for (std::uint32_t i = 0; i < members; ++i) subscribe(channel);
    }
    drain();
  }
  ~Pump() {
    for (server::Member member = 0; member < subscribers_.high_water(); ++member) {
      delivery_.close(member, server::Ending::come_back);
    }
  }
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  // `events` on each channel in one turn, and everybody served.
  void round(std::uint32_t channels, std::uint32_t events) {
    for (std::uint32_t channel = 0; channel < channels; ++channel) log_.publish(channel, events);
    log_.seal_and_apply();
    delivery_.applied();
    drain();
  }
  std::uint64_t deliveries() const { return counters_.deliveries_total; }

 private:
  void subscribe(std::uint32_t channel) {
    const std::string_view topic = log_.name(channel);
    const fanout::Feed* const feed =
        log_.replica().open(std::span<const std::string_view>(&topic, 1), fanout::Framing::chunked);
    delivery_.open({.feed = log_.replica().number(feed),
                    .cursor = log_.replica().target(feed),
                    .opening = "HTTP/1.1 200 OK\r\n\r\n"},
                   server::Outlet::socket(connections_.allocate()), false, 0);
  }
  void drain() {
    while (delivery_.work_waiting()) delivery_.pump(1, completions_, ends_);
  }

  Log log_;
  NullRing ring_;
  server::LoopTime loop_{ring_};
  server::ConnectionTable connections_;
  server::Subscribers subscribers_;
  server::Outlets outlets_{ring_, connections_, subscribers_, loop_};
  server::Settings settings_{std::make_shared<const server::Options>()};
  server::Counters counters_;
  server::LatencyHistogram latency_;
  Random random_{1};
  server::Heartbeats heartbeats_;
  server::Delivery delivery_;
  std::vector<io::Completion> completions_;
  std::vector<server::StreamEnd> ends_;
};

}  // namespace
}  // namespace fanfare::bench

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: pump-cost CHANNELS SUBSCRIBERS_EACH EVENTS_A_TURN TURNS\n");
    return 2;
  }
  const auto number = [&](int i) { return static_cast<std::uint32_t>(std::atoi(argv[i])); };
  fanfare::bench::Pump pump(number(1), number(2));
  for (std::uint32_t turn = 0; turn < number(4); ++turn) pump.round(number(1), number(3));
  std::printf("%llu\n", static_cast<unsigned long long>(pump.deliveries()));
  return 0;
}
