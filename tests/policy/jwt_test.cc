// Every way for a token to be wrong, and the few to be right.
#include "broker/policy/jwt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "broker/policy/base64url.h"
#include "tests/policy/jwt_signer.h"

namespace fanfare::policy {
namespace {

using policy_test::JwtSigner;
using policy_test::part;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(1'800'000'000)};
constexpr std::string_view kGood = R"({"exp":1800000600,"sub":"ann","channels":["chat/*"]})";

const JwtSigner& signer() {
  static const JwtSigner kSigner = JwtSigner::ed25519();
  return kSigner;
}

std::expected<Grants, JwtRefusal> verified(std::string_view token, const JwtRules& rules = {}) {
  return verify_jwt(token, signer().keys(), rules, kNow);
}

// The fault and the sentence with which a token that says this is refused; "good" if it is not.
std::pair<JwtFault, std::string> refusal_of(std::string_view claims, const JwtRules& rules = {}) {
  const auto grants = verified(signer().token(claims), rules);
  return grants ? std::pair(JwtFault{}, std::string("good"))
                : std::pair(grants.error().fault, grants.error().reason);
}

std::string header_refusal(std::string_view header) {
  const auto grants = verified(signer().token(header, kGood));
  return grants ? std::string("good") : grants.error().reason;
}

void expect_refused(std::string_view claims, JwtFault fault, std::string_view reason,
                    const JwtRules& rules = {}) {
  const auto [found, sentence] = refusal_of(claims, rules);
  EXPECT_EQ(found, fault) << claims;
  EXPECT_THAT(sentence, HasSubstr(std::string(reason))) << claims;
}

TEST(Jwt, AGoodTokenGrantsItsChannelsUntilItExpires) {
  for (const JwtSigner& by : {JwtSigner::ed25519(), JwtSigner::p256(), JwtSigner::rsa(),
                              JwtSigner::secret(std::string(32, 's'))}) {
    const auto grants = verify_jwt(by.token(kGood), by.keys(), {}, kNow);
    ASSERT_TRUE(grants) << grants.error().reason;
    EXPECT_EQ(grants->subject, "ann");
    EXPECT_THAT(grants->channels, ElementsAre("chat/*"));
    EXPECT_EQ(grants->expires, kNow + std::chrono::seconds(600 + 30)) << "with the leeway";
  }
}

// ---- The key and the signature.

TEST(Jwt, NoTokenOfAnotherKeyIsAccepted) {
  for (const JwtSigner& other : {JwtSigner::ed25519(), JwtSigner::p256(), JwtSigner::rsa()}) {
    const auto grants = verified(other.token(kGood));
    ASSERT_FALSE(grants);
    EXPECT_EQ(grants.error().fault, JwtFault::not_accepted);
  }
}

TEST(Jwt, AlgNoneIsNoAlgorithmHoweverItIsSpelt) {
  for (const char* const name : {"none", "None", "NONE", "nOnE", "", "eddsa", "HS384", "RS512",
                                 "PS256", "ES384", "EdDSA ", "dir"}) {
    const std::string header = std::string(R"({"alg":")") + name + "\"}";
    EXPECT_THAT(header_refusal(header), HasSubstr("the token's algorithm is \"")) << name;
    EXPECT_FALSE(verified(part(header) + '.' + part(kGood) + '.')) << name;
  }
  EXPECT_THAT(header_refusal(R"({"alg":"none"})"), HasSubstr("\"none\"; the keys are for EdDSA"))
      << "and for nothing else that is known";
  EXPECT_THAT(verified(part(R"({"alg":"EdDSA"})") + '.' + part(kGood) + '.').error().reason,
              HasSubstr("not there"))
      << "a known algorithm, and no signature";
}

// An RSA public key is known to everybody; as the secret of an HMAC it would let everybody sign.
TEST(Jwt, AnRsaKeyIsNeverTheSecretOfAnHmac) {
  const JwtSigner rsa = JwtSigner::rsa();
  const std::string pem = rsa.key_file();
  for (const std::string& secret : {pem, pem.substr(0, pem.size() - 1)}) {
    const std::string forged = JwtSigner::secret(secret).token(R"({"alg":"HS256"})", kGood).c_str();
    const auto grants = verify_jwt(forged, rsa.keys(), {}, kNow);
    ASSERT_FALSE(grants);
    EXPECT_EQ(grants.error().reason,
              "there is no key for the token's algorithm HS256 and no \"kid\"; the keys are for "
              "RS256");
  }
}

TEST(Jwt, TheHeaderCannotChooseAnotherUseOfAKey) {
  const JwtSigner rsa = JwtSigner::rsa();
  for (const char* const name : {"ES256", "EdDSA", "HS256"}) {
    const std::string token = rsa.token(std::string(R"({"alg":")") + name + "\"}", kGood);
    EXPECT_FALSE(verify_jwt(token, rsa.keys(), {}, kNow)) << name;
  }
}

TEST(Jwt, AKeyWithAnIdIsUsedOnlyForTokensThatNameItOrNone) {
  JwtKeys keys;
  keys.keys.push_back(JwtKey::of_secret("old", std::string(32, 'o')));
  keys.keys.push_back(JwtKey::of_secret("new", std::string(32, 'n')));
  const JwtSigner by_new = JwtSigner::secret(std::string(32, 'n'));
  const auto refused = [&](std::string_view header) {
    const auto grants = verify_jwt(by_new.token(header, kGood), keys, {}, kNow);
    return grants ? std::string("good") : grants.error().reason;
  };
  EXPECT_EQ(refused(R"({"alg":"HS256","kid":"new"})"), "good");
  EXPECT_EQ(refused(R"({"alg":"HS256"})"), "good");
  EXPECT_THAT(refused(R"({"alg":"HS256","kid":"old"})"), HasSubstr("not that of any of our keys"));
  EXPECT_THAT(refused(R"({"alg":"HS256","kid":"third"})"), HasSubstr("there is no key"));
  EXPECT_THAT(refused(R"({"alg":"HS256","kid":7})"), HasSubstr("not a string"));
}

TEST(Jwt, SignaturesOfTheWrongLengthAreRefused) {
  const JwtSigner ec = JwtSigner::p256();
  const std::string text = part(R"({"alg":"ES256"})") + '.' + part(kGood);
  std::string both = ec.signature(text);
  while (both[0] == 0 || both[32] == 0) both = ec.signature(text);
  const auto good = [&](const std::string& signature) {
    return verify_jwt(text + '.' + part(signature), ec.keys(), {}, kNow).has_value();
  };
  EXPECT_TRUE(good(both));
  EXPECT_FALSE(good(both.substr(0, 63)));
  EXPECT_FALSE(good(both + '\0'));
  EXPECT_FALSE(good('\0' + both.substr(0, 32) + '\0' + both.substr(32))) << "r and s of 33 bytes";
  EXPECT_FALSE(good(std::string(64, '\0'))) << "zeros sign nothing";
  EXPECT_FALSE(good(std::string(64, '\xff'))) << "beyond the order of the curve";
  EXPECT_FALSE(good(""));
}

TEST(Jwt, AnEcdsaSignatureInDerIsNone) {
  const JwtSigner ec = JwtSigner::p256();
  const std::string text = part(R"({"alg":"ES256"})") + '.' + part(kGood);
  std::string der = "\x30\x44\x02\x20" + ec.signature(text).substr(0, 32) + "\x02\x20" +
                    ec.signature(text).substr(32);
  EXPECT_FALSE(verify_jwt(text + '.' + part(der), ec.keys(), {}, kNow));
}

TEST(Jwt, ASignatureCoversTheHeaderAndTheClaims) {
  const std::string token = signer().token(kGood);
  const std::string other = signer().token(R"({"exp":1800000600,"channels":["**"]})");
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  EXPECT_FALSE(verified(other.substr(0, other.rfind('.')) + token.substr(last)));
  EXPECT_FALSE(verified(part(R"({"alg":"EdDSA","x":1})") + token.substr(first)));
}

// ---- The form.

TEST(Jwt, WhatIsNotThreePartsIsMalformed) {
  const std::string token = signer().token(kGood);
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), std::string("..."), token + '.',
        '.' + token, token.substr(0, token.rfind('.')), "Bearer " + token, token + ' ',
        token + token}) {
    const auto grants = verified(text);
    ASSERT_FALSE(grants) << text;
  }
  EXPECT_EQ(verified(token + '.').error().fault, JwtFault::malformed);
}

TEST(Jwt, ATruncatedTokenIsRefusedWhereverItIsCut) {
  const std::string token = signer().token(kGood);
  for (std::size_t size = 0; size < token.size(); ++size) {
    EXPECT_FALSE(verified(token.substr(0, size))) << size;
  }
}

TEST(Jwt, NoOtherSpellingOfATokenIsAccepted) {
  const std::string token = signer().token(kGood);
  EXPECT_FALSE(verified(token + "=="));
  std::string other = token;
  // 64 bytes are 86 characters; of the last one four bits do not count.
  for (const char c : {'A', 'Q', 'g', 'w', 'B', 'R', 'h', 'x'}) {
    other.back() = c;
    EXPECT_EQ(verified(other).has_value(), other == token) << c;
  }
}

TEST(Jwt, AnOversizedTokenIsRefusedUnread) {
  const std::string token =
      signer().token(R"({"exp":1800000600,"pad":")" + std::string(6000, 'x') + "\"}");
  EXPECT_TRUE(verified(token, {.issuer = {}, .audience = {}, .bytes_max = token.size()}));
  const auto grants =
      verified(token, {.issuer = {}, .audience = {}, .bytes_max = token.size() - 1});
  ASSERT_FALSE(grants);
  EXPECT_EQ(grants.error().fault, JwtFault::malformed);
  EXPECT_THAT(grants.error().reason, HasSubstr("[limits] token_bytes"));
}

TEST(Jwt, NamesThatStandTwiceAreRefusedAtAnyDepth) {
  EXPECT_THAT(header_refusal(R"({"alg":"EdDSA","alg":"EdDSA"})"), HasSubstr("\"alg\" twice"));
  EXPECT_THAT(header_refusal(R"({"alg":"EdDSA","al\u0067":"none"})"), HasSubstr("\"alg\" twice"))
      << "spelt in another way";
  expect_refused(R"({"exp":1800000600,"channels":["a"],"channels":["**"]})", JwtFault::malformed,
                 "\"channels\" twice");
  expect_refused(R"({"exp":1800000600,"exp":1900000000})", JwtFault::malformed, "\"exp\" twice");
  expect_refused(R"({"exp":1800000600,"x":[{"y":{"a":1,"a":2}}]})", JwtFault::malformed,
                 "\"a\" twice");
}

TEST(Jwt, ExtensionsThatMustBeUnderstoodAreNot) {
  for (const char* const crit : {R"(["b64"])", R"(["exp"])", "[]", "null", R"("x")"}) {
    EXPECT_THAT(header_refusal(std::string(R"({"alg":"EdDSA","b64":false,"crit":)") + crit + '}'),
                HasSubstr("\"crit\""))
        << crit;
  }
}

TEST(Jwt, HeadersAndClaimsThatAreNotObjectsAreMalformed) {
  for (const char* const text : {"", "null", "[]", "\"x\"", "7", "{", "{} {}", "{'a':1}",
                                 "{\"a\":\"\xff\"}", "{\"exp\":1800000600,}"}) {
    EXPECT_NE(header_refusal(text), "good") << text;
    EXPECT_EQ(refusal_of(text).first, JwtFault::malformed) << text;
  }
  EXPECT_THAT(header_refusal("{}"), HasSubstr("no \"alg\""));
  EXPECT_THAT(header_refusal(R"({"alg":null})"), HasSubstr("no \"alg\""));
  EXPECT_THAT(header_refusal(R"({"alg":["EdDSA"]})"), HasSubstr("no \"alg\""));
}

TEST(Jwt, KeysThatATokenBringsAreNotUsed) {
  const JwtSigner other = JwtSigner::ed25519();
  EXPECT_FALSE(verified(other.token(
      R"({"alg":"EdDSA","jwk":{"kty":"OKP"},"jku":"https://a.example/","x5u":"https://a.example/"})",
      kGood)));
}

// ---- The claims.

TEST(Jwt, ATokenHasToExpire) {
  expect_refused(R"({"channels":["a"]})", JwtFault::not_accepted, "no \"exp\"");
  expect_refused(R"({"exp":1799999970})", JwtFault::expired, "expired 0 s ago");
  expect_refused(R"({"exp":1799999969.9})", JwtFault::expired, "expired 1 s ago");
  EXPECT_EQ(refusal_of(R"({"exp":1799999971})").second, "good") << "within the leeway";
  EXPECT_EQ(refusal_of(R"({"exp":1.80000001e9})").second, "good");
  for (const char* const exp : {"null", "\"1800000600\"", "-1", "-1e300", "1e300", "99999999999999",
                                "18446744073709551615", "true", "[]", "{}"}) {
    expect_refused(std::string(R"({"exp":)") + exp + '}', JwtFault::malformed, "\"exp\"");
  }
}

TEST(Jwt, ATokenMayNotBeValidYet) {
  EXPECT_EQ(refusal_of(R"({"exp":1800000600,"nbf":1800000030})").second, "good");
  expect_refused(R"({"exp":1800000600,"nbf":1800000031})", JwtFault::not_valid_yet, "\"nbf\"");
  EXPECT_EQ(refusal_of(R"({"exp":1800000600,"iat":1800000030})").second, "good");
  expect_refused(R"({"exp":1800000600,"iat":1800000031})", JwtFault::not_valid_yet, "\"iat\"");
  expect_refused(R"({"exp":1800000600,"nbf":"x"})", JwtFault::malformed, "\"nbf\"");
  expect_refused(R"({"exp":1800000600,"iat":-5})", JwtFault::malformed, "\"iat\"");
}

TEST(Jwt, TheIssuerHasToBeOursIfOneIsNamed) {
  const JwtRules rules{.issuer = "https://id.example", .audience = {}};
  EXPECT_EQ(refusal_of(R"({"exp":1800000600,"iss":"https://id.example"})", rules).second, "good");
  for (const char* const iss :
       {R"("https://id.example/")", R"("HTTPS://id.example")", "7", R"(["https://id.example"])"}) {
    expect_refused(std::string(R"({"exp":1800000600,"iss":)") + iss + '}', JwtFault::not_accepted,
                   "\"iss\"", rules);
  }
  expect_refused(R"({"exp":1800000600})", JwtFault::not_accepted, "no \"iss\"", rules);
  EXPECT_EQ(refusal_of(R"({"exp":1800000600,"iss":"anybody"})").second, "good");
}

TEST(Jwt, ATokenForSomebodyElseIsRefused) {
  const JwtRules rules{.issuer = {}, .audience = "fanfare"};
  EXPECT_EQ(refusal_of(R"({"exp":1800000600,"aud":"fanfare"})", rules).second, "good");
  EXPECT_EQ(refusal_of(R"({"exp":1800000600,"aud":["api","fanfare"]})", rules).second, "good");
  expect_refused(R"({"exp":1800000600,"aud":"api"})", JwtFault::not_accepted, "for \"api\"", rules);
  expect_refused(R"({"exp":1800000600,"aud":[]})", JwtFault::not_accepted, "\"aud\"", rules);
  expect_refused(R"({"exp":1800000600})", JwtFault::not_accepted, "no \"aud\"", rules);
  expect_refused(R"({"exp":1800000600,"aud":7})", JwtFault::malformed, "\"aud\"", rules);
  expect_refused(R"({"exp":1800000600,"aud":["api",7]})", JwtFault::malformed, "\"aud\"", rules);
  expect_refused(R"({"exp":1800000600,"aud":"api"})", JwtFault::not_accepted,
                 "no [token] audience");
  expect_refused(R"({"exp":1800000600,"aud":""})", JwtFault::not_accepted, "no [token] audience");
}

TEST(Jwt, GrantsAreFoundWhereTheClaimSays) {
  const auto channels = [](std::string_view claims, std::string claim) {
    const auto grants =
        verified(signer().token(claims), {.issuer = {}, .audience = {}, .claim = std::move(claim)});
    return grants ? grants->channels : std::vector<std::string>{grants.error().reason};
  };
  EXPECT_THAT(channels(R"({"exp":1800000600,"channels":"a"})", "channels"), ElementsAre("a"));
  EXPECT_THAT(
      channels(R"({"exp":1800000600,"mercure":{"subscribe":["a","b/*"]}})", "mercure.subscribe"),
      ElementsAre("a", "b/*"));
  EXPECT_THAT(channels(R"({"exp":1800000600,"https://a.example/channels":["a"]})",
                       "https://a.example/channels"),
              ElementsAre("a"));
  EXPECT_THAT(channels(R"({"exp":1800000600,"a.b":{"c":["x"]}})", "a.b.c"), ElementsAre("x"));
  EXPECT_TRUE(channels(R"({"exp":1800000600,"mercure":["a"]})", "mercure.subscribe").empty());
  EXPECT_TRUE(channels(R"({"exp":1800000600,"subscribe":["a"]})", "mercure.subscribe").empty());
  EXPECT_TRUE(channels(R"({"exp":1800000600,"channels":null})", "channels").empty());
}

TEST(Jwt, GrantsThatAreNoPatternsAreRefused) {
  for (const char* const channels :
       {"7", "{}", "true", "[7]", R"([["a"]])", R"(["a",null])", R"([""])", R"("")", R"(["a b"])",
        R"(["a/***"])", R"(["https://a.example/{id}"])", R"(["~system/overview"])", R"(["~**"])"}) {
    expect_refused(std::string(R"({"exp":1800000600,"channels":)") + channels + '}',
                   JwtFault::no_grants, "\"channels\"");
  }
  std::string many = R"({"exp":1800000600,"channels":["a")";
  for (std::size_t i = 1; i < kGrantedChannelsMax; ++i) many += ",\"a\"";
  EXPECT_EQ(refusal_of(many + "]}").second, "good");
  expect_refused(many + ",\"a\"]}", JwtFault::no_grants, "more than 100");
}

TEST(Jwt, TheSubjectIsAShortString) {
  expect_refused(R"({"exp":1800000600,"sub":7})", JwtFault::malformed, "\"sub\"");
  expect_refused(R"({"exp":1800000600,"sub":")" + std::string(256, 'x') + "\"}",
                 JwtFault::malformed, "\"sub\"");
}

// What is logged must not help to forge, and what is answered must not say what our keys are.
TEST(Jwt, SentencesTellTheOperatorMoreThanTheClient) {
  EXPECT_EQ(sentence_of(JwtFault::not_accepted), "the token is not accepted here");
  const std::string nasty =
      verified(signer().token("{\"alg\":\"a\\nb\\u001b[1m\"}", kGood)).error().reason;
  EXPECT_EQ(nasty.find('\n'), std::string::npos);
  EXPECT_EQ(nasty.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace fanfare::policy
