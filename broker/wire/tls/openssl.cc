#include "broker/wire/tls/openssl.h"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "common/check.h"
#include "common/hex.h"

namespace fanfare::tls {
namespace {

constexpr int kTickets = 2;  // a browser makes several connections at once
constexpr int kTicketsResumed = 1;
// One record's worth. Those of browsers have 2 KB, of which a ticket can make some more.
constexpr std::size_t kHelloBytesMax = kRecordTextMax;

// What the TLS part of OpenSSL complained of first; parts below it may have done so before. Clears
// the complaints.
int take_reason() {
  int reason = 0;
  while (const unsigned long code = ERR_get_error()) {
    if (reason == 0 && ERR_GET_LIB(code) == ERR_LIB_SSL) reason = ERR_GET_REASON(code);
  }
  return reason;
}

Failure failure_of(int reason) {
  if (reason >= SSL_AD_REASON_OFFSET) return Failure::refused_by_peer;
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
      return Failure::version;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
      return Failure::cipher;
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return Failure::protocol;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return Failure::no_certificate;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return Failure::certificate_refused;
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
    case SSL_R_DECRYPTION_FAILED:
    case SSL_R_DIGEST_CHECK_FAILED:
      return Failure::bad_record;
    case SSL_R_DATA_LENGTH_TOO_LONG:
    case SSL_R_ENCRYPTED_LENGTH_TOO_LONG:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
      return Failure::too_large;
    default:
      return Failure::malformed;
  }
}

Failure failure_of_certificate(int error) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Failure::certificate_expired;
    case X509_V_ERR_CERT_REVOKED:
      return Failure::certificate_revoked;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
      return Failure::revocation_unknown;
    default:
      return Failure::certificate_refused;
  }
}

std::uint64_t records_in(std::string_view bytes) {
  std::uint64_t count = 0;
  while (bytes.size() >= kRecordHeaderBytes) {
    const std::size_t size = static_cast<std::size_t>(static_cast<unsigned char>(bytes[3])) << 8U |
                             static_cast<unsigned char>(bytes[4]);
    bytes.remove_prefix(std::min(bytes.size(), kRecordHeaderBytes + size));
    ++count;
  }
  return count;
}

}  // namespace

// OpenSSL's side of the pipe; its data is the Openssl.
struct Openssl::Pipe {
  static Openssl& owner(BIO* bio) { return *static_cast<Openssl*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* data, std::size_t size, std::size_t* taken) {
    BIO_clear_retry_flags(bio);
    std::string_view& input = owner(bio).input_;
    *taken = input.copy(data, size);
    input.remove_prefix(*taken);
    if (*taken > 0) return 1;
    BIO_set_retry_read(bio);
    return 0;
  }

  static int write(BIO* bio, const char* data, std::size_t size, std::size_t* taken) {
    BIO_clear_retry_flags(bio);
    owner(bio).out_->append(data, size);
    *taken = size;
    return 1;
  }

  static long control(BIO* bio, int command, long number, void* pointer) {
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }
};

OwnedBioMethod Openssl::make_pipe() {
  OwnedBioMethod method(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "memory of the caller's"));
  CHECK(method != nullptr, "out of memory");
  BIO_meth_set_read_ex(method.get(), Pipe::read);
  BIO_meth_set_write_ex(method.get(), Pipe::write);
  BIO_meth_set_ctrl(method.get(), Pipe::control);
  return method;
}

Openssl::Openssl(std::shared_ptr<const Server> server)
    : server_(std::move(server)), ssl_(server_->connection()) {
  BIO* const pipe = BIO_new(server_->pipe());
  CHECK(pipe != nullptr, "out of memory");
  BIO_set_data(pipe, this);
  BIO_set_init(pipe, 1);
  SSL_set_bio(ssl_.get(), pipe, pipe);  // owns it now
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_accept_state(ssl_.get());
}

Openssl::~Openssl() {
  OPENSSL_cleanse(server_secret_.data(), server_secret_.size());
  OPENSSL_cleanse(client_secret_.data(), client_secret_.size());
}

// "SERVER_TRAFFIC_SECRET_0 <client random> <secret>", the numbers in hex: the form of key logs.
void Openssl::note_secret(const SSL* ssl, const char* line) {
  const std::string_view text(line);
  const bool server = text.starts_with("SERVER_TRAFFIC_SECRET_0 ");
  if (!server && !text.starts_with("CLIENT_TRAFFIC_SECRET_0 ")) return;
  auto* const self = static_cast<Openssl*>(SSL_get_app_data(ssl));
  const std::string_view hex = text.substr(text.rfind(' ') + 1);
  std::string& secret = server ? self->server_secret_ : self->client_secret_;
  secret.reserve(kSecretBytesMax);
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    secret += static_cast<char>(hex_value(hex[i]) * 16 + hex_value(hex[i + 1]));
  }
}

void Openssl::note_refusal(const SSL* ssl, int error, const X509* certificate) {
  auto* const self = static_cast<Openssl*>(SSL_get_app_data(ssl));
  self->certificate_failure_ = failure_of_certificate(error);
  if (certificate == nullptr) return;
  self->refused_ = std::make_shared<const PeerCertificate>(read_peer_certificate(certificate));
}

void Openssl::open_pipe(std::string_view input, std::string& out) {
  input_ = input;
  out_ = &out;
  ERR_clear_error();
}

std::string_view Openssl::close_pipe() {
  out_ = nullptr;
  return std::exchange(input_, {});
}

Openssl::Step Openssl::step_after(int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return Step::more;
  if (error == SSL_ERROR_ZERO_RETURN) return Step::ended;
  failure_ = failure_of(take_reason());
  if (failure_ == Failure::certificate_refused) failure_ = certificate_failure_;
  return Step::failed;
}

Openssl::Step Openssl::handshake(std::string_view& input, std::string& out) {
  // Once the version is 1.2, no other ClientHello can follow. What does, when a session is resumed,
  // is encrypted, and one time in 256 its first byte is that of one.
  if (SSL_version(ssl_.get()) != TLS1_2_VERSION && hello_.exceeds(kHelloBytesMax, input)) {
    failure_ = Failure::too_large;
    return Step::failed;
  }
  open_pipe(input, out);
  const int result = SSL_do_handshake(ssl_.get());
  const Step step = result == 1 ? Step::done : step_after(result);
  input = close_pipe();
  return step;
}

Openssl::Step Openssl::receive(std::string_view input, std::string& text, std::string& out) {
  open_pipe(input, out);
  Step step = Step::more;
  while (true) {
    const std::size_t before = text.size();
    std::size_t taken = 0;
    text.resize(before + kRecordTextMax);
    const int result = SSL_read_ex(ssl_.get(), text.data() + before, kRecordTextMax, &taken);
    text.resize(before + taken);
    if (result == 1) continue;
    step = step_after(result);
    break;
  }
  close_pipe();
  return step;
}

void Openssl::send(std::string_view text, std::string& out) {
  if (text.empty()) return;
  open_pipe({}, out);
  std::size_t taken = 0;
  const bool sent = SSL_write_ex(ssl_.get(), text.data(), text.size(), &taken) == 1;
  CHECK(sent && taken == text.size(), "memory takes everything");
  close_pipe();
}

void Openssl::send_close_notify(std::string& out) {
  open_pipe({}, out);
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  close_pipe();
}

std::uint64_t Openssl::send_tickets(std::string& out) {
  if ((SSL_get_options(ssl_.get()) & SSL_OP_NO_TICKET) != 0) return 0;
  const std::size_t before = out.size();
  for (int left = resumed() ? kTicketsResumed : kTickets; left > 0; --left) {
    SSL_new_session_ticket(ssl_.get());
  }
  open_pipe({}, out);
  const bool sent = SSL_do_handshake(ssl_.get()) == 1;
  CHECK(sent, "memory takes everything");
  close_pipe();
  return records_in(std::string_view(out).substr(before));
}

std::optional<Openssl::Secrets> Openssl::secrets() const {
  if (SSL_version(ssl_.get()) != TLS1_3_VERSION) return std::nullopt;
  Secrets secrets{.server = server_secret_, .client = client_secret_};
  // RFC 6066 §4: 1 is 2^9 bytes, 4 is 2^12; 0: the client has not asked.
  const unsigned length = SSL_SESSION_get_max_fragment_length(SSL_get0_session(ssl_.get()));
  if (length > 0) secrets.text_max = std::size_t{256} << length;
  switch (SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl_.get()))) {
    case TLS1_3_CK_AES_128_GCM_SHA256 & 0xffffU:
      secrets.cipher = Cipher::aes_128_gcm;
      break;
    case TLS1_3_CK_AES_256_GCM_SHA384 & 0xffffU:
      secrets.cipher = Cipher::aes_256_gcm;
      break;
    case TLS1_3_CK_CHACHA20_POLY1305_SHA256 & 0xffffU:
      secrets.cipher = Cipher::chacha20_poly1305;
      break;
    default:
      CHECK(false, "Server offers no other cipher of TLS 1.3");
  }
  return secrets;
}

std::optional<std::size_t> Openssl::protocol() const {
  const unsigned char* data = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &data, &size);
  if (size == 0) return std::nullopt;
  const std::string_view chosen(reinterpret_cast<const char*>(data), size);
  const auto found = std::ranges::find(server_->protocols(), chosen);
  return static_cast<std::size_t>(found - server_->protocols().begin());
}

bool Openssl::resumed() const {
  return SSL_session_reused(ssl_.get()) == 1;
}

std::shared_ptr<const PeerCertificate> Openssl::peer() const {
  if (refused_) return refused_;
  const X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return nullptr;
  return std::make_shared<const PeerCertificate>(read_peer_certificate(certificate));
}

}  // namespace fanfare::tls
