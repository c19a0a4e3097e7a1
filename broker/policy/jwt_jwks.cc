// read_jwks(): from a JSON Web Key Set (RFC 7517, RFC 7518 §6, RFC 8037 §2) to keys.
#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "broker/policy/base64url.h"
#include "broker/policy/json_object.h"
#include "broker/policy/jwt_keys.h"

#include "common/quotable.h"

namespace fanfare::policy {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kP256Bytes = 32;
constexpr std::size_t kEd25519Bytes = 32;

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* value) const {
    kFree(value);
  }
};
using ParametersBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;

// One key as the document has it. An empty member is one that is not there.
struct Jwk {
  dom::object object;
  std::string kid;

  // A string, or nothing if it is not there or not a string.
  std::optional<std::string_view> text(std::string_view name) const {
    std::string_view value;
    if (object.at_key(name).get(value) != simdjson::SUCCESS) return std::nullopt;
    return value;
  }
  bool has(std::string_view name) const { return object.at_key(name).error() == simdjson::SUCCESS; }
  std::optional<std::string> bytes(std::string_view name) const {
    const auto encoded = text(name);
    if (!encoded || encoded->empty()) return std::nullopt;
    return base64url_decoded(*encoded);
  }
};

// Why no token can be signed with it here, though it may be a good key; empty if one can.
std::string other_use(const Jwk& jwk) {
  if (jwk.has("use") && jwk.text("use") != "sig") return "its \"use\" is not \"sig\"";
  if (!jwk.has("key_ops")) return {};
  dom::array operations;
  if (jwk.object.at_key("key_ops").get(operations) != simdjson::SUCCESS) {
    return "its \"key_ops\" is not a list";
  }
  for (const dom::element operation : operations) {
    std::string_view text;
    if (operation.get(text) == simdjson::SUCCESS && text == "verify") return {};
  }
  return "\"verify\" is not among its \"key_ops\"";
}

// The algorithm of this kind of key; nothing if there is none here.
std::optional<Algorithm> kind_of(const Jwk& jwk) {
  const auto kty = jwk.text("kty");
  const auto crv = jwk.text("crv");
  if (kty == "oct") return Algorithm::hs256;
  if (kty == "RSA") return Algorithm::rs256;
  if (kty == "EC" && crv == "P-256") return Algorithm::es256;
  if (kty == "OKP" && crv == "Ed25519") return Algorithm::eddsa;
  return std::nullopt;
}

JwtKey::Public from_parameters(const char* kind, OSSL_PARAM_BLD* builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>> context(
      EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (parameters != nullptr && context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1) {
    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get());
  }
  ERR_clear_error();
  return {key, EVP_PKEY_free};
}

Number number_of(const std::string& bytes) {
  return Number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                          static_cast<int>(bytes.size()), nullptr));
}

JwtKey::Public rsa_key(const Jwk& jwk) {
  const auto n = jwk.bytes("n");
  const auto e = jwk.bytes("e");
  if (!n || !e || n->size() > kRsaBitsMax / 8 || e->size() > 8) return nullptr;
  const Number modulus = number_of(*n);
  const Number exponent = number_of(*e);
  const ParametersBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return from_parameters("RSA", builder.get());
}

JwtKey::Public ec_key(const Jwk& jwk) {
  const auto x = jwk.bytes("x");
  const auto y = jwk.bytes("y");
  if (!x || !y || x->size() != kP256Bytes || y->size() != kP256Bytes) return nullptr;
  const std::string point = '\x04' + *x + *y;  // uncompressed
  const ParametersBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  return from_parameters("EC", builder.get());
}

JwtKey::Public okp_key(const Jwk& jwk) {
  const auto x = jwk.bytes("x");
  if (!x || x->size() != kEd25519Bytes) return nullptr;
  EVP_PKEY* const key = EVP_PKEY_new_raw_public_key(
      EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(x->data()), x->size());
  ERR_clear_error();
  return {key, EVP_PKEY_free};
}

std::expected<JwtKey, std::string> secret_key(const Jwk& jwk) {
  auto secret = jwk.bytes("k");
  if (!secret) return std::unexpected("\"k\" is not there, or not base64url without padding");
  if (secret->size() < kSecretBytesMin) {
    return std::unexpected(fmt::format("a secret of {} bytes is too short: HS256 needs {} or more",
                                       secret->size(), kSecretBytesMin));
  }
  return JwtKey::of_secret(jwk.kid, *std::move(secret));
}

std::expected<JwtKey, std::string> key_of(const Jwk& jwk, Algorithm algorithm) {
  if (algorithm == Algorithm::hs256) return secret_key(jwk);
  if (jwk.has("d")) {
    return std::unexpected("it is a private key (\"d\"), which belongs to the issuer alone");
  }
  JwtKey::Public key = algorithm == Algorithm::rs256   ? rsa_key(jwk)
                       : algorithm == Algorithm::es256 ? ec_key(jwk)
                                                       : okp_key(jwk);
  if (key == nullptr) return std::unexpected("its values are not there, or not those of a key");
  const auto checked = public_key_algorithm(key);
  if (!checked) return std::unexpected(checked.error());
  return JwtKey(algorithm, jwk.kid, std::move(key));
}

// The key's name in a sentence.
std::string shown(const Jwk& jwk, std::size_t index) {
  if (jwk.kid.empty()) return fmt::format("key {} of the JWKS", index + 1);
  return fmt::format("key \"{}\" of the JWKS", quotable(jwk.kid));
}

// Why it is left out: it is for something else.
std::string not_for_us(const Jwk& jwk, std::span<const Algorithm> algorithms) {
  if (std::string use = other_use(jwk); !use.empty()) return use;
  const auto algorithm = kind_of(jwk);
  if (!algorithm) return "its kind (\"kty\", \"crv\") is none of oct, RSA, EC P-256, OKP Ed25519";
  if (jwk.has("alg") && jwk.text("alg") != name_of(*algorithm)) {
    return fmt::format("its \"alg\" is not {}", name_of(*algorithm));
  }
  if (std::ranges::find(algorithms, *algorithm) == algorithms.end()) {
    return fmt::format("{} is not in algorithms", name_of(*algorithm));
  }
  return {};
}

}  // namespace

std::expected<JwtKeys, std::string> read_jwks(std::string_view text,
                                              std::span<const Algorithm> algorithms) {
  dom::parser parser;
  const auto document = parse_object(parser, text);
  if (!document) return std::unexpected("the JWKS " + document.error());
  dom::array list;
  if (document->at_key("keys").get(list) != simdjson::SUCCESS) {
    return std::unexpected(R"(the JWKS has no list "keys", as in {"keys": [...]})");
  }
  if (list.size() > kJwtKeysMax) {
    return std::unexpected(
        fmt::format("the JWKS has {} keys; at most {} are taken", list.size(), kJwtKeysMax));
  }
  JwtKeys keys;
  std::size_t index = 0;
  for (const dom::element item : list) {
    Jwk jwk;
    if (item.get(jwk.object) != simdjson::SUCCESS) {
      return std::unexpected(fmt::format("key {} of the JWKS is not an object", index + 1));
    }
    jwk.kid = jwk.text("kid").value_or("");
    const std::string name = shown(jwk, index++);
    if (const std::string why = not_for_us(jwk, algorithms); !why.empty()) {
      keys.left_out.push_back(fmt::format("{} is left out: {}", name, why));
      continue;
    }
    auto key = key_of(jwk, *kind_of(jwk));
    if (!key) return std::unexpected(fmt::format("{}: {}", name, key.error()));
    keys.keys.push_back(*std::move(key));
  }
  return keys;
}

}  // namespace fanfare::policy
