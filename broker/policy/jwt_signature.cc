// JwtKey: how each algorithm verifies a signature, by OpenSSL.
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <memory>
#include <string>

#include "broker/policy/jwt_keys.h"

namespace fanfare::policy {
namespace {

constexpr std::size_t kP256Bytes = 32;  // of each of r and s
constexpr std::size_t kEd25519Bytes = 64;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// A JWS has r and s side by side, each in 32 bytes (RFC 7518 §3.4); OpenSSL wants them in DER.
// Empty if they are not that.
std::string der_of(std::string_view signature) {
  if (signature.size() != 2 * kP256Bytes) return {};
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(ECDSA_SIG_new(), ECDSA_SIG_free);
  BIGNUM* const r = BN_bin2bn(bytes_of(signature), kP256Bytes, nullptr);
  BIGNUM* const s = BN_bin2bn(bytes_of(signature) + kP256Bytes, kP256Bytes, nullptr);
  if (pair == nullptr || ECDSA_SIG_set0(pair.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return {};
  }
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return {};
  std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return text;
}

bool verify_public(EVP_PKEY* key, bool hashed, std::string_view message,
                   std::string_view signature) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  const bool verified = context != nullptr &&
                        EVP_DigestVerifyInit(context.get(), nullptr,
                                             hashed ? EVP_sha256() : nullptr, nullptr, key) == 1 &&
                        EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(),
                                         bytes_of(message), message.size()) == 1;
  ERR_clear_error();
  return verified;
}

}  // namespace

bool JwtKey::verifies_hmac(std::string_view message, std::string_view signature) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  const unsigned char* const made =
      HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), bytes_of(message),
           message.size(), mac.data(), &size);
  // In constant time, so that no guess is told how good it was.
  return made != nullptr && signature.size() == size &&
         CRYPTO_memcmp(mac.data(), signature.data(), size) == 0;
}

bool JwtKey::verifies(std::string_view message, std::string_view signature) const {
  switch (algorithm_) {
    case Algorithm::hs256:
      return verifies_hmac(message, signature);
    case Algorithm::es256: {
      const std::string der = der_of(signature);
      return !der.empty() && verify_public(public_.get(), true, message, der);
    }
    case Algorithm::rs256:
      // As long as the modulus, exactly (RFC 8017 §8.2.2).
      return signature.size() == static_cast<std::size_t>(EVP_PKEY_get_size(public_.get())) &&
             verify_public(public_.get(), true, message, signature);
    case Algorithm::eddsa:
      return signature.size() == kEd25519Bytes &&
             verify_public(public_.get(), false, message, signature);
  }
  return false;
}

}  // namespace fanfare::policy
