// What `fanfare check` says of who may do what, and of what is open to more than one may think.
#include "broker/config/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "broker/config/exposure.h"
#include "broker/config/load.h"
#include "tests/policy/jwt_signer.h"

namespace fanfare::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

server::Options loaded(std::string_view text) {
  const auto options = parse(text, "test.toml");
  EXPECT_TRUE(options) << options.error().front().text();
  return options ? *options : server::Options();
}
std::string access(std::string_view text) {
  return access_text(loaded(text));
}
std::vector<std::string> exposed(std::string_view text) {
  return exposures(loaded(text));
}

TEST(Access, SaysAllOfItForTheDefaults) {
  EXPECT_EQ(access(""),
            "who may subscribe:\n"
            "  /events               anyone: what ** covers\n"
            "  /position             anyone: the id of the newest event\n"
            "who may publish:\n"
            "  the ingest socket     processes that may write to it (mode 0660): every channel\n"
            "who may look on:\n"
            "  127.0.0.1:9180        every user of this machine: /healthz, /readyz, /metrics, the "
            "live pages, /api, closing\n"
            "pages of other origins that may read it:\n"
            "  other origins         none\n");
}

TEST(Access, SaysWhoMaySubscribeToWhatOnEachPath) {
  EXPECT_THAT(
      access("[token]\nkeys = [\"/k\"]\n[subscribe]\nallow = [\"a/*\", \"b\"]\n"
             "[[route]]\npath = \"/news\"\nchannels = [\"news\"]\ntoken = \"none\"\n"
             "[[route]]\npath = \"/maybe\"\nchannels = [\"news\"]\ntoken = \"optional\"\n"
             "[[route]]\npath = \"/post\"\nmethods = [\"POST\"]\nchannels = [\"news\"]\n"),
      StartsWith("who may subscribe:\n"
                 "  /events               bearers of a token: what a/*, b covers, as far as the "
                 "token grants it\n"
                 "  /position             bearers of a token: the id of the newest event\n"
                 "  /news                 anyone: news\n"
                 "  /maybe                anyone; a token that is presented must be good: news\n"
                 "  /post (POST)          bearers of a token: news, as far as the token grants it\n"
                 "who may publish:\n"));
  EXPECT_THAT(
      access("[token]\nneed = \"required\"\n[subscribe]\nevents = false\n"
             "[[route]]\npath = \"/all\"\nchannels = [\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]\n"),
      StartsWith("who may subscribe:\n"
                 "  /all                  bearers of a ticket, since [token] has no keys: a, b, c, "
                 "d, e and 1 more, as far as the token grants it\n"));
}

// A route whose application decides was called open to anyone.
TEST(Access, SaysWhoMayOpenTheSelfTest) {
  const std::string keys = "[token]\nkeys = [\"/k\"]\n[subscribe]\nselftest = ";
  EXPECT_THAT(access(keys + "\"open\""),
              HasSubstr("  /selftest             anyone: the self-test page"));
  EXPECT_THAT(access(keys + "\"token\""), HasSubstr("  /selftest             bearers of a token"));
  EXPECT_THAT(access(keys + "\"off\""), testing::Not(HasSubstr("/selftest")));
}

TEST(Access, SaysWhereTheApplicationDecides) {
  EXPECT_THAT(access("[[route]]\npath = \"/ask\"\nupstream = \"unix:/app.sock\"\n"),
              HasSubstr("  /ask                  those whom the application at unix:/app.sock lets "
                        "in: the channels that it names\n"));
  EXPECT_THAT(access("[token]\nkeys = [\"/k\"]\n"
                     "[[route]]\npath = \"/ask\"\nupstream = \"unix:/app.sock\"\n"),
              HasSubstr("lets in, about bearers of a token only: the channels that it names\n"));
}

TEST(Access, SaysWhoMayPublishAndLookOn) {
  const std::string text = access(
      "[listen]\ningest = \"/run/f.sock\"\ningest_mode = \"0600\"\n"
      "ingest_group = \"app\"\ningest_users = [\"daemon\"]\nadmin = \"0.0.0.0:1\"\n"
      "[publish]\nlisten = [\"10.0.0.5:7600\"]\nkeys = [\"/k\"]\n"
      "[cors]\norigins = [\"https://*.example.com\"]\ncredentials = true\n");
  EXPECT_THAT(text,
              HasSubstr("  /run/f.sock           processes of the users daemon that may write to "
                        "it (mode 0600, group app): every channel\n"));
  EXPECT_THAT(text, HasSubstr("  10.0.0.5:7600         bearers of a publisher's token: what the "
                              "token grants\n"));
  EXPECT_THAT(text, HasSubstr("  0.0.0.0:1             everybody who reaches this address: "));
  EXPECT_THAT(access("[tls]\ncertificate = \"c\"\nkey = \"k\"\n[publish]\nkeys = [\"/k\"]\n"
                     "listen_tls = [\"10.0.0.5:7643\"]\nclient_ca = \"ca\"\n"
                     "[[publish.client]]\nnames = [\"shop\"]\nchannels = [\"orders/**\"]\n"),
              HasSubstr("  10.0.0.5:7643         bearers of a publisher's token with a certificate "
                        "of [publish] client_ca: what the token grants\n"
                        "  10.0.0.5:7643         bearers of a certificate for shop: orders/**\n"));
  EXPECT_THAT(text, HasSubstr("https://*.example.com: with their cookies\n"));
  EXPECT_THAT(access("[listen]\nadmin = \"\"\n"), HasSubstr("nobody: [listen] admin is empty"));
  EXPECT_THAT(access("[listen]\nadmin_token_file = \"/t\"\n"),
              HasSubstr("every user of this machine: /healthz, /readyz\n"));
}

TEST(Exposure, IsNothingByDefault) {
  EXPECT_THAT(exposed(""), IsEmpty());
}

TEST(Exposure, OfTheAdminListenerIsSaid) {
  EXPECT_THAT(exposed("[listen]\nadmin = \"0.0.0.0:9180\"\n"),
              ElementsAre(AllOf(StartsWith("[listen] admin is 0.0.0.0:9180: "),
                                HasSubstr("set [listen] admin_token_file"))));
  EXPECT_THAT(exposed("[listen]\nadmin = \"0.0.0.0:9180\"\nadmin_token_file = \"/absent\"\n"),
              ElementsAre(HasSubstr("its token travels there in the clear")));
  EXPECT_THAT(exposed("[listen]\nadmin = \"[::1]:9180\"\n"), IsEmpty());
}

TEST(Exposure, OfEveryChannelToEverybodyIsSaid) {
  const std::string outside = "[listen]\nhttp = [\"127.0.0.1:1\", \"[::]:8080\"]\n";
  EXPECT_THAT(exposed(outside),
              ElementsAre(AllOf(HasSubstr("reaches [::]:8080 may subscribe to every channel"),
                                HasSubstr("right for public data"))));
  EXPECT_THAT(exposed(outside + "[subscribe]\nallow = [\"a/**\"]\n"), IsEmpty());
  EXPECT_THAT(exposed(outside + "[subscribe]\nevents = false\n[[route]]\npath = \"/a\"\n"
                                "channels = [\"a\"]\n"),
              IsEmpty());
  EXPECT_THAT(exposed(outside + "[token]\nneed = \"required\"\n"), IsEmpty());
}

TEST(Exposure, OfWhatTravelsInTheClearIsSaid) {
  EXPECT_THAT(exposed("[publish]\nlisten = [\"10.0.0.5:1\", \"127.0.0.1:2\"]\nkeys = [\"/k\"]\n"),
              ElementsAre(HasSubstr("[publish] listen has 10.0.0.5:1: ")));
  EXPECT_THAT(exposed("[[route]]\npath = \"/a\"\nupstream = \"http://10.0.0.9:3000\"\n"
                      "[[route]]\npath = \"/b\"\nupstream = \"http://127.0.0.1:3000\"\n"
                      "[[route]]\npath = \"/c\"\nupstream = \"unix:/app.sock\"\n"),
              ElementsAre(HasSubstr("\"/a\" asks http://10.0.0.9:3000 in the clear")));
}

TEST(Exposure, OfASecretIsSaidAndOfAPublicKeyIsNot) {
  std::string folder = testing::TempDir() + "fanfare-exposure-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string secret = folder + "/secret";
  const std::string key = folder + "/key.pem";
  std::ofstream(secret) << std::string(32, 's');
  std::ofstream(key) << policy_test::JwtSigner::ed25519().key_file();
  server::Options options;
  options.token.keys = {secret, key};
  options.publish.keys = {secret, folder + "/absent"};
  const auto with_mode = [&](mode_t mode) {
    EXPECT_EQ(::chmod(secret.c_str(), mode), 0);
    EXPECT_EQ(::chmod(key.c_str(), 0644), 0);
    return exposures(options);
  };
  EXPECT_THAT(with_mode(0600), IsEmpty());
  EXPECT_THAT(with_mode(0640), IsEmpty()) << "the group is this process's own";
  EXPECT_THAT(with_mode(0644),
              ElementsAre(AllOf(StartsWith("[token] " + secret + " holds a secret"),
                                HasSubstr("every user of this machine can read it")),
                          StartsWith("[publish] " + secret)));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace fanfare::config
