// Server: what every handshake of a listener is made with: certificates by the name that the client
// asks for (SNI), versions and ciphers, application protocols (ALPN), session tickets, and perhaps
// the certificates that clients have to show. It never changes: a reload makes another one, and
// connections that were made with the old one keep that.
//
// TLS 1.2 and 1.3. Ciphers of 1.2: ECDHE with AES-GCM or ChaCha20-Poly1305. No renegotiation, no
// compression, no early data. No tickets where clients show certificates: each connection is
// checked anew.
//
// Thread: any, once made.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/wire/tls/client_trust.h"
#include "broker/wire/tls/identity.h"
#include "broker/wire/tls/owned.h"
#include "broker/wire/tls/ticket_keys.h"

namespace fanfare::tls {

struct Named {
  std::vector<std::string> names;  // hosts, or "*.example.org": one label in place of the star
  Identity identity;
};

struct ServerOptions {
  Identity fallback;              // for clients that ask for no name, or for one that nobody has
  std::vector<Named> named = {};  // the first of equal names counts
  std::vector<std::string> protocols = {"http/1.1"};  // ALPN, the preferred one first
  ClientTrust clients = {};
};

class Server {
 public:
  // The error is a sentence.
  static std::expected<std::shared_ptr<const Server>, std::string> make(
      const ServerOptions& options, std::shared_ptr<TicketKeys> tickets);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // For Openssl: the object of a new connection, and what it reads from and writes to.
  OwnedSsl connection() const;
  const BIO_METHOD* pipe() const { return pipe_.get(); }
  const std::vector<std::string>& protocols() const { return protocols_; }
  TicketKeys& tickets() const { return *tickets_; }

 private:
  // OpenSSL's callbacks.
  struct Callbacks;

  explicit Server(std::shared_ptr<TicketKeys> tickets) : tickets_(std::move(tickets)) {}
  std::expected<OwnedSslServer, std::string> prepare(const Identity& identity,
                                                     const ClientTrust& clients) const;
  SSL_CTX* server_for(std::string_view host) const;

  std::shared_ptr<TicketKeys> tickets_;
  std::vector<std::string> protocols_;
  OwnedBioMethod pipe_;
  OwnedSslServer fallback_;
  std::vector<OwnedSslServer> others_;
  std::unordered_map<std::string, SSL_CTX*> by_name_;
};

}  // namespace fanfare::tls
