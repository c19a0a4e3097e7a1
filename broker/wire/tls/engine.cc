#include "broker/wire/tls/engine.h"

#include <utility>

#include "common/check.h"

namespace fanfare::tls {

Engine::Engine(std::shared_ptr<const Server> server, Aead& aead)
    : aead_(aead), openssl_(std::make_unique<Openssl>(std::move(server))) {}

// Every TLS connection begins with a record of the handshake (RFC 8446 §5.1); requests of HTTP
// begin with a capital letter.
void Engine::look_at_first(char first) {
  constexpr char kHandshakeRecord = 22;
  if (first == kHandshakeRecord) return;
  fail(first >= 'A' && first <= 'Z' ? Failure::plain_http : Failure::not_tls);
}

void Engine::fail(Failure failure) {
  state_ = State::failed;
  failure_ = failure;
  openssl_.reset();
}

// True: it is over, and `input` is what came behind it.
bool Engine::shake_hands(std::string_view& input, std::string& out) {
  const std::size_t before = input.size();
  const Openssl::Step step = openssl_->handshake(input, out);
  handshake_bytes_ += static_cast<std::uint32_t>(before - input.size());
  if (step != Openssl::Step::more) peer_ = openssl_->peer();
  if (step == Openssl::Step::failed) {
    fail(openssl_->failure());
  } else if (step == Openssl::Step::ended) {
    fail(Failure::refused_by_peer);
  } else if (handshake_bytes_ > kHandshakeBytesMax) {
    fail(Failure::too_large);
  }
  if (step != Openssl::Step::done || state_ == State::failed) return false;
  state_ = State::open;
  resumed_ = openssl_->resumed();
  if (const auto protocol = openssl_->protocol()) protocol_ = static_cast<std::uint8_t>(*protocol);
  if (const auto secrets = openssl_->secrets()) {
    const std::uint64_t written = openssl_->send_tickets(out);
    records_.emplace(secrets->cipher, secrets->server, secrets->client, written, secrets->text_max);
    openssl_.reset();
  }
  return true;
}

Engine::State Engine::received(std::string_view input, std::string& text, std::string& out) {
  if (input.empty() || state_ == State::ended || state_ == State::failed) return state_;
  if (state_ == State::handshaking) {
    if (handshake_bytes_ == 0) look_at_first(input.front());
    if (state_ == State::failed || !shake_hands(input, out)) return state_;
  }
  const std::size_t before = out.size();
  if (records_) {
    const Records::State state = records_->received(aead_, input, text, out);
    if (closed_) out.resize(before);  // RFC 8446 §6.1: nothing follows the close_notify
    if (state == Records::State::ended) state_ = State::ended;
    if (state == Records::State::failed) fail(records_->failure());
    return state_;
  }
  const Openssl::Step step = openssl_->receive(input, text, out);
  if (step == Openssl::Step::ended) state_ = State::ended;
  if (step == Openssl::Step::failed) fail(openssl_->failure());
  // All that OpenSSL answers here by itself is that it does not negotiate again: as often as it is
  // asked, and a peer that asks need not read.
  if (state_ == State::open && out.size() > before) fail(Failure::malformed);
  return state_;
}

void Engine::send(std::string_view text, std::string& out) {
  CHECK(state_ == State::open || state_ == State::ended, "only after the handshake");
  if (records_) {
    records_->send(aead_, text, out);
  } else {
    openssl_->send(text, out);
  }
}

void Engine::close(std::string& out) {
  if ((state_ != State::open && state_ != State::ended) || std::exchange(closed_, true)) return;
  if (records_) {
    records_->send_close_notify(aead_, out);
  } else {
    openssl_->send_close_notify(out);
  }
}

std::optional<std::size_t> Engine::protocol() const {
  return protocol_ == kNoProtocol ? std::nullopt : std::optional<std::size_t>(protocol_);
}

}  // namespace fanfare::tls
