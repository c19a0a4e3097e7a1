#include "broker/io/connect.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "broker/io/address.h"

namespace fanfare::io {
namespace {

// As on the accepting side (io/socket.h). A kernel that refuses one of them connects without it.
void set_options(int socket) {
  constexpr int kUserTimeoutMs = 30'000;
  const auto set = [socket](int level, int name, int value) {
    static_cast<void>(::setsockopt(socket, level, name, &value, sizeof value));
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
}

}  // namespace

Connecting begin_connect(const PeerAddress& address) {
  Connecting connecting{
      .socket = Descriptor(
          ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
      .result = 0};
  if (!connecting.socket) return {.socket = {}, .result = -errno};
  if (address.storage.ss_family != AF_UNIX) set_options(connecting.socket.number());
  if (::connect(connecting.socket.number(), as_sockaddr(address), address.size) == 0) {
    return connecting;
  }
  // EINTR too leaves it on its way (connect(2)).
  const int error = errno == EINTR ? EINPROGRESS : errno;
  if (error != EINPROGRESS) return {.socket = {}, .result = -error};
  connecting.result = -EINPROGRESS;
  return connecting;
}

int connect_result(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
  return -error;
}

}  // namespace fanfare::io
