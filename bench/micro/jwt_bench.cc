// What it costs to verify a token, by algorithm: what a client's first stream costs more than its
// next ones, for which its shard remembers the token by its digest.
#include <benchmark/benchmark.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "broker/policy/base64url.h"
#include "broker/policy/digest.h"
#include "broker/policy/jwt.h"

#include "common/check.h"

namespace fanfare::policy {
namespace {

constexpr std::string_view kClaims =
    R"({"exp":4000000000,"iat":1700000000,"sub":"ann","channels":["chat/*","user/ann/**"]})";
constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(1'800'000'000)};

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

std::string signature_of(EVP_PKEY* key, bool hashed, const std::string& text) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  std::array<unsigned char, 512> bytes{};
  std::size_t size = bytes.size();
  EVP_DigestSignInit(context.get(), nullptr, hashed ? EVP_sha256() : nullptr, nullptr, key);
  const int made = EVP_DigestSign(context.get(), bytes.data(), &size,
                                  reinterpret_cast<const unsigned char*>(text.data()), text.size());
  CHECK(made == 1, "a key that was just made signs");
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

// As a JWS has it (RFC 7518 §3.4).
std::string side_by_side(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())), ECDSA_SIG_free);
  std::array<unsigned char, 64> both{};
  BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), both.data(), 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), both.data() + 32, 32);
  return {reinterpret_cast<const char*>(both.data()), both.size()};
}

void verify(benchmark::State& state, const Key& key, std::string_view algorithm, bool hashed) {
  const Algorithm bound = *algorithm_named(algorithm);
  EVP_PKEY_up_ref(key.get());
  JwtKeys keys;
  keys.keys.emplace_back(bound, "", JwtKey::Public(key.get(), EVP_PKEY_free));
  const std::string text = base64url_encoded(R"({"alg":")" + std::string(algorithm) + "\"}") + '.' +
                           base64url_encoded(kClaims);
  std::string signature = signature_of(key.get(), hashed, text);
  if (bound == Algorithm::es256) signature = side_by_side(signature);
  const std::string token = text + '.' + base64url_encoded(signature);
  for (auto _ : state) {
    const auto grants = verify_jwt(token, keys, {}, kNow);
    CHECK(grants, "it is a good token");
    benchmark::DoNotOptimize(grants);
  }
}

void verify_eddsa(benchmark::State& state) {
  verify(state, Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free), "EdDSA", false);
}
void verify_es256(benchmark::State& state) {
  verify(state, Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), EVP_PKEY_free), "ES256",
         true);
}
void verify_rs256(benchmark::State& state) {
  verify(state, Key(EVP_RSA_gen(2048), EVP_PKEY_free), "RS256", true);
}
void verify_hs256(benchmark::State& state) {
  JwtKeys keys;
  keys.keys.push_back(JwtKey::of_secret("", "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"));
  // A wrong signature, which costs the same but for the claims, a microsecond or two.
  const std::string token = base64url_encoded(R"({"alg":"HS256"})") + '.' +
                            base64url_encoded(kClaims) + '.' +
                            base64url_encoded(std::string(32, 'x'));
  for (auto _ : state) benchmark::DoNotOptimize(verify_jwt(token, keys, {}, kNow));
}
void digest_of_a_token(benchmark::State& state) {
  const std::string token(300, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(sha256(token));
}
BENCHMARK(verify_eddsa);
BENCHMARK(verify_es256);
BENCHMARK(verify_rs256);
BENCHMARK(verify_hs256);
BENCHMARK(digest_of_a_token);

}  // namespace
}  // namespace fanfare::policy
