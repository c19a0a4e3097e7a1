// Openssl: a connection as OpenSSL makes it, without a socket: the handshake of either version, and
// then, if it is TLS 1.2, all the rest. With TLS 1.3 it gives away the traffic secrets and is not
// needed any more (Records goes on).
//
// Bytes come from, and go to, memory of the caller's, call by call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/wire/tls/aead.h"
#include "broker/wire/tls/failure.h"
#include "broker/wire/tls/hello_length.h"
#include "broker/wire/tls/owned.h"
#include "broker/wire/tls/peer_certificate.h"
#include "broker/wire/tls/records.h"
#include "broker/wire/tls/server.h"

namespace fanfare::tls {

class Openssl {
 public:
  enum class Step : std::uint8_t { more, done, ended, failed };

  explicit Openssl(std::shared_ptr<const Server> server);
  ~Openssl();
  Openssl(const Openssl&) = delete;
  Openssl& operator=(const Openssl&) = delete;

  // Takes what it can use of `input`, all of it until it is done.
  Step handshake(std::string_view& input, std::string& out);
  // After it, with TLS 1.2: takes all of `input`; `done` is never said.
  Step receive(std::string_view input, std::string& text, std::string& out);
  void send(std::string_view text, std::string& out);
  void send_close_notify(std::string& out);
  Failure failure() const { return failure_; }

  // After it, with TLS 1.3: sends tickets, with which the client may resume; returns in how many
  // records.
  std::uint64_t send_tickets(std::string& out);
  // What Records needs; nothing: it is TLS 1.2.
  struct Secrets {
    Cipher cipher{};
    std::string_view server, client;
    std::size_t text_max = kRecordTextMax;  // of each record to the client
  };
  std::optional<Secrets> secrets() const;

  // The index in Server::protocols(), or nothing: none was negotiated.
  std::optional<std::size_t> protocol() const;
  bool resumed() const;
  // The peer's certificate, which is good; after a failure, the one that was refused. Null: none.
  std::shared_ptr<const PeerCertificate> peer() const;

  // For Server.
  static void note_secret(const SSL* ssl, const char* line);
  // A certificate is about to be refused; `error` is one of X509_V_ERR_…
  static void note_refusal(const SSL* ssl, int error, const X509* certificate);
  static OwnedBioMethod make_pipe();

 private:
  struct Pipe;

  void open_pipe(std::string_view input, std::string& out);
  std::string_view close_pipe();
  Step step_after(int result);

  std::shared_ptr<const Server> server_;
  OwnedSsl ssl_;
  std::string_view input_;
  std::string* out_ = nullptr;
  std::string server_secret_;
  std::string client_secret_;
  HelloLength hello_;
  Failure failure_ = Failure::none;
  Failure certificate_failure_ = Failure::certificate_refused;
  std::shared_ptr<const PeerCertificate> refused_;
};

}  // namespace fanfare::tls
