// Application: what a route asks, on the simulated kernel. It takes every connection at once; what
// it says to whom, and when, a test decides.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "tests/sim/kernel.h"
#include "tests/sim/socket.h"

namespace fanfare::server::testing {

class Application final : public sim::Acceptor, public sim::SocketOwner {
 public:
  explicit Application(sim::Kernel& kernel);

  // All that were ever made, in their order; and those that the broker has not ended.
  std::size_t connections() const { return connections_.size(); }
  std::size_t open() const;
  // What has come on a connection since it was last taken.
  std::string take(std::size_t connection);
  void say(std::size_t connection, std::string_view bytes);
  // As much of it as goes, on a connection that may have ended.
  void blurt(std::size_t connection, std::string_view bytes);
  void hang_up(std::size_t connection) { connections_[connection].socket->close(false); }
  void reset(std::size_t connection) { connections_[connection].socket->close(true); }
  // The broker's FIN or reset has come.
  bool ended(std::size_t connection) const { return connections_[connection].ended; }
  // From now on nobody listens, and every connection ends.
  void stop();
  void start();

  void connection_waiting(int listener) override;
  void changed(sim::Socket& socket) override;

 private:
  struct Other {
    sim::Socket* socket = nullptr;
    std::string heard = {};
    bool ended = false;
  };
  sim::Kernel& kernel_;
  int listener_ = 0;
  std::deque<Other> connections_;
};

}  // namespace fanfare::server::testing
