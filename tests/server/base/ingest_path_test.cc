#include "broker/server/base/ingest_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace fanfare::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr uid_t kNobody = 65534;

// An ordinary user with a runtime folder of their own, whoever runs the tests.
class IngestPathTest : public testing::Test {
 protected:
  IngestPathTest() {
    std::string folder = (fs::temp_directory_path() / "fanfare-XXXXXX").string();
    runtime_ = mkdtemp(folder.data());
    if (root_) {
      EXPECT_EQ(chown(runtime_.c_str(), kNobody, kNobody), 0);
      EXPECT_EQ(seteuid(kNobody), 0);
    }
    setenv("XDG_RUNTIME_DIR", runtime_.c_str(), 1);
  }
  ~IngestPathTest() override {
    if (root_) {
      EXPECT_EQ(seteuid(0), 0);
    }
    unsetenv("XDG_RUNTIME_DIR");
    fs::remove_all(runtime_);
  }

  std::string folder() const { return runtime_ + "/fanfare"; }
  static mode_t mode_of(const std::string& path) {
    struct stat found{};
    EXPECT_EQ(lstat(path.c_str(), &found), 0);
    return found.st_mode & 07777;
  }

  const bool root_ = geteuid() == 0;
  std::string runtime_;
};

TEST_F(IngestPathTest, TakesTheConfiguredPathAsItIs) {
  EXPECT_EQ(ingest_path("/srv/x.sock"), "/srv/x.sock");
  EXPECT_EQ(ingest_path(""), default_ingest_path());
}

TEST_F(IngestPathTest, LiesInTheRuntimeFolderOfAnOrdinaryUser) {
  EXPECT_EQ(default_ingest_path(), folder() + "/ingest.sock");
}

TEST_F(IngestPathTest, LiesInTmpWhereThereIsNoRuntimeFolder) {
  for (const char* useless : {"", "relative"}) {
    setenv("XDG_RUNTIME_DIR", useless, 1);
    EXPECT_EQ(default_ingest_path(), "/tmp/fanfare-" + std::to_string(geteuid()) + "/ingest.sock");
  }
}

TEST_F(IngestPathTest, LiesInRunForRoot) {
  if (root_) {
    ASSERT_EQ(seteuid(0), 0);
  }
  const std::string path = default_ingest_path();
  EXPECT_EQ(path == "/run/fanfare/ingest.sock", geteuid() == 0);
}

TEST_F(IngestPathTest, MakesItsFolderForNobodyElse) {
  ASSERT_TRUE(prepare_default_ingest_folder());
  EXPECT_EQ(mode_of(folder()), 0700U);
  EXPECT_TRUE(prepare_default_ingest_folder()) << "it may be there already";
}

TEST_F(IngestPathTest, RefusesAFolderThatOthersMayWriteTo) {
  ASSERT_TRUE(prepare_default_ingest_folder());
  ASSERT_EQ(chmod(folder().c_str(), 0770), 0);
  const auto prepared = prepare_default_ingest_folder();
  ASSERT_FALSE(prepared);
  EXPECT_THAT(prepared.error(), HasSubstr(folder()));
  EXPECT_THAT(prepared.error(), HasSubstr("listen.ingest"));
}

TEST_F(IngestPathTest, RefusesALinkToSomewhereElse) {
  ASSERT_EQ(symlink("/tmp", folder().c_str()), 0);
  EXPECT_FALSE(prepare_default_ingest_folder());
}

TEST_F(IngestPathTest, SaysWhyTheFolderCannotBeMade) {
  setenv("XDG_RUNTIME_DIR", (runtime_ + "/no/such").c_str(), 1);
  const auto prepared = prepare_default_ingest_folder();
  ASSERT_FALSE(prepared);
  EXPECT_THAT(prepared.error(), HasSubstr("No such file or directory"));
}

TEST_F(IngestPathTest, LooksForASocketOfThisUserFirst) {
  ASSERT_TRUE(prepare_default_ingest_folder());
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  default_ingest_path().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(reachable_ingest_path(), default_ingest_path());
  close(listener);
}

}  // namespace
}  // namespace fanfare::server
