#include "bench/load/publisher.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <stdexcept>

#include "common/time.h"

namespace fanfare::load {

Publisher::Publisher(const Target& target, std::uint32_t channels, std::size_t event_bytes)
    : target_(target),
      event_bytes_(event_bytes),
      numbers_(channels / target.channels_each, 0),
      padding_(event_bytes, 'x') {
  const bool tcp = target.dialect == PublishDialect::http_post && target.socket.empty();
  descriptor_ = tcp ? connect_tcp(target.host,
                                  target.publish_port ? target.publish_port : target.port, 0, true)
                    : connect_unix(target.socket);
  if (descriptor_ < 0) {
    throw std::runtime_error(fmt::format("cannot connect to publish ({}): {}",
                                         tcp ? target.host : target.socket, std::strerror(errno)));
  }
}

Publisher::~Publisher() {
  ::close(descriptor_);
}

void Publisher::add(std::uint32_t channel, TimePoint stamp) {
  const std::uint64_t number = ++numbers_[channel / target_.channels_each];
  std::string data = fmt::format("{} {} ", number, stamp.nanoseconds);
  if (data.size() < event_bytes_) data.append(padding_, 0, event_bytes_ - data.size());
  const std::string name = target_.channel_name(channel);
  auto out = std::back_inserter(out_);
  switch (target_.dialect) {
    case PublishDialect::resp:
      fmt::format_to(out, "*3\r\n$7\r\nPUBLISH\r\n${}\r\n{}\r\n${}\r\n{}\r\n", name.size(), name,
                     data.size(), data);
      break;
    case PublishDialect::ndjson:
      fmt::format_to(out, "{{\"channel\":\"{}\",\"data\":\"{}\"}}\n", name, data);
      break;
    case PublishDialect::line:
      fmt::format_to(out, "{} {}\n", name, data);
      break;
    case PublishDialect::http_post:
      fmt::format_to(out, "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}",
                     Target::with_channel(target_.publish_path, name), data.size(), data);
      break;
  }
  ++published_;
}

void Publisher::flush() {
  std::string_view left = out_;
  while (!left.empty()) {
    const ssize_t sent = ::send(descriptor_, left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      left.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno != EAGAIN) throw std::runtime_error(fmt::format("publish: {}", std::strerror(errno)));
    pollfd wait{.fd = descriptor_, .events = POLLIN | POLLOUT, .revents = 0};
    ::poll(&wait, 1, 10'000);
    if ((wait.revents & POLLIN) != 0) take_acks(0);
  }
  out_.clear();
}

bool Publisher::await_acks(std::uint64_t count) {
  while (acked_ + refused_ < count) {
    if (!take_acks(10'000)) return false;
  }
  return true;
}

// An ack is a line (RESP, NDJSON, the reference server), or a response head (HTTP).
bool Publisher::take_acks(int timeout_ms) {
  pollfd wait{.fd = descriptor_, .events = POLLIN, .revents = 0};
  if (::poll(&wait, 1, timeout_ms) <= 0) return false;
  static thread_local std::vector<char> buffer(256U << 10U);
  const ssize_t got = ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return timeout_ms > 0;
  if (got <= 0) throw std::runtime_error("publish: the server closed the connection");
  in_.append(buffer.data(), static_cast<std::size_t>(got));
  const bool http = target_.dialect == PublishDialect::http_post;
  const std::string_view mark = http ? "HTTP/1.1 " : "\n";
  std::size_t begin = 0;
  for (std::size_t at; (at = in_.find(mark, begin)) != std::string::npos;) {
    if (http) {
      if (in_.size() < at + 12) break;
      ++(in_[at + 9] == '2' ? acked_ : refused_);
      begin = at + 12;
    } else {
      const char first = in_[begin];
      const bool refused = first == '-' || in_.compare(begin, 11, "{\"ok\":false") == 0;
      ++(refused ? refused_ : acked_);
      begin = at + 1;
    }
  }
  in_.erase(0, begin);
  return true;
}

}  // namespace fanfare::load
