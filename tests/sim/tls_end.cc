#include "tests/sim/tls_end.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <array>
#include <chrono>
#include <utility>

#include "broker/wire/tls/identity.h"
#include "broker/wire/tls/ticket_keys.h"

#include "common/check.h"

namespace fanfare::sim {
namespace {

// Both are nobody's secret: they are made for this alone.
constexpr std::string_view kCertificate = R"(-----BEGIN CERTIFICATE-----
MIIBWzCCAQ2gAwIBAgIUR/wv8RHugnloQg5tNPIZv/IzeQ4wBQYDK2VwMBYxFDAS
BgNVBAMMC2Jyb2tlci50ZXN0MCAXDTI2MTEyNzAyMzMzNFoYDzIxMjYxMTAzMDIz
MzM0WjAWMRQwEgYDVQQDDAticm9rZXIudGVzdDAqMAUGAytlcAMhAG7HcJstfID8
smQn82DDwKdiA8oMmrM3rLZyxQcwPvIRo2swaTAdBgNVHQ4EFgQUHvGIEYcdPEhy
H+mf62rGVF+6ozcwHwYDVR0jBBgwFoAUHvGIEYcdPEhyH+mf62rGVF+6ozcwDwYD
VR0TAQH/BAUwAwEB/zAWBgNVHREEDzANggticm9rZXIudGVzdDAFBgMrZXADQQBf
kDrUGEmgYDLHq0Dov5rcDKL8/cj8mFV6JlYT14hMkLF4futVbtXCI4F1BATMkmbK
6ehiNe86tIsAQkEKCOQM
-----END CERTIFICATE-----
)";
constexpr std::string_view kKey = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIL+vBFINTwE4JAKOXJStLE1eFjrFEKJsFw0NVXZJ5nUd
-----END PRIVATE KEY-----
)";
// Within its life.
constexpr std::chrono::sys_seconds kToday{
    std::chrono::sys_days{std::chrono::year(2027) / std::chrono::January / 1}};

}  // namespace

TlsHabits TlsHabits::drawn(Random& random) {
  TlsHabits habits;
  habits.old = random.chance(0.3);
  habits.resumes = random.chance(0.8);
  habits.names_host = random.chance(0.5);
  return habits;
}

std::shared_ptr<const tls::Server> make_tls_server(std::shared_ptr<tls::TicketKeys> tickets) {
  auto identity = tls::read_identity({"cert.pem", std::string(kCertificate)},
                                     {"key.pem", std::string(kKey)}, kToday);
  CHECK(identity.has_value(), "the simulation's own certificate is a good one");
  auto server = tls::Server::make(
      {.fallback = std::move(*identity), .protocols = {"h2", "http/1.1"}}, std::move(tickets));
  CHECK(server.has_value(), "the simulation's own certificate is a good one");
  return *server;
}

struct TlsEnd::Callbacks {
  static SSL_CTX* client() {
    static SSL_CTX* const kClient = [] {
      SSL_CTX* const made = SSL_CTX_new(TLS_client_method());
      CHECK(made != nullptr, "memory");
      SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
      SSL_CTX_sess_set_new_cb(made, [](SSL* ssl, SSL_SESSION* ticket) {
        static_cast<TlsEnd*>(SSL_get_app_data(ssl))->ticket_.reset(ticket);
        return 1;
      });
      return made;
    }();
    return kClient;
  }
};

TlsEnd::TlsEnd(const TlsHabits& habits, std::string_view protocol, SSL_SESSION* ticket)
    : ssl_(SSL_new(Callbacks::client())) {
  SSL* const ssl = ssl_.get();
  SSL_set_app_data(ssl, this);
  SSL_set_min_proto_version(ssl, habits.old ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_set_max_proto_version(ssl, habits.old ? TLS1_2_VERSION : TLS1_3_VERSION);
  in_ = BIO_new(BIO_s_mem());
  out_ = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, in_, out_);
  SSL_set_connect_state(ssl);
  if (habits.names_host) {
    std::string host = "broker.test";
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data());
  }
  const std::string list =
      std::string(1, static_cast<char>(protocol.size())) + std::string(protocol);
  SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(list.data()),
                      static_cast<unsigned>(list.size()));
  if (ticket != nullptr) SSL_set_session(ssl, ticket);
  go_on();
}

TlsEnd::~TlsEnd() = default;

bool TlsEnd::open() const {
  return SSL_is_init_finished(ssl_.get()) == 1;
}

bool TlsEnd::resumed() const {
  return SSL_session_reused(ssl_.get()) == 1;
}

bool TlsEnd::in_record() const {
  return SSL_has_pending(ssl_.get()) == 1 || BIO_ctrl_pending(in_) > 0;
}

bool TlsEnd::speaks(std::string_view protocol) const {
  const unsigned char* data = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &data, &size);
  return std::string_view(reinterpret_cast<const char*>(data), size) == protocol;
}

void TlsEnd::fail() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_peek_error(), text.data(), text.size());
  if (problem_.empty()) problem_ = text.data();
  ERR_clear_error();
}

// The handshake; then what waited for its end.
void TlsEnd::go_on() {
  ERR_clear_error();
  if (!open()) {
    const int result = SSL_do_handshake(ssl_.get());
    if (result != 1 && SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) fail();
  }
  if (!open() || !problem_.empty()) return;
  if (!waiting_.empty()) {
    const std::string text = std::exchange(waiting_, {});
    if (SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) <= 0) fail();
  }
  if (closing_ && !std::exchange(closed_, true)) SSL_shutdown(ssl_.get());
}

bool TlsEnd::received(std::string_view cipher, std::string& text) {
  BIO_write(in_, cipher.data(), static_cast<int>(cipher.size()));
  go_on();
  while (open() && problem_.empty() && !ended_) {
    std::array<char, 16U << 10U> buffer;
    const int size = SSL_read(ssl_.get(), buffer.data(), buffer.size());
    if (size > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(size));
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), size);
    if (error == SSL_ERROR_ZERO_RETURN) ended_ = true;
    if (error == SSL_ERROR_SSL) fail();
    break;
  }
  return problem_.empty();
}

void TlsEnd::send(std::string_view text) {
  if (closing_) return;
  waiting_ += text;
  go_on();
}

void TlsEnd::close() {
  closing_ = true;
  go_on();
}

std::string TlsEnd::take() {
  std::string said(BIO_ctrl_pending(out_), '\0');
  if (!said.empty()) BIO_read(out_, said.data(), static_cast<int>(said.size()));
  return said;
}

}  // namespace fanfare::sim
