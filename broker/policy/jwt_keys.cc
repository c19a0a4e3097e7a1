#include "broker/policy/jwt_keys.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "common/check.h"
#include "common/quotable.h"

namespace fanfare::policy {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"EdDSA", "ES256", "RS256", "HS256"};
constexpr std::string_view kPemMark = "-----BEGIN ";
constexpr std::string_view kBrokenPem = "its PEM does not hold a public key, or is broken";

std::unexpected<std::string> no_key(std::string sentence) {
  ERR_clear_error();
  return std::unexpected(std::move(sentence));
}

std::string without_line_break(std::string_view bytes) {
  std::string_view text = bytes;
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  const bool printable = std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
  return std::string(printable ? text : bytes);
}

bool is_der_key(std::string_view bytes) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto size = static_cast<long>(bytes.size());
  const JwtKey::Public as_public(d2i_PUBKEY(nullptr, &at, size), EVP_PKEY_free);
  at = reinterpret_cast<const unsigned char*>(bytes.data());
  const JwtKey::Public as_private(d2i_AutoPrivateKey(nullptr, &at, size), EVP_PKEY_free);
  ERR_clear_error();
  return as_public != nullptr || as_private != nullptr;
}

std::expected<JwtKeys, std::string> read_secret(std::string_view bytes) {
  std::string secret = without_line_break(bytes);
  const auto begins = [&secret](std::string_view with) { return secret.starts_with(with); };
  if (is_der_key(bytes)) {
    return no_key("it is a key in DER; write it as PEM: openssl pkey -pubin -inform DER -in FILE");
  }
  if (begins("ssh-") || begins("ecdsa-sha2-") || begins("sk-")) {
    return no_key("it is a key of OpenSSH; write it as PEM: ssh-keygen -e -m PKCS8 -f FILE");
  }
  if (begins("{")) return no_key("it is JSON; name a JWKS document in jwks");
  if (secret.size() < kSecretBytesMin) {
    return no_key(
        fmt::format("an HMAC secret of {} bytes is too short: HS256 needs {} or more "
                    "(openssl rand -base64 48)",
                    secret.size(), kSecretBytesMin));
  }
  JwtKeys keys;
  keys.keys.push_back(JwtKey::of_secret({}, std::move(secret)));
  return keys;
}

std::expected<Algorithm, std::string> rsa_algorithm(const JwtKey::Public& key) {
  const int bits = EVP_PKEY_get_bits(key.get());
  if (bits < kRsaBitsMin || bits > kRsaBitsMax) {
    return no_key(
        fmt::format("an RSA key of {} bits: RS256 needs {} to {}", bits, kRsaBitsMin, kRsaBitsMax));
  }
  return Algorithm::rs256;
}

std::expected<Algorithm, std::string> ec_algorithm(const JwtKey::Public& key) {
  std::array<char, 64> curve{};
  EVP_PKEY_get_utf8_string_param(key.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.data(), curve.size(),
                                 nullptr);
  if (std::string_view(curve.data()) == "prime256v1") return Algorithm::es256;
  return no_key(fmt::format("an EC key on the curve {}: ES256 needs P-256", curve.data()));
}

struct PemFree {
  void operator()(void* data) const { OPENSSL_free(data); }
};

// One block after another; nothing may stand in them but public keys.
std::expected<JwtKeys, std::string> read_pem(std::string_view bytes) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(
      BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())), BIO_free);
  JwtKeys keys;
  while (true) {
    char* name_text = nullptr;
    char* header_text = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(text.get(), &name_text, &header_text, &data, &size) != 1) break;
    const std::unique_ptr<char, PemFree> name(name_text);
    const std::unique_ptr<char, PemFree> header(header_text);
    const std::unique_ptr<unsigned char, PemFree> owned(data);
    if (std::string_view(name_text) != "PUBLIC KEY") {
      return no_key(
          fmt::format("it holds \"{}\"; a public key is written as \"PUBLIC KEY\" "
                      "(openssl pkey -pubout)",
                      quotable(name_text)));
    }
    const unsigned char* at = data;
    JwtKey::Public key(d2i_PUBKEY(nullptr, &at, size), EVP_PKEY_free);
    if (key == nullptr || at != data + size) return no_key(std::string(kBrokenPem));
    const auto algorithm = public_key_algorithm(key);
    if (!algorithm) return std::unexpected(algorithm.error());
    keys.keys.emplace_back(*algorithm, std::string{}, std::move(key));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!at_end || keys.keys.empty()) return no_key(std::string(kBrokenPem));
  ERR_clear_error();
  return keys;
}

}  // namespace

std::string_view name_of(Algorithm algorithm) {
  return kNames[static_cast<std::size_t>(algorithm)];
}

std::optional<Algorithm> algorithm_named(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Algorithm>(found - kNames.begin());
}

JwtKey JwtKey::of_secret(std::string id, std::string secret) {
  CHECK(secret.size() >= kSecretBytesMin, "shorter secrets are refused where they are read");
  JwtKey key(Algorithm::hs256, std::move(id), nullptr);
  key.secret_ = std::move(secret);
  return key;
}

void JwtKeys::add(JwtKeys more) {
  std::ranges::move(more.keys, std::back_inserter(keys));
  std::ranges::move(more.left_out, std::back_inserter(left_out));
}

std::expected<Algorithm, std::string> public_key_algorithm(const JwtKey::Public& key) {
  std::expected<Algorithm, std::string> algorithm = Algorithm::eddsa;
  if (EVP_PKEY_is_a(key.get(), "RSA") == 1) {
    algorithm = rsa_algorithm(key);
  } else if (EVP_PKEY_is_a(key.get(), "EC") == 1) {
    algorithm = ec_algorithm(key);
  } else if (EVP_PKEY_is_a(key.get(), "ED25519") != 1) {
    const char* const kind = EVP_PKEY_get0_type_name(key.get());
    return no_key(fmt::format("a key of kind {}: there are Ed25519, EC (P-256) and RSA",
                              kind == nullptr ? "unknown" : kind));
  }
  if (!algorithm) return algorithm;
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr), EVP_PKEY_CTX_free);
  if (context == nullptr || EVP_PKEY_public_check(context.get()) != 1) {
    return no_key("the key's values are not those of a valid key");
  }
  return algorithm;
}

std::expected<JwtKeys, std::string> read_key_file(std::string_view bytes) {
  if (bytes.empty()) return no_key("it is empty");
  if (bytes.find(kPemMark) == std::string_view::npos) return read_secret(bytes);
  if (bytes.find("PRIVATE KEY-----") != std::string_view::npos) {
    return no_key(
        "it holds a private key, which belongs to the issuer of the tokens alone; give the broker "
        "the public one: openssl pkey -in FILE -pubout");
  }
  if (bytes.find("-----BEGIN CERTIFICATE-----") != std::string_view::npos) {
    return no_key("it holds a certificate; give its key: openssl x509 -in FILE -noout -pubkey");
  }
  return read_pem(bytes);
}

}  // namespace fanfare::policy
