#include "broker/cli/notify.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace fanfare::cli {

void notify_service_manager(std::string_view assignments) {
  const char* named = std::getenv("NOTIFY_SOCKET");
  if (named == nullptr || (named[0] != '/' && named[0] != '@')) return;
  const std::string_view path = named;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return;
  path.copy(address.sun_path, path.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract name
  const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  // The manager may be gone or its queue full; serving goes on either way.
  [[maybe_unused]] const auto sent =
      sendto(descriptor, assignments.data(), assignments.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
             reinterpret_cast<const sockaddr*>(&address),
             static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size()));
  close(descriptor);
}

void notify_reloading() {
  notify_service_manager(
      fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_now().nanoseconds / 1000));
}

std::optional<Duration> watchdog_time() {
  const auto number_in = [](const char* variable) -> std::optional<std::int64_t> {
    const char* const text = std::getenv(variable);
    std::int64_t number = 0;
    if (text == nullptr) return std::nullopt;
    const auto [end, error] = std::from_chars(text, text + std::strlen(text), number);
    if (error != std::errc() || *end != '\0') return std::nullopt;
    return number;
  };
  const auto microseconds = number_in("WATCHDOG_USEC");
  if (!microseconds || *microseconds <= 0) return std::nullopt;
  const auto process = number_in("WATCHDOG_PID");
  if (process && *process != getpid()) return std::nullopt;
  return std::chrono::microseconds(*microseconds);
}

}  // namespace fanfare::cli
