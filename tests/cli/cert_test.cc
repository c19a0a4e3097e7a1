// fanfare cert.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <sstream>

#include "broker/wire/tls/identity.h"
#include "tests/cli/console.h"

namespace fanfare::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

unsigned mode_of(const std::string& path) {
  struct stat about{};
  EXPECT_EQ(::stat(path.c_str(), &about), 0) << path;
  return about.st_mode & 0777U;
}

class Cert : public testing::Test {
 protected:
  tls::Identity written() const {
    auto identity = tls::read_identity(
        {"certificate.pem", text_of(dir + "/certificate.pem")},
        {"key.pem", text_of(dir + "/key.pem")},
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
    EXPECT_TRUE(identity.has_value()) << identity.error();
    return std::move(*identity);
  }

  TemporaryFolder folder;
  std::string dir = folder / "new/tls";
};

TEST_F(Cert, WritesACertificateForThisMachineAndAKeyThatOnlyItsOwnerReads) {
  CapturedConsole console;
  EXPECT_EQ(console.run({"cert", "--self-signed", dir.c_str()}), Exit::done) << console.err();
  EXPECT_EQ(console.out(), dir + "/certificate.pem\n" + dir + "/key.pem\n");
  EXPECT_THAT(written().names, ElementsAre("localhost", "127.0.0.1", "::1"));
  EXPECT_THAT(written().warnings, IsEmpty());
  EXPECT_EQ(mode_of(dir + "/key.pem"), 0600U);
  EXPECT_EQ(mode_of(dir + "/certificate.pem"), 0644U);
}

TEST_F(Cert, IsForTheNamesThatAreGiven) {
  CapturedConsole console;
  EXPECT_EQ(console.run({"cert", "--self-signed", dir.c_str(), "--name", "events.lan", "--name",
                         "*.lan", "--days", "30"}),
            Exit::done);
  EXPECT_THAT(written().names, ElementsAre("events.lan", "*.lan"));
}

TEST_F(Cert, NeverReplacesAFile) {
  for (const std::string name : {"certificate.pem", "key.pem"}) {
    const TemporaryFolder other;
    const std::string there = other.file(name, "mine");
    const std::string place = other / "";
    CapturedConsole console;
    EXPECT_EQ(console.run({"cert", "--self-signed", place.c_str()}), Exit::failed);
    EXPECT_THAT(console.err(), HasSubstr(name + " is there already"));
    EXPECT_EQ(text_of(there), "mine");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(place), {}), 1)
        << "and nothing is left beside it";
  }
}

TEST_F(Cert, SaysWhatIsNoName) {
  CapturedConsole console;
  EXPECT_EQ(console.run({"cert", "--self-signed", dir.c_str(), "--name", "https://a.test"}),
            Exit::usage);
  EXPECT_THAT(console.err(), HasSubstr("\"https://a.test\" is no host name like"));
  EXPECT_FALSE(std::filesystem::exists(dir));
}

TEST_F(Cert, SaysWhereItCannotWrite) {
  const std::string file = folder.file("file", "");
  CapturedConsole console;
  EXPECT_EQ(console.run({"cert", "--self-signed", file.c_str()}), Exit::failed);
  EXPECT_THAT(console.err(), HasSubstr(file));
}

TEST_F(Cert, ShowsExamples) {
  CapturedConsole console;
  EXPECT_EQ(console.run({"cert", "--help"}), Exit::done);
  EXPECT_THAT(console.out(), HasSubstr("fanfare cert --self-signed tls"));
}

}  // namespace
}  // namespace fanfare::cli
