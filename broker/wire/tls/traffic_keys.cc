#include "broker/wire/tls/traffic_keys.h"

#include <openssl/hmac.h>

#include <algorithm>
#include <span>
#include <string>

#include "common/check.h"

namespace fanfare::tls {
namespace {

// HKDF-Expand-Label with an empty context (RFC 8446 §7.1). What is asked for is never longer than
// the hash, so that HKDF-Expand (RFC 5869 §2.3) has one round.
void expand_label(Cipher cipher, std::span<const unsigned char> secret, std::string_view label,
                  std::span<unsigned char> out) {
  std::string text;
  text += '\0';
  text += static_cast<char>(out.size());
  text += static_cast<char>(6 + label.size());
  text += "tls13 ";
  text += label;
  text += '\0';
  text += '\1';
  std::array<unsigned char, EVP_MAX_MD_SIZE> block{};
  unsigned size = 0;
  const EVP_MD* const hash = cipher == Cipher::aes_256_gcm ? EVP_sha384() : EVP_sha256();
  const unsigned char* const made =
      HMAC(hash, secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), block.data(), &size);
  CHECK(made != nullptr && size >= out.size(), "OpenSSL has the hashes of TLS 1.3");
  std::copy_n(block.begin(), out.size(), out.begin());
  OPENSSL_cleanse(block.data(), block.size());
}

}  // namespace

std::size_t secret_bytes(Cipher cipher) {
  return cipher == Cipher::aes_256_gcm ? 48 : 32;
}

TrafficKeys::TrafficKeys(Cipher cipher, std::string_view secret) {
  CHECK(secret.size() == secret_bytes(cipher), "a secret is as long as its hash");
  std::copy_n(secret.begin(), secret.size(), reinterpret_cast<char*>(secret_.data()));
  derive(cipher);
}

TrafficKeys::~TrafficKeys() {
  OPENSSL_cleanse(key_.data(), key_.size());
  OPENSSL_cleanse(secret_.data(), secret_.size());
}

void TrafficKeys::derive(Cipher cipher) {
  const std::span<const unsigned char> secret(secret_.data(), secret_bytes(cipher));
  key_.fill(0);
  expand_label(cipher, secret, "key",
               std::span(key_.data(), cipher == Cipher::aes_128_gcm ? 16U : 32U));
  expand_label(cipher, secret, "iv", start_);
  sequence_ = 0;
}

void TrafficKeys::update(Cipher cipher) {
  std::array<unsigned char, kSecretBytesMax> next{};
  const std::size_t size = secret_bytes(cipher);
  expand_label(cipher, std::span(secret_.data(), size), "traffic upd",
               std::span(next.data(), size));
  secret_ = next;
  OPENSSL_cleanse(next.data(), next.size());
  derive(cipher);
}

Nonce TrafficKeys::nonce() const {
  Nonce nonce = start_;
  for (std::size_t i = 0; i < sizeof(sequence_); ++i) {
    nonce[nonce.size() - 1 - i] ^= static_cast<unsigned char>(sequence_ >> (8 * i));
  }
  return nonce;
}

}  // namespace fanfare::tls
