#include "broker/config/file_watch.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace fanfare::config {
namespace {

namespace fs = std::filesystem;

class FileWatchTest : public testing::Test {
 protected:
  FileWatchTest() {
    std::string made = testing::TempDir() + "fanfare-watch-XXXXXX";
    EXPECT_NE(mkdtemp(made.data()), nullptr);
    folder = made;
  }
  ~FileWatchTest() override { fs::remove_all(folder); }

  std::string path(const std::string& name) const { return (folder / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name) << text;
  }
  // How many looks it takes until a change is noticed; 0: none of ten.
  int looks_until_changed() {
    for (int i = 1; i <= 10; ++i) {
      if (watch.changed(watched)) return i;
    }
    return 0;
  }

  fs::path folder;
  std::vector<std::string> watched;
  FileWatch watch;
};

TEST_F(FileWatchTest, NoticesEachChangeOnceWhenItHasComeToRest) {
  write("a", "one");
  watched = {path("a")};
  watch.know(watched);
  EXPECT_EQ(looks_until_changed(), 0);
  write("a", "three");
  EXPECT_EQ(looks_until_changed(), 2);
  EXPECT_EQ(looks_until_changed(), 0);
}

TEST_F(FileWatchTest, WaitsWhileFilesAreStillBeingWritten) {
  write("certificate", "1");
  write("key", "1");
  watched = {path("certificate"), path("key")};
  watch.know(watched);
  write("certificate", "22");
  EXPECT_FALSE(watch.changed(watched));
  write("key", "22");
  EXPECT_FALSE(watch.changed(watched)) << "something has changed since the last look";
  EXPECT_TRUE(watch.changed(watched));
}

TEST_F(FileWatchTest, NoticesAFileThatIsRenamedOverAnother) {
  write("a", "one");
  watched = {path("a")};
  watch.know(watched);
  write("new", "two");
  fs::last_write_time(path("new"), fs::last_write_time(path("a")));
  fs::rename(path("new"), path("a"));
  EXPECT_EQ(looks_until_changed(), 2) << "of the same size and time";
}

// As Kubernetes' secrets are replaced: a/key leads to ..data/key, and ..data to a folder.
TEST_F(FileWatchTest, NoticesALinkOnTheWayThatLeadsElsewhere) {
  fs::create_directory(path("first"));
  fs::create_directory(path("second"));
  write("first/key", "one");
  write("second/key", "two");
  fs::create_directory_symlink("first", path("..data"));
  fs::create_symlink("..data/key", path("key"));
  watched = {path("key")};
  watch.know(watched);
  fs::create_directory_symlink("second", path("..data_tmp"));
  fs::rename(path("..data_tmp"), path("..data"));
  EXPECT_EQ(looks_until_changed(), 2);
}

TEST_F(FileWatchTest, NoticesThatAFileGoesAndComes) {
  write("a", "one");
  watched = {path("a")};
  watch.know(watched);
  fs::remove(path("a"));
  EXPECT_EQ(looks_until_changed(), 2);
  write("a", "one");
  EXPECT_EQ(looks_until_changed(), 2);
}

TEST_F(FileWatchTest, KnowsWhatIsReadAnyway) {
  write("a", "one");
  watched = {path("a")};
  watch.know(watched);
  write("a", "three");
  EXPECT_FALSE(watch.changed(watched));
  watch.know(watched);
  EXPECT_EQ(looks_until_changed(), 0);
}

}  // namespace
}  // namespace fanfare::config
