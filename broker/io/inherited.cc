#include "broker/io/inherited.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include "broker/io/address.h"

namespace fanfare::io {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr int kMost = 1024;

std::optional<int> number_in(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  const std::string_view digits = text;
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

int option_of(int descriptor, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

std::string path_of(int descriptor) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  // NOLINTNEXTLINE(bugprone-casting-through-void)
  auto* const generic = static_cast<sockaddr*>(static_cast<void*>(&address));
  if (::getsockname(descriptor, generic, &size) != 0) return {};
  const std::size_t length = std::min<std::size_t>(size, sizeof address);
  if (length <= offsetof(sockaddr_un, sun_path)) return {};
  const std::string_view path(address.sun_path, length - offsetof(sockaddr_un, sun_path));
  return std::string(path.substr(0, path.find('\0')));
}

// "http" of "http:admin", which keeps the rest.
std::string next_name(std::string_view& names) {
  const std::size_t colon = std::min(names.find(':'), names.size());
  std::string name(names.substr(0, colon));
  names.remove_prefix(std::min(colon + 1, names.size()));
  return name;
}

std::expected<InheritedSocket, Problem> look_at(int number, std::string name) {
  InheritedSocket socket{.descriptor = Descriptor(number), .name = std::move(name), .address = {}};
  const int domain = option_of(number, SO_DOMAIN);
  const bool known = domain == AF_UNIX || domain == AF_INET || domain == AF_INET6;
  if (!known || option_of(number, SO_TYPE) != SOCK_STREAM ||
      option_of(number, SO_ACCEPTCONN) != 1) {
    return std::unexpected(Problem{
        .message =
            fmt::format("descriptor {} (\"{}\"), which the service manager passed on, is not "
                        "a socket that listens for streams: its unit needs ListenStream= "
                        "and Accept=no",
                        number, socket.name),
        .error = 0});
  }
  ::fcntl(number, F_SETFD, FD_CLOEXEC);
  ::fcntl(number, F_SETFL, ::fcntl(number, F_GETFL) & ~O_NONBLOCK);
  socket.address = domain == AF_UNIX ? path_of(number) : format_address(bound_address(number));
  return socket;
}

}  // namespace

std::expected<std::vector<InheritedSocket>, Problem> inherited_sockets() {
  const std::optional<int> process = number_in("LISTEN_PID");
  const std::optional<int> count = number_in("LISTEN_FDS");
  const char* const listed = std::getenv("LISTEN_FDNAMES");
  const std::string all_names = listed == nullptr ? "" : listed;
  for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(variable);
  std::vector<InheritedSocket> sockets;
  if (process != ::getpid() || !count || *count <= 0) return sockets;  // another process's, or none
  std::string_view names = all_names;
  const int end = kFirst + std::min(*count, kMost);
  sockets.reserve(static_cast<std::size_t>(end - kFirst));
  for (int number = kFirst; number < end; ++number) {
    auto socket = look_at(number, next_name(names));
    if (!socket) return std::unexpected(std::move(socket).error());
    sockets.push_back(*std::move(socket));
  }
  return sockets;
}

}  // namespace fanfare::io
