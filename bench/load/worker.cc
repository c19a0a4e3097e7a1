#include "bench/load/worker.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/h2_client.h"
#include "bench/load/link.h"
#include "bench/load/stream_reader.h"

#include "common/time.h"

namespace fanfare::load {
namespace {

// Ports of one client address towards one server address: what ip_local_port_range leaves, less
// some.
constexpr std::uint32_t kPerAddress = 20'000;

// A stream.
struct Subscriber {
  enum class Stage : std::uint8_t { closed, asked, open };
  Stage stage = Stage::closed;
  std::uint64_t last_number = 0;
  std::string last_id;
  StreamReader reader;
};

// A connection: of the subscribers from its own index * target.streams on.
struct Carrier {
  Link link;
  std::unique_ptr<H2Client> h2;  // null: HTTP/1.1
  bool stalled = false;
};

class Worker final : private H2Client::Streams {
 public:
  Worker(const WorkerOptions& options, const Target& target, Board& board)
      : options_(options),
        target_(target),
        board_(board),
        row_(board.rows[options.index]),
        subscribers_(options.count),
        carriers_((options.count + target.streams - 1) / target.streams),
        poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (target.tls) tls_.emplace(target);
  }
  ~Worker() override { ::close(poll_); }

  void run() {
    std::vector<epoll_event> ready(1024);
    while (board_.order.load() != Order::stop) {
      obey();
      open_some();
      const int count = ::epoll_wait(poll_, ready.data(), static_cast<int>(ready.size()),
                                     opening_left() ? 0 : 20);
      for (int i = 0; i < count; ++i) serve(ready[static_cast<std::size_t>(i)].data.u32);
    }
  }

 private:
  using Stage = Subscriber::Stage;

  bool opening_left() const {
    return next_ < subscribers_.size() && opening_ < options_.in_flight_max;
  }

  void obey() {
    const std::uint32_t generation = board_.generation.load();
    if (generation == obeyed_) return;
    obeyed_ = generation;
    switch (board_.order.load()) {
      case Order::cut:
        for (std::uint32_t i = 0; i < carriers_.size(); ++i) close(i);
        break;
      case Order::widen:
      case Order::reconnect:
        next_ = 0;
        break;
      case Order::hold:
        stall();
        break;
      case Order::connect:
      case Order::stop:
        break;
    }
  }

  bool will_stall(std::uint32_t carrier) const { return carrier % 1000 < board_.stalled.load(); }

  // So that who stops reading fills the server's buffers soon, not after a minute of its own.
  static void keep_receive_buffer_small(int descriptor) {
    const int bytes = 8192;
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }

  void stall() {
    for (std::uint32_t i = 0; i < carriers_.size(); ++i) {
      Carrier& carrier = carriers_[i];
      const bool stalled = will_stall(i);
      if (stalled == carrier.stalled || carrier.link.closed()) continue;
      carrier.stalled = stalled;
      watch(EPOLL_CTL_MOD, i, stalled ? 0U : EPOLLIN);
    }
  }

  void watch(int operation, std::uint32_t index, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u32 = index;
    ::epoll_ctl(poll_, operation, carriers_[index].link.descriptor(), &event);
  }

  // ---- opening and closing

  void open_some() {
    const std::uint32_t streams = board_.streams.load();
    while (opening_left()) {
      const auto index = static_cast<std::uint32_t>(next_++);
      if (index % target_.streams >= streams) continue;
      if (subscribers_[index].stage == Stage::closed && !ask(index)) row_.failed.fetch_add(1);
    }
  }

  bool ask(std::uint32_t index) {
    const std::uint32_t place = index / target_.streams;
    Carrier& carrier = carriers_[place];
    if (carrier.link.closed() && !dial(place)) return false;
    const std::uint32_t number = options_.first + index;
    Subscriber& subscriber = subscribers_[index];
    std::string request =
        target_.request(target_.subscription(number % options_.groups),
                        target_.resume_header ? subscriber.last_id : std::string());
    if (carrier.h2) {
      std::string frame;
      // Those of a connection are asked for in their order, each once: its number is its place.
      if (carrier.h2->ask(request, target_.tls, frame) != index % target_.streams) return false;
      request = std::move(frame);
    }
    subscriber.stage = Stage::asked;
    ++opening_;
    if (carrier.link.write(request)) return true;
    subscriber.stage = Stage::closed;
    --opening_;
    close(place);
    return false;
  }

  bool dial(std::uint32_t place) {
    Carrier& carrier = carriers_[place];
    const std::uint32_t number = options_.first + place * target_.streams;
    if (!carrier.link.dial(target_, 2 + number / kPerAddress, tls_ ? &*tls_ : nullptr))
      return false;
    if (will_stall(place)) keep_receive_buffer_small(carrier.link.descriptor());
    watch(EPOLL_CTL_ADD, place, EPOLLIN);
    if (!target_.h2) return true;
    carrier.h2 = std::make_unique<H2Client>();
    std::string preface;
    H2Client::begin(preface);
    return carrier.link.write(preface);
  }

  // The number of its streams that were being asked for, and of those that were open.
  std::pair<std::uint64_t, std::uint64_t> close(std::uint32_t place) {
    Carrier& carrier = carriers_[place];
    carrier.link.close();
    carrier.h2.reset();
    std::uint64_t asked = 0, open = 0;
    const std::size_t first = std::size_t{place} * target_.streams;
    for (std::size_t i = first; i < first + target_.streams && i < subscribers_.size(); ++i) {
      asked += subscribers_[i].stage == Stage::asked ? 1 : 0;
      open += subscribers_[i].stage == Stage::open ? 1 : 0;
      forget(subscribers_[i]);
    }
    return {asked, open};
  }

  void forget(Subscriber& subscriber) {
    if (subscriber.stage == Stage::asked) --opening_;
    if (subscriber.stage == Stage::open) row_.connected.fetch_sub(1);
    subscriber.stage = Stage::closed;
    subscriber.reader.reset();
  }

  void lost(std::uint32_t place) {
    const auto [asked, open] = close(place);
    row_.failed.fetch_add(asked);
    row_.ended.fetch_add(open);
  }

  // ---- reading

  void serve(std::uint32_t place) {
    Carrier& carrier = carriers_[place];
    static thread_local std::vector<char> buffer(256U << 10U);
    reading_ = place;
    do {
      if (carrier.link.closed()) return;
      const ssize_t got = carrier.link.read(buffer);
      if (got < 0) return;
      if (got == 0) return lost(place);
      const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
      row_.bytes.fetch_add(bytes.size(), std::memory_order_relaxed);
      now_ = static_cast<std::uint64_t>(monotonic_now().nanoseconds);
      if (!carrier.h2) {
        take_h1(place, bytes);
      } else if (!take_h2(place, bytes)) {
        return lost(place);
      }
    } while (carrier.link.holds_more());
  }

  bool take_h2(std::uint32_t place, std::string_view bytes) {
    Carrier& carrier = carriers_[place];
    out_.clear();
    return carrier.h2->read(bytes, out_, *this) && (out_.empty() || carrier.link.write(out_));
  }

  Subscriber& stream(std::uint32_t number) {
    return subscribers_[std::size_t{reading_} * target_.streams + number];
  }
  void headed(std::uint32_t number, bool ok) override { begun(stream(number), ok); }
  void data(std::uint32_t number, std::string_view bytes) override {
    if (stream(number).stage == Stage::open) take(stream(number), bytes);
  }
  void ended(std::uint32_t number, bool complete) override {
    (void)complete;
    Subscriber& subscriber = stream(number);
    if (subscriber.stage == Stage::closed) return;
    (subscriber.stage == Stage::open ? row_.ended : row_.failed).fetch_add(1);
    forget(subscriber);
  }

  // The status line decides; the rest of the head is left to the reader, which finds no data in it.
  void take_h1(std::uint32_t place, std::string_view bytes) {
    Subscriber& subscriber = subscribers_[place];
    if (subscriber.stage == Stage::asked) begun(subscriber, bytes.starts_with("HTTP/1.1 200"));
    if (subscriber.stage == Stage::closed) return static_cast<void>(close(place));
    take(subscriber, bytes);
  }

  void begun(Subscriber& subscriber, bool ok) {
    if (subscriber.stage != Stage::asked) return;
    if (!ok) {
      row_.failed.fetch_add(1);
      return forget(subscriber);
    }
    --opening_;
    subscriber.stage = Stage::open;
    row_.connected.fetch_add(1);
  }

  void take(Subscriber& subscriber, std::string_view bytes) {
    const bool measuring =
        board_.measuring.load(std::memory_order_relaxed) && !carriers_[reading_].stalled;
    std::uint64_t events = 0;
    subscriber.reader.read(
        bytes,
        [&](const StreamReader::Event& event) {
          ++events;
          judge(subscriber, event.number);
          if (measuring) row_.latency.add(now_ > event.sent_ns ? now_ - event.sent_ns : 0);
        },
        [&](std::string_view id) { subscriber.last_id = id; },
        [&] {
          row_.gaps.fetch_add(1);
          subscriber.last_number = 0;  // what comes next may be any number
        });
    row_.events.fetch_add(events, std::memory_order_relaxed);
  }

  void judge(Subscriber& subscriber, std::uint64_t number) {
    if (subscriber.last_number != 0) {
      if (number <= subscriber.last_number) {
        row_.repeated.fetch_add(1);
        return;
      }
      row_.lost.fetch_add(number - subscriber.last_number - 1);
    }
    subscriber.last_number = number;
  }

  WorkerOptions options_;
  const Target& target_;
  Board& board_;
  WorkerRow& row_;
  std::optional<TlsClient> tls_;
  std::vector<Subscriber> subscribers_;
  std::vector<Carrier> carriers_;
  int poll_;
  std::size_t next_ = 0;
  std::size_t opening_ = 0;
  std::uint32_t obeyed_ = 0;
  std::uint32_t reading_ = 0;  // carrier
  std::uint64_t now_ = 0;      // when what is being read has come
  std::string out_;            // of one read
};

}  // namespace

void run_worker(const WorkerOptions& options, const Target& target, Board& board) {
  Worker(options, target, board).run();
}

}  // namespace fanfare::load
