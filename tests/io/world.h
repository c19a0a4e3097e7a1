// World: a ring and the peers at the other end of its sockets, for tests that are written once and
// run on every ring: io_uring and epoll with real sockets (loopback_world.h), the simulated kernel
// with pretended ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/io/backend.h"
#include "broker/io/ring.h"

namespace fanfare::io {

class World {
 public:
  using Peer = std::size_t;
  // How far a peer sees its connection: open, ended by a FIN, or gone (RST).
  enum class End : std::uint8_t { open, finished, reset };

  virtual ~World() = default;
  virtual Ring& ring() = 0;
  // What to hand to Ring::accept().
  virtual int listener() = 0;
  // Connects to the listener. The ring hears of it through accept().
  virtual Peer connect() = 0;
  virtual void write(Peer peer, std::string_view bytes) = 0;
  // Reads what has arrived since, at most `size_max` bytes, without waiting.
  virtual std::string read(Peer peer, std::size_t size_max) = 0;
  // Known once read() has met it.
  virtual End end_of(Peer peer) = 0;
  // FIN; the peer can still read.
  virtual void finish(Peer peer) = 0;
  // RST.
  virtual void reset(Peer peer) = 0;

  // ---- for Ring::connect(): somebody listens at a Door of each family
  enum class Door : std::uint8_t { tcp, unix };
  virtual PeerAddress address_of(Door door) = 0;
  // The other end of the oldest connection that came there, once there is one.
  virtual std::optional<Peer> take(Door door) = 0;
  // From now on nobody listens there.
  virtual void shut(Door door) = 0;
  // From now on there is no room for a further connection: over TCP it gets no answer, a Unix
  // socket says so at once.
  virtual void crowd(Door door) = 0;
};

using WorldFactory = std::function<std::unique_ptr<World>(const RingOptions&)>;

}  // namespace fanfare::io
