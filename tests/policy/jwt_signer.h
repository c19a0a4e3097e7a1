// JwtSigner: the issuer of tokens in a test. Its keys are made anew each time.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

#include "broker/policy/jwt_keys.h"

namespace fanfare::policy_test {

class JwtSigner {
 public:
  static JwtSigner ed25519();
  static JwtSigner p256();
  static JwtSigner rsa(unsigned bits = 2048);
  static JwtSigner secret(std::string bytes);
  // Any kind that OpenSSL knows; `curve` is for EC keys.
  static JwtSigner of_kind(const char* kind, const char* curve = nullptr);

  // The file that the broker is given: the public key, or the secret.
  std::string key_file() const;
  std::string private_key_file() const;
  policy::JwtKeys keys() const;

  // header . claims . signature, whatever the two say.
  std::string token(std::string_view header, std::string_view claims) const;
  // With the header of this signer's algorithm.
  std::string token(std::string_view claims) const;
  // As it stands in a JWS, decoded.
  std::string signature(std::string_view message) const;

  EVP_PKEY* key() const { return key_.get(); }

 private:
  std::shared_ptr<EVP_PKEY> key_;  // null: it has a secret
  std::string secret_;
};

// A JSON text as a part of a token.
std::string part(std::string_view text);

}  // namespace fanfare::policy_test
