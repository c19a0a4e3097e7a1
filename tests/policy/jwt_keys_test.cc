#include "broker/policy/jwt_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "broker/policy/base64url.h"
#include "broker/policy/jwt.h"
#include "tests/policy/jwt_signer.h"

namespace fanfare::policy {
namespace {

using policy_test::JwtSigner;
using testing::HasSubstr;

constexpr std::array kAll = {Algorithm::eddsa, Algorithm::es256, Algorithm::rs256,
                             Algorithm::hs256};
const std::string kSecret(32, 's');

std::string problem_of(std::string_view bytes) {
  const auto keys = read_key_file(bytes);
  return keys ? std::string("taken") : keys.error();
}

std::string jwks_problem(std::string_view keys) {
  const auto read = read_jwks(R"({"keys":[)" + std::string(keys) + "]}", kAll);
  return read ? std::string("taken") : read.error();
}

std::string member_of(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(number);
  return base64url_encoded(bytes);
}

std::string rsa_jwk(const JwtSigner& signer, std::string_view further = {}) {
  return R"({"kty":"RSA","n":")" + member_of(signer.key(), OSSL_PKEY_PARAM_RSA_N) + R"(","e":")" +
         member_of(signer.key(), OSSL_PKEY_PARAM_RSA_E) + '"' + std::string(further) + '}';
}

std::string secret_jwk(std::string_view kid, std::string_view bytes,
                       std::string_view further = {}) {
  return R"({"kty":"oct","kid":")" + std::string(kid) + R"(","k":")" + base64url_encoded(bytes) +
         '"' + std::string(further) + '}';
}

TEST(JwtKeys, AKeyIsBoundToTheAlgorithmOfItsKind) {
  EXPECT_EQ(JwtSigner::ed25519().keys().keys[0].algorithm(), Algorithm::eddsa);
  EXPECT_EQ(JwtSigner::p256().keys().keys[0].algorithm(), Algorithm::es256);
  EXPECT_EQ(JwtSigner::rsa().keys().keys[0].algorithm(), Algorithm::rs256);
  EXPECT_EQ(JwtSigner::secret(kSecret).keys().keys[0].algorithm(), Algorithm::hs256);
}

TEST(JwtKeys, OneFileMayHoldSeveralPublicKeys) {
  const auto keys = read_key_file("# the old one\n" + JwtSigner::rsa().key_file() +
                                  "\n# and the new one\n" + JwtSigner::ed25519().key_file());
  ASSERT_TRUE(keys) << keys.error();
  ASSERT_EQ(keys->keys.size(), 2U);
  EXPECT_EQ(keys->keys[1].algorithm(), Algorithm::eddsa);
}

TEST(JwtKeys, WeakKeysAreRefused) {
  EXPECT_THAT(problem_of(JwtSigner::rsa(1024).key_file()), HasSubstr("an RSA key of 1024 bits"));
  EXPECT_THAT(problem_of(std::string(31, 's')), HasSubstr("31 bytes is too short"));
  EXPECT_THAT(problem_of(std::string(31, 's') + '\n'), HasSubstr("31 bytes is too short"))
      << "an editor's line break is no part of a secret";
  EXPECT_THAT(jwks_problem(rsa_jwk(JwtSigner::rsa(1024))), HasSubstr("an RSA key of 1024 bits"));
  EXPECT_THAT(jwks_problem(secret_jwk("a", std::string(31, 's'))), HasSubstr("31 bytes"));
}

TEST(JwtKeys, AnRsaKeyWithTheExponentOneIsRefused) {
  std::string jwk = rsa_jwk(JwtSigner::rsa());
  jwk.replace(jwk.find("AQAB"), 4, "AQ");
  EXPECT_THAT(jwks_problem(jwk), HasSubstr("not those of a valid key"));
}

TEST(JwtKeys, KindsThatNoAlgorithmUsesAreRefused) {
  EXPECT_THAT(problem_of(JwtSigner::of_kind("EC", "P-384").key_file()), HasSubstr("secp384r1"));
  EXPECT_THAT(problem_of(JwtSigner::of_kind("EC", "secp256k1").key_file()), HasSubstr("secp256k1"));
  EXPECT_THAT(problem_of(JwtSigner::of_kind("ED448").key_file()), HasSubstr("ED448"));
  EXPECT_THAT(problem_of(JwtSigner::of_kind("X25519").key_file()), HasSubstr("X25519"));
}

TEST(JwtKeys, WhatIsPublicNeverCountsAsASecret) {
  const JwtSigner signer = JwtSigner::rsa();
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(signer.key(), &der);
  const std::string bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  EXPECT_THAT(problem_of(bytes), HasSubstr("in DER"));
  EXPECT_THAT(problem_of("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0123456789 ann@example"),
              HasSubstr("OpenSSH"));
  EXPECT_THAT(problem_of("{\"keys\":[" + rsa_jwk(signer) + "]}"),
              HasSubstr("a JWKS document in jwks"));
  EXPECT_THAT(problem_of("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
              HasSubstr("a certificate"));
  std::string broken = signer.key_file();
  broken.erase(broken.find('\n') + 8, 1);
  EXPECT_THAT(problem_of(broken), HasSubstr("does not hold a public key"));
  EXPECT_THAT(problem_of(signer.key_file() + broken), HasSubstr("does not hold a public key"))
      << "the second of two";
}

TEST(JwtKeys, PrivateKeysAreRefusedSinceTheyAreNotTheBrokers) {
  EXPECT_THAT(problem_of(JwtSigner::ed25519().private_key_file()), HasSubstr("a private key"));
  EXPECT_THAT(jwks_problem(rsa_jwk(JwtSigner::rsa(), R"(,"d":"AQAB")")), HasSubstr("private key"));
}

TEST(JwtKeys, ASecretOfBytesKeepsItsLastOneWhateverItIs) {
  const std::string bytes = std::string(32, '\x80') + '\n';
  const auto keys = read_key_file(bytes);
  ASSERT_TRUE(keys);
  const JwtSigner same = JwtSigner::secret(bytes);
  EXPECT_TRUE(keys->keys[0].verifies("text", same.signature("text")));
}

TEST(JwtKeys, AJwksIsReadWithItsIds) {
  const JwtSigner rsa = JwtSigner::rsa();
  const auto keys = read_jwks(
      R"({"keys":[)" + rsa_jwk(rsa, R"(,"kid":"r","alg":"RS256","use":"sig","x5c":["..."])") + ',' +
          secret_jwk("s", kSecret, R"(,"key_ops":["sign","verify"])") + R"(],"more":1})",
      kAll);
  ASSERT_TRUE(keys) << keys.error();
  ASSERT_EQ(keys->keys.size(), 2U);
  EXPECT_EQ(keys->keys[0].id(), "r");
  EXPECT_TRUE(keys->keys[0].verifies("text", rsa.signature("text")));
  EXPECT_TRUE(keys->keys[1].verifies("text", JwtSigner::secret(kSecret).signature("text")));
  EXPECT_TRUE(keys->left_out.empty());
}

TEST(JwtKeys, KeysOfAJwksThatAreForSomethingElseAreLeftOut) {
  const std::string rsa = rsa_jwk(JwtSigner::rsa(), R"(,"use":"enc")");
  const auto keys =
      read_jwks(R"({"keys":[)" + rsa + ',' + secret_jwk("sign", kSecret, R"(,"key_ops":["sign"])") +
                    ',' + secret_jwk("hs512", kSecret, R"(,"alg":"HS512")") + ',' +
                    R"({"kty":"EC","kid":"p384","crv":"P-384"},{"kty":"AKP","kid":"later"})" + ',' +
                    secret_jwk("good", kSecret) + "]}",
                kAll);
  ASSERT_TRUE(keys) << keys.error();
  ASSERT_EQ(keys->keys.size(), 1U);
  EXPECT_EQ(keys->keys[0].id(), "good");
  EXPECT_EQ(keys->left_out.size(), 5U);
  EXPECT_EQ(keys->left_out[0], "key 1 of the JWKS is left out: its \"use\" is not \"sig\"");
}

TEST(JwtKeys, AlgorithmsThatAreNotListedAreLeftOut) {
  const std::array only = {Algorithm::eddsa};
  const auto keys = read_jwks(R"({"keys":[)" + secret_jwk("s", kSecret) + "]}", only);
  ASSERT_TRUE(keys);
  EXPECT_TRUE(keys->keys.empty());
  EXPECT_EQ(keys->left_out.at(0), "key \"s\" of the JWKS is left out: HS256 is not in algorithms");
}

TEST(JwtKeys, AJwksThatIsWrongIsRefusedWhole) {
  EXPECT_THAT(read_jwks("[]", kAll).error(), HasSubstr("not a JSON object"));
  EXPECT_THAT(read_jwks("{", kAll).error(), HasSubstr("not JSON"));
  EXPECT_THAT(read_jwks("{}", kAll).error(), HasSubstr("no list"));
  EXPECT_THAT(jwks_problem("7"), HasSubstr("not an object"));
  EXPECT_THAT(jwks_problem(R"({"kty":"oct","k":"A","k":"B"})"), HasSubstr("\"k\" twice"));
  EXPECT_THAT(jwks_problem(R"({"kty":"oct"})"), HasSubstr("\"k\" is not there"));
  EXPECT_THAT(jwks_problem(R"({"kty":"oct","k":"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M="})"),
              HasSubstr("base64url"));
  EXPECT_THAT(jwks_problem(R"({"kty":"RSA","n":"AQAB"})"), HasSubstr("values are not there"));
  EXPECT_THAT(jwks_problem(R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})"), HasSubstr("values"));
  EXPECT_THAT(jwks_problem(R"({"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"})"),
              HasSubstr("values"));
  std::string many = secret_jwk("1", kSecret);
  for (std::size_t i = 0; i < kJwtKeysMax; ++i) many += ',' + secret_jwk("n", kSecret);
  EXPECT_THAT(jwks_problem(many), HasSubstr("at most 32"));
}

TEST(JwtKeys, APointThatIsNotOnTheCurveIsRefused) {
  const std::string off(32, '\x01');
  EXPECT_THAT(jwks_problem(R"({"kty":"EC","crv":"P-256","x":")" + base64url_encoded(off) +
                           R"(","y":")" + base64url_encoded(off) + "\"}"),
              HasSubstr("values are not"));
}

}  // namespace
}  // namespace fanfare::policy
