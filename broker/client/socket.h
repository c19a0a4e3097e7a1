// Socket: a connected stream with deadlines, for programs that have no ring. Every call blocks
// until it is done, the deadline has passed, or the Stop is raised.
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "broker/client/endpoint.h"
#include "broker/client/error.h"
#include "broker/client/stop.h"

#include "common/time.h"

namespace fanfare::client {

class Socket {
 public:
  // Tries every address of the name in turn. `stop` may be null; else it outlives the socket.
  static std::expected<Socket, Error> connect(const Endpoint& endpoint, TimePoint deadline,
                                              const Stop* stop);
  Socket() = default;
  // Takes over a connected descriptor; `peer` names it in messages.
  Socket(int descriptor, std::string peer, const Stop* stop);
  ~Socket() { close(); }
  Socket(Socket&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        stop_(other.stop_),
        peer_(std::move(other.peer_)) {}
  Socket& operator=(Socket&& other) noexcept;

  bool open() const { return descriptor_ >= 0; }
  void close();

  std::expected<void, Error> send(std::string_view bytes, TimePoint deadline);
  // At least one byte; 0 is the peer's end of stream.
  std::expected<std::size_t, Error> receive(std::span<char> into, TimePoint deadline);
  // Sends what is left of `out` and receives what is there, whichever the kernel allows first:
  // lets a pipeline fill in both directions without a deadlock. Says how many bytes went each way;
  // `received_end` is set at the peer's end of stream.
  struct Progress {
    std::size_t sent = 0;
    std::size_t received = 0;
    bool received_end = false;
  };
  std::expected<Progress, Error> exchange(std::string_view out, std::span<char> into,
                                          TimePoint deadline);

 private:
  std::expected<void, Error> wait(short events, TimePoint deadline);

  int descriptor_ = -1;
  const Stop* stop_ = nullptr;
  std::string peer_;
};

}  // namespace fanfare::client
