// Shard, the part about how a connection on a subscriber listener begins: perhaps with the word of
// a front, then with one of the protocols.

#include <string>
#include <utility>

#include "broker/server/shard/shard.h"

namespace fanfare::server {

void Shard::greet(io::Slot slot) {
  Connection& connection = connections_[slot];
  connection.state = State::greeting;
  connection.due = tick_ + ticks(settings_->limits.head_time);
  arm_receive(slot);
}

void Shard::greeted(io::Slot slot, std::string_view bytes) {
  const Greeting greeting = greeter_.received(slot, bytes, now_);
  if (greeting.kind == Greeting::Kind::more) return arm_receive(slot);
  if (greeting.kind == Greeting::Kind::refused) {
    return obey(slot, port_.turn_away(
                          slot, {.status = greeting.status, .sentence = greeting.sentence}, tick_));
  }
  // From here on it is a client's, who may have as many as others.
  if (greeting.named) {
    const auto share = limits_.admit(connections_.peer(slot));
    if (!share) return close(slot, CloseReason::overloaded);
    limits_.connected(slot, *share);
  }
  // Hardly ever is anything held: then nothing is copied.
  const std::string joined =
      greeting.held.empty() ? "" : greeting.held + std::string(greeting.rest);
  const std::string_view first = joined.empty() ? greeting.rest : std::string_view(joined);
  if (!shared_) return obey(slot, port_.begin(slot, tick_, first));
  shared_->begin(slot, tick_, first);
  obey_shared();
}

}  // namespace fanfare::server
