// The examples of the standards: keys and tokens that others made.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "broker/policy/base64url.h"
#include "broker/policy/jwt.h"

namespace fanfare::policy {
namespace {

constexpr std::array kAll = {Algorithm::eddsa, Algorithm::es256, Algorithm::rs256,
                             Algorithm::hs256};
// {"iss":"joe","exp":1300819380,"http://example.com/is_root":true}, as RFC 7515 A.1 spaces it.
constexpr std::string_view kClaims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    "";

JwtKeys keys_of(std::string_view jwk) {
  auto keys = read_jwks(R"({"keys":[)" + std::string(jwk) + "]}", kAll);
  EXPECT_TRUE(keys) << keys.error();
  EXPECT_EQ(keys->keys.size(), 1U);
  return *std::move(keys);
}

// The token is good with this key until it expires, and with no byte of it changed.
void expect_good(std::string_view header, std::string_view signature, std::string_view jwk) {
  const JwtKeys keys = keys_of(jwk);
  const JwtRules rules{.issuer = "joe", .audience = {}};
  const std::string token =
      std::string(header) + '.' + std::string(kClaims) + '.' + std::string(signature);
  const std::chrono::sys_seconds before{std::chrono::seconds(1'300'819'379)};
  const auto grants = verify_jwt(token, keys, rules, before);
  ASSERT_TRUE(grants) << grants.error().reason;
  EXPECT_EQ(grants->expires.time_since_epoch().count(), 1'300'819'380 + 30);
  EXPECT_EQ(verify_jwt(token, keys, rules, grants->expires).error().fault, JwtFault::expired);
  for (std::size_t at = 0; at < token.size(); ++at) {
    std::string changed = token;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify_jwt(changed, keys, rules, before)) << "byte " << at;
  }
}

TEST(JwtVectors, Rfc7515AppendixA1IsGoodWithHs256) {
  expect_good(
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
      R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})");
}

TEST(JwtVectors, Rfc7515AppendixA2IsGoodWithRs256) {
  expect_good(
      "eyJhbGciOiJSUzI1NiJ9",
      "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
      "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb"
      "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO"
      "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
      R"({"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"})");
}

TEST(JwtVectors, Rfc7515AppendixA3IsGoodWithEs256) {
  expect_good(
      "eyJhbGciOiJFUzI1NiJ9",
      "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
      R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})");
}

// Its payload is a sentence, so that it is a JWS and no token.
TEST(JwtVectors, Rfc8037AppendixA4IsGoodWithEdDsa) {
  const JwtKeys keys =
      keys_of(R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
  const std::string signed_text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
  const std::string signature =
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
  EXPECT_TRUE(keys.keys[0].verifies(signed_text, base64url_decoded(signature).value()));
  EXPECT_EQ(verify_jwt(signed_text + '.' + signature, keys, {}, {}).error().reason,
            "the claims object of the token is not JSON");
}

}  // namespace
}  // namespace fanfare::policy
