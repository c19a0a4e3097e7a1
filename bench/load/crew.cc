#include "bench/load/crew.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>

#include "bench/load/worker.h"

namespace fanfare::load {
namespace {

// Below RLIMIT_NOFILE = 20,000 of the smallest machines we measure on.
constexpr std::uint32_t kPerWorkerMax = 19'000;
// Streams being opened at a time. Over HTTP/2 a stream counts as open when its head has come, which
// is before its first bytes: with as many as that the server would have most of them in hand at
// once.
constexpr std::uint32_t kOpening = 256;
constexpr std::uint32_t kOpeningH2 = 64;

}  // namespace

Crew::Crew(const Target& target, std::uint32_t subscribers, std::uint32_t groups, Options options)
    : subscribers_(subscribers),
      connections_((subscribers + target.streams - 1) / target.streams),
      wanted_(options.narrow ? connections_ : subscribers) {
  // Whole connections.
  const std::uint32_t per_worker = kPerWorkerMax / target.streams * target.streams;
  if (per_worker == 0) throw std::runtime_error("too many streams for one connection");
  void* const memory =
      ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory for the board");
  board_ = new (memory) Board;
  board_->stalled.store(static_cast<std::uint32_t>(options.stalled * 1000));
  board_->streams.store(options.narrow ? 1 : target.streams);
  board_->workers = (subscribers + per_worker - 1) / per_worker;
  if (board_->workers > kWorkersMax) throw std::runtime_error("too many subscribers for one run");
  std::fflush(nullptr);
  for (std::size_t i = 0; i < board_->workers; ++i) {
    const auto first = static_cast<std::uint32_t>(i * per_worker);
    const pid_t pid = ::fork();
    if (pid < 0) throw std::runtime_error("fork failed");
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::signal(SIGINT, SIG_IGN);
      run_worker({.index = i,
                  .first = first,
                  .count = std::min(per_worker, subscribers - first),
                  .groups = groups,
                  .in_flight_max = target.h2 ? kOpeningH2 : kOpening},
                 target, *board_);
      std::_Exit(0);
    }
    workers_.push_back(pid);
  }
}

Crew::~Crew() {
  order(Order::stop);
  for (const pid_t pid : workers_) ::waitpid(pid, nullptr, 0);
  ::munmap(board_, sizeof(Board));
}

void Crew::order(Order order) {
  if (order == Order::reconnect) ended_before_ = board_->sum(&WorkerRow::ended);
  board_->order.store(order);
  board_->generation.fetch_add(1);
}

void Crew::widen() {
  board_->streams.store(subscribers_);
  wanted_ = subscribers_;
  order(Order::widen);
}

bool Crew::pause(std::string_view what) {
  for (const pid_t pid : workers_) {
    if (::waitpid(pid, nullptr, WNOHANG) != 0) throw std::runtime_error("a worker has died");
  }
  ::usleep(50);
  if (::isatty(2) == 1 && monotonic_now() - shown_ > 500ms) {
    shown_ = monotonic_now();
    fmt::print(stderr, "\r\x1b[K{}: {} streams, {} events", what,
               board_->sum(&WorkerRow::connected), events());
  }
  return true;
}

std::uint64_t Crew::ended() const {
  return board_->sum(&WorkerRow::ended) - ended_before_;
}

void Crew::await_connected() {
  const bool all = wait("connecting", 300s, [&] {
    return board_->sum(&WorkerRow::connected) + board_->sum(&WorkerRow::failed) + ended() >=
           wanted_;
  });
  const std::uint64_t failed = board_->sum(&WorkerRow::failed);
  if (!all || failed + ended() > 0) {
    throw std::runtime_error(fmt::format(
        "{} of {} streams are open, {} were refused, {} were ended by the server: is it "
        "up, are its limits high enough?",
        board_->sum(&WorkerRow::connected), wanted_, failed, ended()));
  }
}

void Crew::clear_latency() {
  for (std::size_t i = 0; i < board_->workers; ++i) board_->rows[i].latency.clear();
}

void Crew::latency_into(Histogram& histogram) const {
  for (std::size_t i = 0; i < board_->workers; ++i) histogram.merge(board_->rows[i].latency);
}

}  // namespace fanfare::load
