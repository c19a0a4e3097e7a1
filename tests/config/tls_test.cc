// [listen] https, [tls] and [[tls.sni]]: what is wrong with the keys, and with the files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "broker/config/load.h"
#include "broker/config/tls_files.h"
#include "broker/wire/tls/self_signed.h"
#include "tests/wire/tls/authority.h"

namespace fanfare::config {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using tls::Authority;

std::vector<std::string> problems(std::string_view text) {
  std::vector<std::string> lines;
  if (const Loaded loaded = parse(text, "f.toml"); !loaded) {
    for (const Diagnostic& problem : loaded.error()) lines.push_back(problem.text());
  }
  return lines;
}

constexpr std::string_view kHttps = "[listen]\nhttps = [\"127.0.0.1:8443\"]\n";
constexpr std::string_view kTls = "[tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"\n";

std::string both(std::string_view more = {}) {
  return std::string(kHttps) + std::string(kTls) + std::string(more);
}

TEST(TlsRules, AskForACertificateAndItsKey) {
  EXPECT_THAT(problems(both()), IsEmpty());
  EXPECT_THAT(problems(kHttps),
              ElementsAre(AllOf(HasSubstr("tls.certificate is not"), HasSubstr("fanfare cert")),
                          HasSubstr("tls.key is not")));
  EXPECT_THAT(problems(kTls), IsEmpty()) << "a certificate that is ready for later";
}

TEST(TlsRules, PointAtTheListenerThatIsWrong) {
  EXPECT_THAT(problems("[listen]\nhttps = [\"nowhere\"]\n" + std::string(kTls)),
              ElementsAre(AllOf(StartsWith("f.toml:2:10: "), HasSubstr("has no port"))));
  EXPECT_THAT(problems("[listen]\nhttps = [\"127.0.0.1:8080\"]\n" + std::string(kTls)),
              ElementsAre(HasSubstr("also in listen.http")));
  EXPECT_THAT(problems("[listen]\nhttps = [\"127.0.0.1:9180\"]\n" + std::string(kTls)),
              ElementsAre(HasSubstr("also listen.admin")));
  EXPECT_THAT(problems("[listen]\nhttps = [\"[::1]:1\", \"[::1]:1\"]\n" + std::string(kTls)),
              ElementsAre(HasSubstr("listed twice")));
}

TEST(TlsRules, NameWhatAnSniEntryLacks) {
  EXPECT_THAT(problems(both("[[tls.sni]]\nnames = [\"a.test\"]\ncertificate = \"b\"\n")),
              ElementsAre(AllOf(StartsWith("f.toml:6:"), HasSubstr("key is missing"))));
  EXPECT_THAT(problems(both("[[tls.sni]]\ncertificate = \"b\"\nkey = \"k\"\n")),
              ElementsAre(HasSubstr("names are missing")));
  EXPECT_THAT(problems(both("[[tls.sni]]\nnames = [\"a b\"]\ncertificate = \"b\"\nkey = \"k\"\n")),
              ElementsAre(AllOf(StartsWith("f.toml:7:"), HasSubstr("\"a b\" is no host name"))));
  EXPECT_THAT(
      problems(both("[[tls.sni]]\nname = [\"a\"]\n")),
      Contains(AllOf(HasSubstr("unknown key \"name\" in [[tls.sni]]"), HasSubstr("\"names\""))));
  EXPECT_THAT(problems(both("[tls.sni]\nnames = [\"a\"]\n")),
              ElementsAre(HasSubstr("write [[tls.sni]], with two brackets")));
}

constexpr std::string_view kPublish = "[publish]\nlisten_tls = [\"127.0.0.1:7643\"]\n";
constexpr std::string_view kClient = "[[publish.client]]\nnames = [\"a\"]\nchannels = [\"a\"]\n";

std::string publishers(std::string_view more, std::string_view client = kClient) {
  return std::string(kTls) + std::string(kPublish) + std::string(more) + std::string(client);
}

TEST(TlsRules, AskForSomethingThatPublishersCanShow) {
  const std::string ca = "client_ca = \"ca.pem\"\n";
  EXPECT_THAT(problems(publishers(ca)), IsEmpty());
  EXPECT_THAT(problems(publishers("keys = [\"/k\"]\n", "")), IsEmpty());
  EXPECT_THAT(problems(publishers(ca + "keys = [\"/k\"]\n", "")), IsEmpty());
  EXPECT_THAT(
      problems(publishers(ca, "")),
      ElementsAre(AllOf(StartsWith("f.toml:5:14: "), HasSubstr("neither keys nor clients"))));
  EXPECT_THAT(problems(publishers("")),
              ElementsAre(AllOf(StartsWith("f.toml:6:"), HasSubstr("client_ca is not set"))));
  EXPECT_THAT(problems(publishers("client_crl = \"c\"\nkeys = [\"/k\"]\n", "")),
              ElementsAre(HasSubstr("client_crl is set, and publish.client_ca is not")));
  EXPECT_THAT(problems(std::string(kPublish) + ca + std::string(kClient)),
              ElementsAre(HasSubstr("publish.listen_tls is set, and tls.certificate is not"),
                          HasSubstr("publish.listen_tls is set, and tls.key is not")));
  EXPECT_THAT(problems(publishers(ca) + "[listen]\nadmin = \"127.0.0.1:7643\"\n"),
              ElementsAre(HasSubstr("also in [listen]")));
  EXPECT_THAT(problems(publishers(ca + "listen = [\"127.0.0.1:7643\"]\nkeys = [\"/k\"]\n")),
              ElementsAre(HasSubstr("listed twice")));
}

TEST(TlsRules, NameWhatAPublishersEntryLacks) {
  const std::string ca = "client_ca = \"ca.pem\"\n";
  EXPECT_THAT(problems(publishers(ca, "[[publish.client]]\nnames = [\"a\"]\n")),
              ElementsAre(HasSubstr("channels are missing")));
  EXPECT_THAT(problems(publishers(ca, "[[publish.client]]\nchannels = [\"a\"]\n")),
              ElementsAre(HasSubstr("names are missing")));
  EXPECT_THAT(
      problems(publishers(ca, "[[publish.client]]\nnames = [\"a\"]\nchannels = [\"a\", \"~b\"]\n")),
      ElementsAre(AllOf(StartsWith("f.toml:9:18: "), HasSubstr("the broker's own"))));
  EXPECT_THAT(problems(publishers(ca, "[[publish.client]]\nname = \"a\"\n")),
              Contains(HasSubstr("unknown key \"name\" in [[publish.client]]")));
}

class TlsFilesTest : public testing::Test {
 protected:
  TlsFilesTest() {
    std::string folder = testing::TempDir() + "fanfare-tls-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    options.listen.https = {"127.0.0.1:0"};
    options.tls.certificate = write("site.crt", site.certificate);
    options.tls.key = write("site.key", site.key);
  }
  ~TlsFilesTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  std::expected<TlsFiles, std::vector<std::string>> read() const {
    return read_tls_files(options, std::make_shared<tls::TicketKeys>(TimePoint{}), now);
  }

  const std::chrono::sys_seconds now =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const tls::SelfSigned site =
      *tls::make_self_signed({"site.test", "192.0.2.1"}, now, std::chrono::days(100));
  server::Options options;

 private:
  std::filesystem::path folder_;
};

TEST_F(TlsFilesTest, AreReadAndSaidForAPerson) {
  const auto files = read();
  ASSERT_TRUE(files.has_value()) << files.error().front();
  EXPECT_NE(files->server, nullptr);
  EXPECT_THAT(files->text, StartsWith("site.test, 192.0.2.1 until 20"));
  EXPECT_THAT(files->warnings, IsEmpty());
}

TEST_F(TlsFilesTest, AreNotReadIfNothingListensForTls) {
  options.listen.https.clear();
  options.tls.certificate = "/nonexistent";
  const auto files = read();
  ASSERT_TRUE(files.has_value());
  EXPECT_EQ(files->server, nullptr);
}

TEST_F(TlsFilesTest, NameEveryFileThatIsBad) {
  options.tls.certificate = "/nonexistent/site.crt";
  options.tls.sni = {{.names = {"a.test"},
                      .certificate = write("a.crt", site.certificate),
                      .key = write("a.key", "no key")}};
  const auto files = read();
  ASSERT_FALSE(files.has_value());
  EXPECT_THAT(files.error(), ElementsAre(StartsWith("[tls] certificate: /nonexistent/site.crt: "),
                                         AllOf(StartsWith("[[tls.sni]] "), HasSubstr("a.key"),
                                               HasSubstr("there is no private key in it"))));
}

TEST_F(TlsFilesTest, AreReadForPublishersApart) {
  options.publish.listen_tls = {"127.0.0.1:0"};
  options.publish.client_ca = write("ca.pem", Authority("Publishers").certificate());
  const auto files = read();
  ASSERT_TRUE(files.has_value()) << files.error().front();
  EXPECT_NE(files->server, nullptr);
  EXPECT_NE(files->publish_server, nullptr);
  EXPECT_THAT(files->text, EndsWith("; publishers' of CN = Publishers"));
  EXPECT_THAT(tls_file_paths(options),
              ElementsAre(options.tls.certificate, options.tls.key, options.publish.client_ca));
  ASSERT_EQ(files->expiries.size(), 2U);
  EXPECT_EQ(files->expiries[0].name, "site.test, 192.0.2.1");
  EXPECT_EQ(files->expiries[1].kind, "authority");
  EXPECT_EQ(files->expiries[1].file, options.publish.client_ca);
  EXPECT_GT(files->expiries[1].unix_s, 1'600'000'000);
  options.listen.https.clear();
  EXPECT_EQ(read()->server, nullptr) << "there are only publishers";
}

TEST_F(TlsFilesTest, SayWhatIsWrongWithTheAuthoritiesOfPublishers) {
  const Authority publishers("Publishers");
  options.publish.listen_tls = {"127.0.0.1:0"};
  options.publish.client_ca = write("ca.pem", "nothing");
  options.publish.client_crl = "/nonexistent/crl.pem";
  auto files = read();
  ASSERT_FALSE(files.has_value());
  EXPECT_THAT(files.error(), ElementsAre(HasSubstr("[publish] client_crl: /nonexistent/crl.pem")));
  options.publish.client_crl = write("crl.pem", publishers.certificate());
  files = read();
  ASSERT_FALSE(files.has_value());
  EXPECT_THAT(files.error(), ElementsAre(AllOf(StartsWith("[publish] "), HasSubstr("ca.pem"))));
  options.publish.client_ca = write("ca.pem", publishers.certificate());
  files = read();
  ASSERT_FALSE(files.has_value());
  EXPECT_THAT(files.error(), ElementsAre(HasSubstr("no list of revoked certificates in it")));
}

TEST_F(TlsFilesTest, WarnOfAListOfRevokedCertificatesThatRefusesEverybody) {
  const Authority publishers("Publishers");
  options.publish.listen_tls = {"127.0.0.1:0"};
  options.publish.client_ca = write("ca.pem", publishers.certificate());
  options.publish.client_crl = write("crl.pem", publishers.revocations({}));
  EXPECT_THAT(read()->warnings, IsEmpty());
  options.publish.client_crl = write("crl.pem", publishers.revocations({}, /*next_in_days=*/-1));
  EXPECT_THAT(read()->warnings,
              ElementsAre(HasSubstr("the list of CN = Publishers was to be renewed by 20")));
  options.publish.client_crl = write("crl.pem", Authority("Others").revocations({}));
  EXPECT_THAT(read()->warnings,
              ElementsAre(HasSubstr("there is no list of CN = Publishers in it")));
}

TEST_F(TlsFilesTest, WarnOfANameThatTheCertificateDoesNotHave) {
  options.tls.sni = {{.names = {"site.test", "other.test"},
                      .certificate = options.tls.certificate,
                      .key = options.tls.key}};
  const auto files = read();
  ASSERT_TRUE(files.has_value());
  EXPECT_THAT(files->warnings, ElementsAre(HasSubstr("not for \"other.test\"")));
}

}  // namespace
}  // namespace fanfare::config
