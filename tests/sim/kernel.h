// Kernel: the world outside the broker, made of a seeded generator: time, listeners, and the
// sockets of both sides. Everything runs in one thread and is the same for the same seed.
//
// It owns every socket until the world ends, so that a late arrival never meets a dead object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/agenda.h"
#include "tests/sim/faults.h"
#include "tests/sim/report.h"
#include "tests/sim/socket.h"

#include "common/random.h"
#include "common/time.h"

namespace fanfare::sim {

// The addresses that a broker listens on, and those to which it connects itself (`upstream`), which
// differ by their `place`. The listeners of one door share its connections, as with SO_REUSEPORT.
enum class Door : std::uint8_t {
  subscribers,
  publishers,
  admin,
  upstream,
  network_publishers,
  tls,  // subscribers again
  tls_publishers,
};

// Told when a connection waits to be accepted.
class Acceptor {
 public:
  virtual ~Acceptor() = default;
  virtual void connection_waiting(int listener) = 0;
};

class Kernel final : public Agenda {
 public:
  // Far above any real descriptor: a stray close(2) hits nothing.
  static constexpr int kListenerFirst = 1 << 24;
  static constexpr int kAcceptedFirst = 1 << 25;

  Kernel(std::uint64_t seed, const Faults& faults, Report& report);
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  Random& random() { return random_; }
  Faults& faults() { return faults_; }
  Report& report() { return report_; }

  // Somewhere in [0, max].
  Duration somewhen(Duration max);
  // How long something is on its way between two ends of a connection.
  Duration latency();
  void fail(std::string problem) { report_.fail(now(), std::move(problem)); }

  // ---- the clients' side
  // Somebody listens there, whether or not there is room.
  bool listening(Door door, std::string_view place = {}) const;
  // The client's end, or null if nobody listens there or the backlog is full.
  Socket* connect(Door door, SocketOwner& client, std::uint32_t tag, std::string_view place = {});

  // ---- the broker's side
  // No `place`: at all of the door's.
  int listen(Door door, std::string place = {});
  // Later connections are refused; waiting ones go on waiting.
  void hold_handshakes(int descriptor);
  // What waits to be accepted is reset.
  void close_listener(int descriptor);
  // At most one; null: no longer.
  void watch(int listener, Acceptor* acceptor);
  std::size_t waiting(int listener) const;
  // Takes the oldest waiting connection and makes a descriptor for it. Precondition: one waits.
  int take(int listener);
  bool is_accepted(int descriptor) const;
  Door door_of(int accepted) const;
  const std::optional<IpAddress>& peer_of(int accepted) const;
  // The socket behind an accepted descriptor, which is forgotten; null: no such descriptor.
  Socket* claim(int accepted);
  // Some end of a connection whose network is down does not know it yet.
  bool anybody_in_the_dark() const;
  // Accepted descriptors that were not claimed.
  std::size_t unclaimed() const;

 private:
  struct Listener {
    bool at(Door where, std::string_view which) const {
      return open && !held && door == where && (place.empty() || place == which);
    }

    Door door{};
    std::string place{};
    bool open = true;
    bool held = false;
    std::deque<Socket*> backlog{};
    Acceptor* acceptor = nullptr;
  };
  struct Accepted {
    Socket* socket = nullptr;
    Door door{};
  };

  Listener& listener(int descriptor);

  Random random_;
  Faults faults_;
  Report& report_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::vector<Listener> listeners_;
  std::vector<Accepted> accepted_;
};

}  // namespace fanfare::sim
