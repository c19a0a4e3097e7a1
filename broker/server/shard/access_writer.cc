#include "broker/server/shard/access_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace fanfare::server {
namespace {

constexpr auto kEvery = std::chrono::milliseconds(100);
constexpr int kPollMs = 100;
// A pipe that is reported writable takes as much at once without blocking (PIPE_BUF).
constexpr std::size_t kPieceOfPipe = 4096;
constexpr Duration kLastWords = 1s;

std::expected<io::Descriptor, std::string> opened(const std::string& place) {
  const bool standard = place == "stderr" || place == "stdout";
  const int descriptor =
      standard
          ? ::fcntl(place == "stderr" ? STDERR_FILENO : STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
          : ::open(place.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
  if (descriptor >= 0) return io::Descriptor(descriptor);
  return std::unexpected(
      fmt::format("[access] log: {} cannot be opened: {}", place, std::strerror(errno)));
}

}  // namespace

AccessWriter::AccessWriter(std::uint32_t shards) : left_(shards) {
  thread_ = std::thread([this] { run(); });
}

AccessWriter::~AccessWriter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

std::expected<void, std::string> AccessWriter::reopen(const std::string& place) {
  io::Descriptor file;
  if (!place.empty()) {
    auto newly = opened(place);
    if (!newly) return std::unexpected(std::move(newly.error()));
    file = std::move(*newly);
  }
  const std::lock_guard lock(mutex_);
  next_ = std::move(file);
  replaced_ = true;
  changed_.notify_one();
  return {};
}

bool AccessWriter::take(std::uint32_t shard, std::string& lines) {
  const std::lock_guard lock(mutex_);
  if (!left_[shard].empty()) return false;
  std::swap(left_[shard], lines);
  return true;
}

void AccessWriter::run() {
  std::vector<std::string> taken(left_.size());
  for (bool stop = false; !stop;) {
    {
      std::unique_lock lock(mutex_);
      // Without a place there is nothing to look for.
      if (!file_) changed_.wait(lock, [this] { return stop_ || replaced_; });
      changed_.wait_for(lock, kEvery, [this] { return stop_; });
      stop = stop_;
      std::swap(taken, left_);
      if (std::exchange(replaced_, false)) use(io::Descriptor(next_.release()));
    }
    for (std::string& lines : taken) {
      if (!lines.empty() && file_) write(std::move(lines));
      lines.clear();
    }
  }
}

void AccessWriter::use(io::Descriptor file) {
  file_ = std::move(file);
  struct stat status{};
  regular_ = file_ && ::fstat(file_.number(), &status) == 0 && S_ISREG(status.st_mode);
  cut_ = false;
}

// False: it is no use to wait longer.
bool AccessWriter::wait_for_room() {
  pollfd waits{.fd = file_.number(), .events = POLLOUT, .revents = 0};
  while (::poll(&waits, 1, kPollMs) <= 0) {
    const std::lock_guard lock(mutex_);
    if (stop_ && !give_up_) give_up_ = monotonic_now() + kLastWords;
    if (replaced_ || (give_up_ && monotonic_now() >= *give_up_)) return false;
  }
  return true;
}

// A line that was cut is ended, so that the next one is whole.
void AccessWriter::write(std::string lines) {
  const auto whole = std::ranges::count(lines, '\n');
  if (lost_ > 0) lines.insert(0, fmt::format("{{\"left_out\":{}}}\n", lost_));
  if (cut_) lines.insert(0, "\n");
  std::string_view rest = lines;
  while (!rest.empty() && wait_for_room()) {
    const std::size_t size = regular_ ? rest.size() : std::min(rest.size(), kPieceOfPipe);
    const ssize_t written = ::write(file_.number(), rest.data(), size);
    if (written > 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      if (const auto left_out = log_.admit(monotonic_now()); left_out >= 0) {
        log::warn("the access log cannot be written: {}{}", std::strerror(errno),
                  log::left_out_note(left_out));
      }
      break;
    }
  }
  if (rest.empty()) {
    lost_ = 0;
    cut_ = false;
    return;
  }
  if (rest.size() < lines.size()) cut_ = lines[lines.size() - rest.size() - 1] != '\n';
  lost_ += static_cast<std::uint64_t>(std::min(whole, std::ranges::count(rest, '\n')));
}

}  // namespace fanfare::server
