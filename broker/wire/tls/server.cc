#include "broker/wire/tls/server.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <utility>

#include "broker/wire/tls/openssl.h"
#include "broker/wire/tls/pem.h"

#include "common/check.h"

namespace fanfare::tls {
namespace {

constexpr const char* kCiphers12 = "ECDHE+AESGCM:ECDHE+CHACHA20";
// Those that Records can go on with; the machine's openssl.cnf may name others. In the order of
// browsers: SHA-384, which comes with AES-256, makes a handshake dearer.
constexpr const char* kCiphers13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr std::string_view kGroups = "X25519:P-256:P-384";
// What a client may send before its Finished, its certificates first of all.
constexpr long kCertificatesBytesMax = 32L << 10;

const Server& server_of(const SSL* ssl) {
  return *static_cast<const Server*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

}  // namespace

struct Server::Callbacks {
  static int named(SSL* ssl, int* alert, void* unused) {
    (void)alert;
    (void)unused;
    const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_CTX* const server = server_of(ssl).server_for(name);
    if (server != SSL_get_SSL_CTX(ssl)) SSL_set_SSL_CTX(ssl, server);
    return SSL_TLSEXT_ERR_OK;
  }

  // RFC 7301 §3.2: nothing in common is the end of the handshake.
  static int protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                      const unsigned char* offered, unsigned offered_size, void* unused) {
    (void)unused;
    const std::string_view list(reinterpret_cast<const char*>(offered), offered_size);
    for (const std::string& protocol : server_of(ssl).protocols_) {
      for (std::size_t at = 0; at < list.size();) {
        const std::size_t size = static_cast<unsigned char>(list[at]);
        if (list.substr(at + 1, size) == protocol) {
          *chosen = offered + at + 1;
          *chosen_size = static_cast<unsigned char>(size);
          return SSL_TLSEXT_ERR_OK;
        }
        at += 1 + size;
      }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }

  // AES-256-CBC and HMAC-SHA-256, as RFC 5077 §4 recommends.
  static int ticket(SSL* ssl, unsigned char* name, unsigned char* start, EVP_CIPHER_CTX* cipher,
                    EVP_MAC_CTX* mac, int sealing) {
    const TicketKeys& keys = *server_of(ssl).tickets_;
    TicketKeys::Key key;
    bool newest = true;
    if (sealing == 1) {
      key = keys.newest();
      std::ranges::copy(key.name, name);
      if (RAND_bytes(start, EVP_MAX_IV_LENGTH) != 1) return -1;
    } else {
      auto found = keys.find(std::span<const unsigned char, 16>(name, 16));
      if (!found) return 0;  // a full handshake
      key = found->key;
      newest = found->newest;
      OPENSSL_cleanse(&*found, sizeof(*found));
    }
    std::string digest = "SHA256";
    std::array<OSSL_PARAM, 3> parameters{
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    const bool ready = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(),
                                         start, sealing) == 1 &&
                       EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
    OPENSSL_cleanse(&key, sizeof(key));
    if (!ready) return -1;
    return newest ? 1 : 2;  // 2: good, and to be replaced
  }

  static int verified(int good, X509_STORE_CTX* chain) {
    if (good == 1) return good;
    const auto* const ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
    Openssl::note_refusal(ssl, X509_STORE_CTX_get_error(chain), X509_STORE_CTX_get0_cert(chain));
    return good;
  }

  // Certificates of the clients are checked against this and nothing else. An authority counts
  // whether or not its own issuer is there; so does a client's certificate that is listed itself.
  static void trust(SSL_CTX* server, const ClientTrust& clients) {
    X509_STORE* const store = SSL_CTX_get_cert_store(server);
    for (const OwnedCertificate& authority : clients.authorities) {
      X509_STORE_add_cert(store, authority.get());
      SSL_CTX_add_client_CA(server, authority.get());
    }
    for (const OwnedRevocations& list : clients.revocations) {
      X509_STORE_add_crl(store, list.get());
    }
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN |
                                    (clients.revocations.empty() ? 0 : X509_V_FLAG_CRL_CHECK));
    SSL_CTX_set_options(server, SSL_OP_NO_TICKET);
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, verified);
  }
};

Server::~Server() = default;

std::expected<OwnedSslServer, std::string> Server::prepare(const Identity& identity,
                                                           const ClientTrust& clients) const {
  ERR_clear_error();
  OwnedSslServer made(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const server = made.get();
  std::string groups(kGroups);  // OpenSSL's macro casts away a const
  bool fits = server != nullptr && SSL_CTX_set_min_proto_version(server, TLS1_2_VERSION) == 1 &&
              SSL_CTX_set_cipher_list(server, kCiphers12) == 1 &&
              SSL_CTX_set_ciphersuites(server, kCiphers13) == 1 &&
              SSL_CTX_set1_groups_list(server, groups.data()) == 1 &&
              SSL_CTX_use_certificate(server, identity.certificate.get()) == 1 &&
              SSL_CTX_use_PrivateKey(server, identity.key.get()) == 1;
  for (const OwnedCertificate& above : identity.chain) {
    fits = fits && SSL_CTX_add1_chain_cert(server, above.get()) == 1;
  }
  if (!fits) {
    return std::unexpected(fmt::format("OpenSSL refuses the certificate of {}: {}",
                                       subject_of(identity.certificate.get()), last_error()));
  }
  SSL_CTX_set_options(server, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                  SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(server, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(server, 0);
  SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_early_data(server, 0);
  SSL_CTX_set_max_cert_list(server, kCertificatesBytesMax);
  SSL_CTX_set_timeout(server, kTicketSeconds);
  // Engine sends them, after the handshake.
  SSL_CTX_set_num_tickets(server, 0);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(server, Callbacks::ticket);
  // (SSL_CTX_set_tlsext_servername_callback is a macro with a cast in it.)
  SSL_CTX_callback_ctrl(server, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(Callbacks::named));
  SSL_CTX_set_alpn_select_cb(server, Callbacks::protocol, nullptr);
  SSL_CTX_set_keylog_callback(server, Openssl::note_secret);
  SSL_CTX_set_app_data(server, const_cast<Server*>(this));
  if (!clients.empty()) Callbacks::trust(server, clients);
  return made;
}

std::expected<std::shared_ptr<const Server>, std::string> Server::make(
    const ServerOptions& options, std::shared_ptr<TicketKeys> tickets) {
  std::shared_ptr<Server> server(new Server(std::move(tickets)));
  server->pipe_ = Openssl::make_pipe();
  server->protocols_ = options.protocols;
  auto fallback = server->prepare(options.fallback, options.clients);
  if (!fallback) return std::unexpected(fallback.error());
  server->fallback_ = std::move(*fallback);
  for (const Named& named : options.named) {
    auto other = server->prepare(named.identity, options.clients);
    if (!other) return std::unexpected(other.error());
    for (const std::string& name : named.names) {
      server->by_name_.try_emplace(host_key(name), other->get());
    }
    server->others_.push_back(std::move(*other));
  }
  return server;
}

SSL_CTX* Server::server_for(std::string_view host) const {
  const std::string key = host_key(host);
  if (const auto exact = by_name_.find(key); exact != by_name_.end()) return exact->second;
  if (const std::size_t dot = key.find('.'); dot != std::string::npos && dot > 0) {
    const auto wildcard = by_name_.find("*" + key.substr(dot));
    if (wildcard != by_name_.end()) return wildcard->second;
  }
  return fallback_.get();
}

OwnedSsl Server::connection() const {
  OwnedSsl ssl(SSL_new(fallback_.get()));
  CHECK(ssl != nullptr, "out of memory");
  return ssl;
}

}  // namespace fanfare::tls
