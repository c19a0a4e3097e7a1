#include "tests/policy/jwt_signer.h"

#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <array>
#include <utility>
#include <vector>

#include "broker/policy/base64url.h"

#include "common/check.h"

namespace fanfare::policy_test {
namespace {

using Written = int (*)(BIO*, EVP_PKEY*);

std::string pem_of(EVP_PKEY* key, Written write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), BIO_free);
  CHECK(write(text.get(), key) == 1, "a key that was just made can be written");
  char* data = nullptr;
  const auto size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string side_by_side(std::string_view der) {
  const unsigned char* at = bytes_of(der);
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())), ECDSA_SIG_free);
  std::array<unsigned char, 64> both{};
  BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), both.data(), 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), both.data() + 32, 32);
  return {reinterpret_cast<const char*>(both.data()), both.size()};
}

}  // namespace

std::string part(std::string_view text) {
  return policy::base64url_encoded(text);
}

JwtSigner JwtSigner::of_kind(const char* kind, const char* curve) {
  JwtSigner signer;
  EVP_PKEY* const key = curve == nullptr ? EVP_PKEY_Q_keygen(nullptr, nullptr, kind)
                                         : EVP_PKEY_Q_keygen(nullptr, nullptr, kind, curve);
  CHECK(key != nullptr, "OpenSSL makes keys of the kinds that tests name");
  signer.key_ = {key, EVP_PKEY_free};
  return signer;
}

JwtSigner JwtSigner::ed25519() {
  return of_kind("ED25519");
}

JwtSigner JwtSigner::p256() {
  return of_kind("EC", "P-256");
}

JwtSigner JwtSigner::rsa(unsigned bits) {
  JwtSigner signer;
  signer.key_ = {EVP_RSA_gen(bits), EVP_PKEY_free};
  return signer;
}

JwtSigner JwtSigner::secret(std::string bytes) {
  JwtSigner signer;
  signer.secret_ = std::move(bytes);
  return signer;
}

std::string JwtSigner::key_file() const {
  if (key_ == nullptr) return secret_;
  return pem_of(key_.get(),
                [](BIO* text, EVP_PKEY* key) { return PEM_write_bio_PUBKEY(text, key); });
}

std::string JwtSigner::private_key_file() const {
  return pem_of(key_.get(), [](BIO* text, EVP_PKEY* key) {
    return PEM_write_bio_PrivateKey(text, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

policy::JwtKeys JwtSigner::keys() const {
  auto keys = policy::read_key_file(key_file());
  CHECK(keys, "a signer's key file is a good one");
  return *std::move(keys);
}

std::string JwtSigner::signature(std::string_view message) const {
  if (key_ == nullptr) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned size = 0;
    HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), bytes_of(message),
         message.size(), mac.data(), &size);
    return {reinterpret_cast<const char*>(mac.data()), size};
  }
  const bool hashed = EVP_PKEY_is_a(key_.get(), "ED25519") != 1;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  std::size_t size = 0;
  std::string made;
  EVP_DigestSignInit(context.get(), nullptr, hashed ? EVP_sha256() : nullptr, nullptr, key_.get());
  EVP_DigestSign(context.get(), nullptr, &size, bytes_of(message), message.size());
  made.resize(size);
  CHECK(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(made.data()), &size,
                       bytes_of(message), message.size()) == 1,
        "a key that was just made signs");
  made.resize(size);
  return EVP_PKEY_is_a(key_.get(), "EC") == 1 ? side_by_side(made) : made;
}

std::string JwtSigner::token(std::string_view header, std::string_view claims) const {
  std::string text = part(header) + '.' + part(claims);
  const std::string signed_by = part(signature(text));
  return text + '.' + signed_by;
}

std::string JwtSigner::token(std::string_view claims) const {
  const policy::JwtKeys own = keys();
  return token(R"({"alg":")" + std::string(policy::name_of(own.keys[0].algorithm())) + R"("})",
               claims);
}

}  // namespace fanfare::policy_test
