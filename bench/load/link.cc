#include "bench/load/link.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

namespace fanfare::load {

TlsClient::TlsClient(const Target& target)
    : context_(SSL_CTX_new(TLS_client_method())),
      protocol_(target.h2 ? "h2" : "http/1.1"),
      resumes_(target.resume_session) {
  SSL_CTX* const context = context_.get();
  const std::string offer = static_cast<char>(protocol_.size()) + protocol_;
  std::string groups = "X25519:P-256:P-384";  // OpenSSL's macro casts away a const
  const bool ready =
      context != nullptr && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
      SSL_CTX_set_ciphersuites(context,
                               "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                               "TLS_CHACHA20_POLY1305_SHA256") == 1 &&
      SSL_CTX_set1_groups_list(context, groups.data()) == 1 &&
      SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(offer.data()),
                              static_cast<unsigned>(offer.size())) == 0;
  if (!ready) throw std::runtime_error("OpenSSL makes no client");
  // Some thousand connections are open at a time.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep);
  SSL_CTX_set_app_data(context, this);
}

int TlsClient::keep(SSL* ssl, SSL_SESSION* session) {
  auto& client = *static_cast<TlsClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (!client.resumes_) return 0;
  client.session_.reset(session);
  return 1;
}

SSL* TlsClient::connection(int descriptor) {
  SSL* const ssl = SSL_new(context_.get());
  if (ssl == nullptr || SSL_set_fd(ssl, descriptor) != 1) {
    throw std::runtime_error("OpenSSL makes no connection");
  }
  SSL_set_connect_state(ssl);
  if (session_) SSL_set_session(ssl, session_.get());
  return ssl;
}

bool Link::dial(const Target& target, std::uint32_t source, TlsClient* tls) {
  // Blocking on purpose: loopback answers at once, and a full backlog then slows us down.
  descriptor_ = connect_tcp(target.host, target.port, source, true);
  if (descriptor_ < 0) return false;
  tls_ = tls;
  broken_ = false;
  handshaking_ = tls != nullptr;
  if (tls == nullptr) return true;
  ::fcntl(descriptor_, F_SETFL, ::fcntl(descriptor_, F_GETFL) | O_NONBLOCK);
  ssl_.reset(tls->connection(descriptor_));
  shake_hands();
  return true;
}

void Link::close() {
  if (descriptor_ < 0) return;
  // Without a word, but so that its session can be resumed.
  if (ssl_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  ssl_.reset();
  ::close(descriptor_);
  descriptor_ = -1;
  handshaking_ = false;
  early_.clear();
}

// What an OpenSSL call that failed means, as recv(2) says it.
ssize_t Link::result_of(int result) const {
  const int error = SSL_get_error(ssl_.get(), result);
  ERR_clear_error();
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? -1 : 0;
}

// True: it is over.
bool Link::shake_hands() {
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) {
    broken_ = result_of(result) == 0;
    return false;
  }
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &chosen, &size);
  const std::string_view protocol(reinterpret_cast<const char*>(chosen), size);
  handshaking_ = false;
  broken_ = protocol != tls_->protocol() && !(protocol.empty() && tls_->protocol() != "h2");
  if (broken_) return false;
  const std::string early = std::exchange(early_, {});
  broken_ = !early.empty() && !write(early);
  return !broken_;
}

ssize_t Link::read(std::span<char> buffer) {
  if (!ssl_) {
    const ssize_t got = ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got >= 0) return got;
    return errno == EAGAIN || errno == EINTR ? -1 : 0;
  }
  if (handshaking_ && !shake_hands()) return broken_ ? 0 : -1;
  if (broken_) return 0;
  const int got = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
  return got > 0 ? got : result_of(got);
}

bool Link::write(std::string_view bytes) {
  if (handshaking_) {
    early_ += bytes;
    return !broken_;
  }
  while (!bytes.empty()) {
    ssize_t sent = 0;
    if (ssl_) {
      const int result = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
      sent = result > 0 ? result : result_of(result);
    } else {
      sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EINTR) return false;
    }
    if (sent == 0) return false;
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    pollfd room{.fd = descriptor_, .events = POLLOUT, .revents = 0};
    if (::poll(&room, 1, 10'000) <= 0) return false;
  }
  return true;
}

void Link::end() {
  if (ssl_) SSL_shutdown(ssl_.get());
  ERR_clear_error();
  ::shutdown(descriptor_, SHUT_WR);
}

}  // namespace fanfare::load
