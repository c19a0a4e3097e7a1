// What a TLS handshake costs the server: connections that shake hands, say nothing else and end,
// one after the other, for `openssl s_server` takes no other.
#include <poll.h>

#include <stdexcept>
#include <vector>

#include "bench/load/figures.h"
#include "bench/load/link.h"
#include "bench/load/modes.h"
#include "bench/load/server_cost.h"

namespace fanfare::load {
namespace {

constexpr std::uint64_t kWarmUp = 200;
// Ports of one address: the client closes first, so that each stays in TIME_WAIT.
constexpr std::uint32_t kPerAddress = 20'000;
constexpr int kPatienceMs = 10'000;

void await_bytes(const Link& link) {
  pollfd wait{.fd = link.descriptor(), .events = POLLIN, .revents = 0};
  if (::poll(&wait, 1, kPatienceMs) <= 0) throw std::runtime_error("the server says nothing");
}

class Hands {
 public:
  explicit Hands(const Target& target) : target_(target), tls_(target), buffer_(64U << 10U) {}

  void shake() {
    Link link;
    const auto source = static_cast<std::uint32_t>(2 + count_++ / kPerAddress);
    if (!link.dial(target_, source, &tls_)) throw std::runtime_error("cannot connect");
    while (!link.open()) {
      await_bytes(link);
      if (link.read(buffer_) == 0) throw std::runtime_error("a handshake has failed");
    }
    resumed_ += link.resumed() ? 1 : 0;
    link.end();
    // To the end, tickets included.
    for (ssize_t got = -1; got != 0;) {
      if (!link.holds_more()) await_bytes(link);
      got = link.read(buffer_);
    }
  }
  std::uint64_t count() const { return count_; }
  std::uint64_t resumed() const { return resumed_; }

 private:
  const Target& target_;
  TlsClient tls_;
  std::vector<char> buffer_;
  std::uint64_t count_ = 0;
  std::uint64_t resumed_ = 0;
};

}  // namespace

Figures measure_handshake(const Settings& settings) {
  Hands hands(settings.target);
  while (hands.count() < kWarmUp) hands.shake();
  const ServerCost before = server_cost(settings.server_pid);
  const std::uint64_t resumed_before = hands.resumed();
  const TimePoint begin = monotonic_now();
  while (monotonic_now() - begin < duration_of(settings.seconds)) hands.shake();
  const double took = seconds_of(monotonic_now() - begin);
  const double cpu = server_cost(settings.server_pid).cpu_seconds - before.cpu_seconds;
  const auto count = static_cast<double>(hands.count() - kWarmUp);
  return {{"handshakes", count},
          {"resumed", static_cast<double>(hands.resumed() - resumed_before)},
          {"seconds", took},
          {"handshakes_per_second", count / took},
          {"cpu_us_per_handshake", cpu * 1e6 / count}};
}

}  // namespace fanfare::load
