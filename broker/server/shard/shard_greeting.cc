// Shard, the part about how a connection on a subscriber listener begins: perhaps with the word of
// a front, then with TLS, then with one of the protocols.

#include <fmt/format.h>

#include <string>
#include <utility>

#include "broker/server/shard/shard.h"

#include "common/quotable.h"

namespace fanfare::server {

void Shard::greet(io::Slot slot) {
  Connection& connection = connections_[slot];
  connection.state = State::greeting;
  connection.due = tick_ + ticks(settings_->limits.head_time);
  arm_receive(slot);
}

void Shard::greeted(io::Slot slot, std::string_view bytes) {
  if (config_.tls != nullptr && config_.tls->speaks_tls(slot)) return begin_protocol(slot, bytes);
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
  if (config_.tls == nullptr || !config_.tls->is_expected(slot)) return begin_protocol(slot, first);
  if (config_.tls->handshakes() >= settings_->limits.tls_handshakes) {
    ++counters_.tls_refused_total;
    return close(slot, CloseReason::overloaded);
  }
  config_.tls->begin(slot, first);
  arm_receive(slot);
}

// A publisher's connection speaks TLS from its first byte. False: there is no place for its
// handshake.
bool Shard::secure(io::Slot slot) {
  if (config_.tls->handshakes() >= settings_->limits.tls_handshakes) {
    ++counters_.tls_refused_total;
    return false;
  }
  config_.tls->expect(slot, Audience::publishers);
  config_.tls->begin(slot, {});
  return true;
}

// Its first text has come, so that its handshake is over.
void Shard::know_publisher(io::Slot slot) {
  if (config_.tls == nullptr || connections_[slot].port != Port::publish) return;
  if (connections_.certificate(slot)) return;
  if (auto shown = config_.tls->peer(slot)) connections_.certify(slot, std::move(shown));
}

// What speaks on the connection from here on. In clear the first bytes say so; over TLS, where the
// handshake is over and the first text has come, ALPN has (RFC 9113 §3.3).
void Shard::begin_protocol(io::Slot slot, std::string_view first) {
  const bool secure = config_.tls != nullptr && config_.tls->speaks_tls(slot);
  connections_[slot].secure = secure;
  const bool shares = secure ? config_.tls->protocol(slot) == "h2" : settings_->listen.h2c;
  if (!shared_ || !shares) return obey(slot, port_.begin(slot, tick_, first));
  shared_->begin(slot, tick_, first);
  obey_shared();
}

// The peer may still be reading why: an alert, or an answer in clear.
void Shard::tls_failed(io::Slot slot) {
  if (connections_[slot].state == State::lingering) {
    return close(slot, connections_[slot].reason);
  }
  if (const auto left_out = tls_log_.admit(now_); left_out >= 0) {
    const auto refused = config_.tls->peer(slot);
    log::warn("a TLS connection from {} failed: {}{}{}", connections_.peer(slot).text(),
              tls::sentence_of(config_.tls->failure(slot)),
              refused ? fmt::format(" ({})", quotable(refused->subject)) : "",
              log::left_out_note(left_out));
  }
  // What carries streams ends them first.
  if (connections_[slot].state == State::shared) return close(slot, CloseReason::tls_failed);
  linger(slot, CloseReason::tls_failed);
}

}  // namespace fanfare::server
