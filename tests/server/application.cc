#include "tests/server/application.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <tuple>
#include <utility>

namespace fanfare::server::testing {

Application::Application(sim::Kernel& kernel) : kernel_(kernel) {
  start();
}

void Application::start() {
  listener_ = kernel_.listen(sim::Door::upstream);
  kernel_.watch(listener_, this);
}

void Application::stop() {
  kernel_.close_listener(listener_);
  for (Other& other : connections_) other.socket->close(false);
}

void Application::connection_waiting(int listener) {
  connections_.push_back({.socket = kernel_.claim(kernel_.take(listener))});
  connections_.back().socket->set_owner(this, static_cast<std::uint32_t>(connections_.size() - 1));
}

void Application::changed(sim::Socket& socket) {
  Other& other = connections_[socket.tag()];
  while (!other.ended) {
    std::array<std::byte, 4096> bytes;
    const int got = socket.receive(bytes);
    if (got == -EAGAIN) return;
    if (got > 0) {
      other.heard.append(reinterpret_cast<const char*>(bytes.data()),
                         static_cast<std::size_t>(got));
    }
    other.ended = got <= 0;
  }
}

std::size_t Application::open() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(connections_, [](const Other& o) { return !o.ended; }));
}

std::string Application::take(std::size_t connection) {
  return std::exchange(connections_.at(connection).heard, {});
}

void Application::blurt(std::size_t connection, std::string_view bytes) {
  std::ignore = connections_.at(connection).socket->send(std::as_bytes(std::span(bytes)));
}

void Application::say(std::size_t connection, std::string_view bytes) {
  const int sent = connections_.at(connection).socket->send(std::as_bytes(std::span(bytes)));
  EXPECT_EQ(sent, static_cast<int>(bytes.size()));
}

}  // namespace fanfare::server::testing
