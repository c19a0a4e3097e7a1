// A TLS client in memory: OpenSSL's own, which knows nothing of ours. And what tests of TLS need
// beside it: a server with a self-signed certificate, and both ends talking until neither has more
// to say.
#pragma once

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/wire/tls/engine.h"
#include "broker/wire/tls/identity.h"
#include "broker/wire/tls/self_signed.h"
#include "broker/wire/tls/server.h"

namespace fanfare::tls {

inline constexpr std::chrono::sys_seconds kToday{
    std::chrono::sys_days{std::chrono::year(2026) / 11 / 26}};

inline SelfSigned self_signed(const std::vector<std::string>& names) {
  // Valid by the clock that OpenSSL's client reads, too.
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return *make_self_signed(names, now, std::chrono::days(30));
}

inline Identity identity_for(const std::vector<std::string>& names) {
  const SelfSigned made = self_signed(names);
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  auto identity = read_identity({"cert.pem", made.certificate}, {"key.pem", made.key}, now);
  return std::move(*identity);
}

inline std::shared_ptr<const Server> server_of(const ServerOptions& options,
                                               std::shared_ptr<TicketKeys> tickets = nullptr) {
  if (!tickets) tickets = std::make_shared<TicketKeys>(TimePoint{});
  auto server = Server::make(options, std::move(tickets));
  EXPECT_TRUE(server.has_value()) << server.error();
  return *server;
}

inline std::shared_ptr<const Server> simple_server() {
  return server_of({.fallback = identity_for({"localhost"})});
}

using OwnedSession = std::unique_ptr<SSL_SESSION, Freed<SSL_SESSION_free>>;

struct ClientOptions {
  int version = TLS1_3_VERSION;
  std::string host = {};
  std::vector<std::string> protocols = {};
  std::string ciphers_13 = {};
  std::uint8_t fragments = TLSEXT_max_fragment_length_DISABLED;  // RFC 6066 §4
  SSL_SESSION* session = nullptr;
  const Identity* identity = nullptr;
};

class Client {
 public:
  explicit Client(const ClientOptions& options = {}) : server_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_min_proto_version(server_.get(), options.version);
    SSL_CTX_set_max_proto_version(server_.get(), options.version);
    SSL_CTX_set_security_level(server_.get(), 0);
    SSL_CTX_set_session_cache_mode(server_.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(server_.get(), [](SSL* ssl, SSL_SESSION* session) {
      static_cast<Client*>(SSL_get_app_data(ssl))->sessions_.emplace_back(session);
      return 1;
    });
    if (!options.ciphers_13.empty()) {
      SSL_CTX_set_ciphersuites(server_.get(), options.ciphers_13.c_str());
    }
    SSL_CTX_set_tlsext_max_fragment_length(server_.get(), options.fragments);
    if (options.identity != nullptr) {
      SSL_CTX_use_certificate(server_.get(), options.identity->certificate.get());
      SSL_CTX_use_PrivateKey(server_.get(), options.identity->key.get());
    }
    ssl_.reset(SSL_new(server_.get()));
    SSL_set_app_data(ssl_.get(), this);
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_connect_state(ssl_.get());
    if (std::string host = options.host; !host.empty()) {
      SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data());
    }
    std::string list;
    for (const std::string& protocol : options.protocols) {
      list += static_cast<char>(protocol.size());
      list += protocol;
    }
    if (!list.empty()) {
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(list.data()),
                          static_cast<unsigned>(list.size()));
    }
    if (options.session != nullptr) SSL_set_session(ssl_.get(), options.session);
  }

  SSL* ssl() { return ssl_.get(); }
  // Reads what came and goes on with the handshake; gives what it has to say.
  std::string receive(std::string_view cipher) {
    ERR_clear_error();
    if (!cipher.empty()) BIO_write(in_, cipher.data(), static_cast<int>(cipher.size()));
    if (!done()) {
      const int result = SSL_do_handshake(ssl_.get());
      if (result != 1 && SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) fail();
    }
    while (done() && !failed_) {
      char buffer[4096];
      const int size = SSL_read(ssl_.get(), buffer, sizeof(buffer));
      if (size > 0) {
        text_.append(buffer, static_cast<std::size_t>(size));
        continue;
      }
      const int error = SSL_get_error(ssl_.get(), size);
      if (error == SSL_ERROR_ZERO_RETURN) ended_ = true;
      if (error == SSL_ERROR_SSL) fail();
      break;
    }
    return take();
  }
  std::string send(std::string_view text) {
    SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
    return take();
  }
  std::string close() {
    SSL_shutdown(ssl_.get());
    return take();
  }
  std::string take() {
    std::string said(BIO_ctrl_pending(out_), '\0');
    if (!said.empty()) BIO_read(out_, said.data(), static_cast<int>(said.size()));
    return said;
  }

  bool done() const { return SSL_is_init_finished(ssl_.get()) == 1; }
  bool failed() const { return failed_; }
  bool ended() const { return ended_; }
  int failure() const { return failure_; }  // a reason of OpenSSL's
  std::string take_text() { return std::exchange(text_, {}); }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  // A copy of the newest (OpenSSL marks one that was used as used), or null.
  OwnedSession session() const {
    return OwnedSession(sessions_.empty() ? nullptr : SSL_SESSION_dup(sessions_.back().get()));
  }
  std::size_t sessions() const { return sessions_.size(); }
  std::string protocol() const {
    const unsigned char* data = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &data, &size);
    return {reinterpret_cast<const char*>(data), size};
  }
  // The first host of the server's certificate.
  bool sees(const std::string& host) const {
    X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    return certificate != nullptr && X509_check_host(certificate, host.c_str(), 0, 0, nullptr) == 1;
  }

 private:
  void fail() {
    failed_ = true;
    failure_ = ERR_GET_REASON(ERR_peek_error());
    ERR_clear_error();
  }

  OwnedSslServer server_;
  OwnedSsl ssl_;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  std::string text_;
  std::vector<OwnedSession> sessions_;
  bool failed_ = false;
  bool ended_ = false;
  int failure_ = 0;
};

// Both ends of one connection.
struct Pair {
  explicit Pair(std::shared_ptr<const Server> server, const ClientOptions& options = {})
      : engine(std::move(server), aead), client(options) {}

  // Until neither has more to say.
  void talk(std::string to_engine) {
    while (!to_engine.empty()) {
      std::string to_client;
      engine.received(to_engine, text, to_client);
      to_engine = client.receive(to_client);
    }
  }
  void shake_hands() { talk(client.receive({})); }
  // What the client reads when the server sends this.
  std::string sent(std::string_view said) {
    std::string cipher;
    engine.send(said, cipher);
    EXPECT_LE(cipher.size(), Engine::sealed_bytes_max(said.size()));
    talk(client.receive(cipher));
    return client.take_text();
  }
  bool open() const { return engine.state() == Engine::State::open && client.done(); }

  Aead aead;
  Engine engine;
  Client client;
  std::string text;  // that the server has read
};

}  // namespace fanfare::tls
