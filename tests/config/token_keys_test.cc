// The key files of [token], as they lie on a disk.
#include "broker/config/token_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "broker/config/load.h"
#include "tests/policy/jwt_signer.h"

namespace fanfare::config {
namespace {

using policy_test::JwtSigner;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class TokenKeysTest : public testing::Test {
 protected:
  TokenKeysTest() {
    std::string folder = testing::TempDir() + "fanfare-token-keys-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  ~TokenKeysTest() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, std::string_view bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return (folder_ / name).string();
  }

  std::filesystem::path folder_;
};

TEST_F(TokenKeysTest, AreThoseOfAllFilesTogether) {
  server::TokenOptions token;
  token.keys = {file("a.pem", JwtSigner::ed25519().key_file()), file("b", std::string(40, 's'))};
  token.jwks = file("c.json", R"({"keys":[{"kty":"oct","kid":"k","k":")" +
                                  policy_test::part(std::string(32, 'k')) + "\"}]}");
  const auto keys = read_token_keys(token);
  ASSERT_TRUE(keys) << keys.error().front();
  EXPECT_EQ(token_keys_text(*keys), "3 keys: EdDSA, HS256, HS256 \"k\"");
}

TEST_F(TokenKeysTest, OfPublishersAreNamedAfterTheirSection) {
  server::PublishOptions publish;
  publish.keys = {file("short", "short")};
  publish.algorithms = {"HS256"};
  const auto bad = read_publish_keys(publish);
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().front(), testing::StartsWith("[publish] keys: "));
  publish.keys = {file("a.pem", JwtSigner::ed25519().key_file())};
  EXPECT_THAT(read_publish_keys(publish).error().front(),
              HasSubstr("EdDSA, which is not in publish.algorithms"));
  publish.algorithms = {"EdDSA"};
  EXPECT_EQ(token_keys_text(*read_publish_keys(publish)), "1 key: EdDSA");
  EXPECT_EQ(*read_publish_keys({}), nullptr);
}

TEST_F(TokenKeysTest, AreNoneWhereNoFileIsNamed) {
  const auto keys = read_token_keys({});
  ASSERT_TRUE(keys);
  EXPECT_EQ(*keys, nullptr);
  EXPECT_EQ(token_keys_text(*keys), "");
}

TEST_F(TokenKeysTest, AllFilesThatAreBadAreReportedAtOnce) {
  server::TokenOptions token;
  token.keys = {(folder_ / "absent").string(), folder_.string(), file("short", "short"),
                file("large", std::string(100'000, 'x'))};
  token.jwks = file("empty.json", R"({"keys":[]})");
  const auto keys = read_token_keys(token);
  ASSERT_FALSE(keys);
  ASSERT_THAT(keys.error(), SizeIs(5));
  EXPECT_EQ(keys.error()[0], "[token] keys: " + token.keys[0] + ": No such file or directory");
  EXPECT_THAT(keys.error()[1], HasSubstr("it is a directory"));
  EXPECT_THAT(keys.error()[2], HasSubstr("an HMAC secret of 5 bytes is too short"));
  EXPECT_THAT(keys.error()[3], HasSubstr("larger than 64 KiB, too large for a key"));
  EXPECT_EQ(keys.error()[4], "[token] jwks: " + token.jwks + ": it has no keys");
}

TEST_F(TokenKeysTest, AKeyForAnAlgorithmThatIsNotListedIsAProblem) {
  server::TokenOptions token;
  token.keys = {file("secret", std::string(32, 's'))};
  token.algorithms = {"EdDSA", "ES256"};
  const auto keys = read_token_keys(token);
  ASSERT_FALSE(keys);
  EXPECT_THAT(keys.error()[0], HasSubstr("a key for HS256, which is not in token.algorithms"));
}

TEST(Token, ItsSettingsAreChecked) {
  const auto problems = [](std::string_view text) {
    const auto loaded = parse("[token]\n" + std::string(text), "test.toml");
    return loaded ? std::string("good") : loaded.error().front().text();
  };
  EXPECT_THAT(problems(R"(keys = ["token.pem"])"), HasSubstr("\"/etc/fanfare/token.pem\""));
  EXPECT_THAT(problems(R"(jwks = "jwks.json")"), HasSubstr("depends on the directory"));
  EXPECT_THAT(problems(R"(algorithms = ["none"])"), HasSubstr("\"none\" is not one of EdDSA"));
  EXPECT_THAT(problems("algorithms = []"), HasSubstr("algorithms"));
  EXPECT_THAT(problems(R"(cookie = "a b")"), HasSubstr("token.cookie"));
  for (const char* const own : {"channel", "Channels", "replay", "last_event_id", "stream"}) {
    EXPECT_THAT(problems("query = \"" + std::string(own) + '"'), HasSubstr("the broker's own"))
        << own;
  }
  EXPECT_EQ(problems("query = \"access_token\"\ncookie = \"__Host-t\""), "good");
  EXPECT_EQ(problems("query = \"\"\ncookie = \"\""), "good");
}

}  // namespace
}  // namespace fanfare::config
