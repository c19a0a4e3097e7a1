// Plain answers over HTTP/2, from any server that has some: what one costs, and what the session of
// a connection that has had one keeps.
#include <sys/epoll.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include "bench/load/figures.h"
#include "bench/load/h2_client.h"
#include "bench/load/link.h"
#include "bench/load/modes.h"
#include "bench/load/server_cost.h"

namespace fanfare::load {
namespace {

constexpr std::uint32_t kPerAddress = 20'000;
constexpr Duration kPatience = 60s;

class Fetcher final : private H2Client::Streams {
 public:
  explicit Fetcher(const Settings& settings)
      : target_(settings.target),
        request_(target_.request(target_.channel_name(0), {})),
        carriers_(settings.subscribers),
        poll_(::epoll_create1(EPOLL_CLOEXEC)),
        ready_(1024),
        buffer_(256U << 10U) {
    if (target_.tls) tls_.emplace(target_);
    for (std::uint32_t i = 0; i < carriers_.size(); ++i) dial(i);
  }
  ~Fetcher() override { ::close(poll_); }

  // An answer on each connection.
  void once() {
    for (std::uint32_t i = 0; i < carriers_.size(); ++i) {
      ask(i, 1);
      if (i % 256 == 255) finish();
    }
    finish();
  }
  // As many as there is time for, with so many in flight on each connection.
  void steadily(std::uint32_t in_flight, Duration time) {
    goes_on_ = true;
    for (std::uint32_t i = 0; i < carriers_.size(); ++i) ask(i, in_flight);
    for (const TimePoint end = monotonic_now() + time; monotonic_now() < end;) step();
    goes_on_ = false;
    finish();
  }
  std::uint64_t answers() const { return answers_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Carrier {
    Link link;
    H2Client h2;
  };

  void dial(std::uint32_t place) {
    Link& link = carriers_[place].link;
    if (!link.dial(target_, 2 + place / kPerAddress, tls_ ? &*tls_ : nullptr)) {
      throw std::runtime_error("cannot connect");
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = place;
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, link.descriptor(), &event);
    out_.clear();
    H2Client::begin(out_);
    say(place);
  }

  void say(std::uint32_t place) {
    if (!carriers_[place].link.write(out_)) throw std::runtime_error("a connection has ended");
    out_.clear();
  }

  void ask(std::uint32_t place, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      carriers_[place].h2.ask(request_, target_.tls, out_);
    }
    in_flight_ += count;
    say(place);
  }

  void finish() {
    const TimePoint deadline = monotonic_now() + kPatience;
    while (in_flight_ > 0) {
      if (monotonic_now() > deadline) throw std::runtime_error("answers do not come");
      step();
    }
  }

  void step() {
    const int count = ::epoll_wait(poll_, ready_.data(), static_cast<int>(ready_.size()), 20);
    for (int i = 0; i < count; ++i) serve(ready_[static_cast<std::size_t>(i)].data.u32);
  }

  void serve(std::uint32_t place) {
    Carrier& carrier = carriers_[place];
    do {
      const ssize_t got = carrier.link.read(buffer_);
      if (got < 0) return;
      finished_ = 0;
      const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
      if (got == 0 || !carrier.h2.read(bytes, out_, *this)) {
        throw std::runtime_error("a connection has ended");
      }
      if (goes_on_) {
        ask(place, finished_);
      } else if (!out_.empty()) {
        say(place);
      }
    } while (carrier.link.holds_more());
  }

  void headed(std::uint32_t number, bool ok) override {
    (void)number;
    if (!ok) throw std::runtime_error("the server does not answer 200: is the --path right?");
  }
  void data(std::uint32_t number, std::string_view bytes) override {
    (void)number;
    bytes_ += bytes.size();
  }
  void ended(std::uint32_t number, bool complete) override {
    (void)number;
    if (!complete) throw std::runtime_error("the server has reset a request");
    ++answers_;
    ++finished_;
    --in_flight_;
  }

  const Target& target_;
  const std::string request_;
  std::optional<TlsClient> tls_;
  std::vector<Carrier> carriers_;
  int poll_;
  std::vector<epoll_event> ready_;
  std::vector<char> buffer_;
  std::string out_;
  bool goes_on_ = false;
  std::uint32_t finished_ = 0;  // by one read
  std::uint64_t in_flight_ = 0;
  std::uint64_t answers_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Figures measure_fetch(const Settings& settings) {
  const ServerCost empty = server_cost(settings.server_pid);
  Fetcher fetcher(settings);
  fetcher.once();
  const ServerCost full = server_cost(settings.server_pid);
  const double connections = settings.subscribers;
  const auto first = static_cast<double>(fetcher.answers());
  const auto body = static_cast<double>(fetcher.bytes()) / first;
  const TimePoint begin = monotonic_now();
  fetcher.steadily(settings.target.streams, duration_of(settings.seconds));
  const double took = seconds_of(monotonic_now() - begin);
  const double cpu = server_cost(settings.server_pid).cpu_seconds - full.cpu_seconds;
  const auto answers = static_cast<double>(fetcher.answers()) - first;
  return {
      {"connections", connections},
      {"rss_bytes_per_connection",
       (static_cast<double>(full.rss_bytes) - static_cast<double>(empty.rss_bytes)) / connections},
      {"body_bytes", body},
      {"answers", answers},
      {"answers_per_second", answers / took},
      {"answers_per_cpu_second", cpu > 0 ? answers / cpu : 0},
      {"cpu_us_per_answer", answers > 0 ? cpu * 1e6 / answers : 0}};
}

}  // namespace fanfare::load
