// Link: one connection to the server, plain or over TLS, as bytes; and TlsClient, what the links of
// one process are secured with. The TLS is OpenSSL's, none of the broker's own: what the server
// seals is opened by other code.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "bench/load/target.h"

namespace fanfare::load {

// TLS 1.2 and 1.3 with the groups and ciphers that browsers prefer. Certificates are not checked.
class TlsClient {
 public:
  explicit TlsClient(const Target& target);
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // A connection's end; it resumes the latest session, if the target says so and there is one.
  SSL* connection(int descriptor);
  std::string_view protocol() const { return protocol_; }

 private:
  static int keep(SSL* ssl, SSL_SESSION* session);

  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL_SESSION, Free> session_;
  std::string protocol_;
  bool resumes_;
};

class Link {
 public:
  Link() = default;
  ~Link() { close(); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Connects. False: it could not. `tls` (null: plain) outlives the link. `source`:
  // 127.0.0.<source> is the client's address.
  bool dial(const Target& target, std::uint32_t source, TlsClient* tls);
  void close();
  int descriptor() const { return descriptor_; }
  bool closed() const { return descriptor_ < 0; }
  // What is written arrives from now on.
  bool open() const { return descriptor_ >= 0 && !handshaking_; }
  bool resumed() const { return ssl_ != nullptr && SSL_session_reused(ssl_.get()) == 1; }

  // As recv(2): how many bytes; 0: it has ended, or broken; -1: there are none now.
  ssize_t read(std::span<char> buffer);
  // Some are here that no poll will tell of.
  bool holds_more() const { return ssl_ != nullptr && SSL_has_pending(ssl_.get()) == 1; }
  // All of it, which may wait for room; before the handshake is over it is kept until then. False:
  // it has ended.
  bool write(std::string_view bytes);
  // In order: nothing more is said. The rest is to be read.
  void end();

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  bool shake_hands();
  ssize_t result_of(int result) const;

  int descriptor_ = -1;
  bool handshaking_ = false;
  bool broken_ = false;
  std::unique_ptr<SSL, Free> ssl_;
  std::string early_;  // written before the handshake was over
  TlsClient* tls_ = nullptr;
};

}  // namespace fanfare::load
