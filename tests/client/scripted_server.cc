#include "tests/client/scripted_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "common/check.h"

namespace fanfare::client {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t bound_port(int descriptor) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

int bound_socket() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(0);
  CHECK(bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
        "the loopback has a free port");
  return descriptor;
}

}  // namespace

ServedConnection::~ServedConnection() {
  close(descriptor_);
}

std::string ServedConnection::read_until(std::string_view end) {
  std::array<char, 4096> buffer;
  while (true) {
    if (const auto found = received_.find(end); found != std::string::npos) {
      const std::string head = received_.substr(0, found + end.size());
      received_.erase(0, head.size());
      return head;
    }
    const auto size = recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (size <= 0) return std::exchange(received_, {});
    received_.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

std::string ServedConnection::read_all() {
  std::array<char, 4096> buffer;
  while (true) {
    const auto size = recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (size <= 0) return std::exchange(received_, {});
    received_.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

void ServedConnection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto size = send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
}

void ServedConnection::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

ScriptedServer::ScriptedServer(Script script)
    : script_(std::move(script)), listener_(bound_socket()), port_(bound_port(listener_)) {
  listen(listener_, 16);
  thread_ = std::jthread([this] { serve(); });
}

ScriptedServer::ScriptedServer(const std::string& path, Script script)
    : script_(std::move(script)), listener_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  CHECK(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
        "the path is free");
  listen(listener_, 16);
  thread_ = std::jthread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  stop_.raise();
  thread_.join();
  close(listener_);
}

void ScriptedServer::serve() {
  for (int connection = 0;; ++connection) {
    std::array<pollfd, 2> waits{pollfd{.fd = listener_, .events = POLLIN, .revents = 0},
                                pollfd{.fd = stop_.descriptor(), .events = POLLIN, .revents = 0}};
    poll(waits.data(), waits.size(), -1);
    if (waits[1].revents != 0) return;
    const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    ServedConnection served(descriptor);
    script_(connection, served);
  }
}

std::string ScriptedServer::address() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

std::string refused_address() {
  const int descriptor = bound_socket();  // bound, then closed, never listening
  const std::uint16_t port = bound_port(descriptor);
  close(descriptor);
  return fmt::format("http://127.0.0.1:{}", port);
}

}  // namespace fanfare::client
