// TlsEnd: the client's end of one TLS connection: OpenSSL's own client on BIOs in memory, which
// shares nothing with the broker's engine. What OpenSSL draws at random has no part in what happens
// on a day: with Ed25519 keys, which these are, every message of a handshake has the same size each
// time.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker/wire/tls/owned.h"
#include "broker/wire/tls/server.h"

#include "common/random.h"

namespace fanfare::sim {

struct TlsHabits {
  bool old = false;     // TLS 1.2
  bool resumes = true;  // with the newest ticket that it has
  bool names_host = true;
  double says_goodbye = 0.5;  // per orderly end of its own: close_notify comes before FIN

  static TlsHabits drawn(Random& random);
};

// What a broker's TLS listeners serve with. Each is another one, as after a reload.
std::shared_ptr<const tls::Server> make_tls_server(std::shared_ptr<tls::TicketKeys> tickets);

using TlsTicket = std::unique_ptr<SSL_SESSION, tls::Freed<SSL_SESSION_free>>;

class TlsEnd {
 public:
  // Speaks the protocol (ALPN); resumes with the ticket, if there is one.
  TlsEnd(const TlsHabits& habits, std::string_view protocol, SSL_SESSION* ticket);
  ~TlsEnd();
  TlsEnd(const TlsEnd&) = delete;
  TlsEnd& operator=(const TlsEnd&) = delete;

  // Appends the text in it to `text`. False: the broker has broken the rules, or said an alert.
  bool received(std::string_view cipher, std::string& text);
  // Once the handshake is over.
  void send(std::string_view text);
  // close_notify, after all text.
  void close();
  // To be said now.
  std::string take();
  // Some text waits for the end of the handshake.
  bool waits() const { return !waiting_.empty() || (closing_ && !closed_); }

  bool open() const;
  bool resumed() const;
  // The broker has said close_notify.
  bool ended() const { return ended_; }
  // Some bytes of a record have come, and not the rest.
  bool in_record() const;
  bool speaks(std::string_view protocol) const;
  // The newest ticket that came; null: none.
  TlsTicket take_ticket() { return std::move(ticket_); }
  const std::string& problem() const { return problem_; }

 private:
  struct Callbacks;
  friend struct Callbacks;
  void fail();
  void go_on();

  tls::OwnedSsl ssl_;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  std::string waiting_;
  std::string problem_;
  TlsTicket ticket_;
  bool ended_ = false;
  bool closing_ = false;
  bool closed_ = false;
};

}  // namespace fanfare::sim
