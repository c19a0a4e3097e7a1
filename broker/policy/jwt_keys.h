// JwtKeys: the keys with which tokens may be signed. Each key is bound to the one algorithm that
// its kind is used with, so a token chooses among keys, never how a key is used: no RSA key is ever
// the secret of an HMAC, and "none" is no algorithm.
//
// Made once from the bytes of key files; constant afterwards, so every shard may read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace fanfare::policy {

enum class Algorithm : std::uint8_t {
  eddsa,  // Ed25519 (RFC 8037)
  es256,  // ECDSA on P-256 with SHA-256 (RFC 7518 §3.4)
  rs256,  // RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3)
  hs256,  // HMAC with SHA-256 (RFC 7518 §3.2)
};
std::string_view name_of(Algorithm algorithm);  // as "alg" has it
// Case-sensitive.
std::optional<Algorithm> algorithm_named(std::string_view name);

// An HMAC secret has at least as many bits as its hash (RFC 7518 §3.2), an RSA key at least 2048
// (§3.3), and not so many that to verify takes long.
inline constexpr std::size_t kSecretBytesMin = 32;
inline constexpr int kRsaBitsMin = 2048;
inline constexpr int kRsaBitsMax = 8192;
// More keys than anybody rotates: a token without "kid" is tried with each of its algorithm.
inline constexpr std::size_t kJwtKeysMax = 32;

class JwtKey {
 public:
  using Public = std::shared_ptr<evp_pkey_st>;
  // `key` is of the kind that the algorithm is for, and strong enough (public_key_algorithm).
  JwtKey(Algorithm algorithm, std::string id, Public key)
      : algorithm_(algorithm), id_(std::move(id)), public_(std::move(key)) {}
  static JwtKey of_secret(std::string id, std::string secret);

  Algorithm algorithm() const { return algorithm_; }
  const std::string& id() const { return id_; }  // "kid"; empty: it has none

  // Any thread. The signature is as it stands in a JWS, decoded.
  bool verifies(std::string_view message, std::string_view signature) const;

 private:
  bool verifies_hmac(std::string_view message, std::string_view signature) const;

  Algorithm algorithm_;
  std::string id_;
  Public public_;       // of the others
  std::string secret_;  // of hs256
};

struct JwtKeys {
  std::vector<JwtKey> keys;
  // A sentence for each key of a JWKS that is left out, since no token can be signed with it here.
  std::vector<std::string> left_out;

  // Takes the others' in.
  void add(JwtKeys more);
};

// The keys of one file, or a sentence about why it has none. It holds public keys in PEM, any
// number of them, or the raw bytes of one HMAC secret; a line break at the end of a secret that is
// otherwise printable ASCII does not count. Private keys, certificates and keys in other forms are
// refused, so that nothing that is public ever counts as a secret.
std::expected<JwtKeys, std::string> read_key_file(std::string_view bytes);

// The keys of a JSON Web Key Set (RFC 7517) whose algorithm is one of `algorithms`. A key that is
// for something else is left out; one that is wrong (weak, incomplete, private) is a problem.
std::expected<JwtKeys, std::string> read_jwks(std::string_view text,
                                              std::span<const Algorithm> algorithms);

// The algorithm that a public key is for; or why it is for none: its kind, its curve, its size, its
// values.
std::expected<Algorithm, std::string> public_key_algorithm(const JwtKey::Public& key);

}  // namespace fanfare::policy
