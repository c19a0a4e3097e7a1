// TlsPeer: a client of the broker's that speaks TLS (OpenSSL's own), over a Peer.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "tests/server/small_broker.h"
#include "tests/wire/tls/client.h"

namespace fanfare::server::testing {

class TlsPeer {
 public:
  explicit TlsPeer(SmallBroker& broker, const tls::ClientOptions& options = {},
                   sim::Door door = sim::Door::tls)
      : broker_(broker), peer_(broker.connect(door)), client_(options) {}

  Peer& peer() { return peer_; }
  tls::Client& client() { return client_; }
  // Until the handshake is over, or has failed.
  void shake_hands() {
    say_cipher(client_.receive({}));
    for (int i = 0; i < kRounds && !client_.done() && !client_.failed(); ++i) read();
  }
  void say(std::string_view text) { say_cipher(client_.send(text)); }
  void say_cipher(std::string_view cipher) {
    if (!cipher.empty()) peer_.say(cipher);
    broker_.pass();
  }
  // All text that has come since it was last taken.
  std::string take() {
    read();
    return client_.take_text();
  }
  // Answers what has come, where the protocol wants that.
  void read() { say_cipher(client_.receive(peer_.take())); }

 private:
  static constexpr int kRounds = 10;

  SmallBroker& broker_;
  Peer& peer_;
  tls::Client client_;
};

}  // namespace fanfare::server::testing
