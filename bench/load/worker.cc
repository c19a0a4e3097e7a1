#include "bench/load/worker.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "bench/load/stream_reader.h"

#include "common/time.h"

namespace fanfare::load {
namespace {

// Ports of one client address towards one server address: what ip_local_port_range leaves, less
// some.
constexpr std::uint32_t kPerAddress = 20'000;

struct Subscriber {
  int descriptor = -1;
  bool head_seen = false;
  bool stalled = false;
  std::uint64_t last_number = 0;
  std::string last_id;
  StreamReader reader;
};

class Worker {
 public:
  Worker(const WorkerOptions& options, const Target& target, Board& board)
      : options_(options),
        target_(target),
        board_(board),
        row_(board.rows[options.index]),
        subscribers_(options.count),
        poll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~Worker() { ::close(poll_); }

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
  bool opening_left() const {
    return next_ < subscribers_.size() && opening_ < options_.in_flight_max;
  }

  void obey() {
    const std::uint32_t generation = board_.generation.load();
    if (generation == obeyed_) return;
    obeyed_ = generation;
    switch (board_.order.load()) {
      case Order::cut:
        for (std::uint32_t i = 0; i < subscribers_.size(); ++i) close(i);
        break;
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

  bool will_stall(std::uint32_t index) const { return index % 1000 < board_.stalled.load(); }

  // So that who stops reading fills the server's buffers soon, not after a minute of its own.
  static void keep_receive_buffer_small(int descriptor) {
    const int bytes = 8192;
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }

  void stall() {
    for (std::uint32_t i = 0; i < subscribers_.size(); ++i) {
      Subscriber& subscriber = subscribers_[i];
      const bool stalled = will_stall(i);
      if (stalled == subscriber.stalled || subscriber.descriptor < 0) continue;
      subscriber.stalled = stalled;
      watch(EPOLL_CTL_MOD, i, stalled ? 0U : EPOLLIN);
    }
  }

  void watch(int operation, std::uint32_t index, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u32 = index;
    ::epoll_ctl(poll_, operation, subscribers_[index].descriptor, &event);
  }

  void open_some() {
    while (opening_left()) {
      const auto index = static_cast<std::uint32_t>(next_++);
      Subscriber& subscriber = subscribers_[index];
      if (subscriber.descriptor >= 0) continue;
      const std::uint32_t number = options_.first + index;
      // Blocking on purpose: loopback answers at once, and a full backlog then slows us down.
      subscriber.descriptor =
          connect_tcp(target_.host, target_.port, 2 + number / kPerAddress, true);
      if (subscriber.descriptor < 0) {
        row_.failed.fetch_add(1);
        continue;
      }
      const std::string request =
          target_.request(target_.subscription(number % options_.groups),
                          target_.resume_header ? subscriber.last_id : std::string());
      if (::send(subscriber.descriptor, request.data(), request.size(), MSG_NOSIGNAL) < 0) {
        row_.failed.fetch_add(1);
        close(index);
        continue;
      }
      subscriber.head_seen = false;
      ++opening_;
      if (will_stall(index)) keep_receive_buffer_small(subscriber.descriptor);
      watch(EPOLL_CTL_ADD, index, EPOLLIN);
    }
  }

  void close(std::uint32_t index) {
    Subscriber& subscriber = subscribers_[index];
    if (subscriber.descriptor < 0) return;
    ::close(subscriber.descriptor);
    subscriber.descriptor = -1;
    if (subscriber.head_seen) {
      row_.connected.fetch_sub(1);
    } else if (opening_ > 0) {
      --opening_;
    }
    subscriber.head_seen = false;
    subscriber.reader.reset();
  }

  void serve(std::uint32_t index) {
    Subscriber& subscriber = subscribers_[index];
    static thread_local std::vector<char> buffer(256U << 10U);
    const ssize_t got = ::recv(subscriber.descriptor, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      (subscriber.head_seen ? row_.ended : row_.failed).fetch_add(1);
      close(index);
      return;
    }
    std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    row_.bytes.fetch_add(bytes.size(), std::memory_order_relaxed);
    if (!subscriber.head_seen && !take_head(index, bytes)) return;
    const auto now = static_cast<std::uint64_t>(monotonic_now().nanoseconds);
    const bool measuring = board_.measuring.load(std::memory_order_relaxed);
    std::uint64_t events = 0;
    subscriber.reader.read(
        bytes,
        [&](const StreamReader::Event& event) {
          ++events;
          judge(subscriber, event.number);
          if (measuring && !subscriber.stalled) {
            row_.latency.add(now > event.sent_ns ? now - event.sent_ns : 0);
          }
        },
        [&](std::string_view id) { subscriber.last_id = id; },
        [&] {
          row_.gaps.fetch_add(1);
          subscriber.last_number = 0;  // what comes next may be any number
        });
    row_.events.fetch_add(events, std::memory_order_relaxed);
  }

  // The status line decides; the rest of the head is left to the reader, which finds no data in it.
  bool take_head(std::uint32_t index, std::string_view bytes) {
    --opening_;
    if (!bytes.starts_with("HTTP/1.1 200")) {
      row_.failed.fetch_add(1);
      subscribers_[index].head_seen = false;
      ++opening_;
      close(index);
      return false;
    }
    subscribers_[index].head_seen = true;
    row_.connected.fetch_add(1);
    return true;
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
  std::vector<Subscriber> subscribers_;
  int poll_;
  std::size_t next_ = 0;
  std::size_t opening_ = 0;
  std::uint32_t obeyed_ = 0;
};

}  // namespace

void run_worker(const WorkerOptions& options, const Target& target, Board& board) {
  Worker(options, target, board).run();
}

}  // namespace fanfare::load
