#include "broker/server/shard/access_writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include "common/time.h"

namespace fanfare::server {
namespace {

class AccessWriterTest : public ::testing::Test {
 protected:
  AccessWriterTest() {
    std::string folder = ::testing::TempDir() + "fanfare-access-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  ~AccessWriterTest() override { std::filesystem::remove_all(folder_); }

  std::string path(std::string_view name) const { return (folder_ / name).string(); }
  static std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static bool eventually(const std::function<bool()>& fact) {
    const TimePoint deadline = monotonic_now() + 10s;
    while (!fact()) {
      if (monotonic_now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
  static void leave(AccessWriter& writer, std::uint32_t shard, std::string lines) {
    EXPECT_TRUE(eventually([&] { return writer.take(shard, lines); }));
    EXPECT_EQ(lines, "");
  }

  std::filesystem::path folder_;
};

TEST_F(AccessWriterTest, AppendsWhatTheShardsHaveLeft) {
  std::ofstream(path("log")) << "before\n";
  {
    AccessWriter writer(2);
    ASSERT_TRUE(writer.reopen(path("log")));
    leave(writer, 0, "one\n");
    leave(writer, 1, "two\n");
    EXPECT_TRUE(eventually([&] { return text_of(path("log")).size() == 15; }));
    leave(writer, 0, "three\n");
  }
  EXPECT_EQ(text_of(path("log")), "before\none\ntwo\nthree\n") << "the last when it ends";
}

// As logrotate does it.
TEST_F(AccessWriterTest, OpensItsFileAnew) {
  AccessWriter writer(1);
  ASSERT_TRUE(writer.reopen(path("log")));
  leave(writer, 0, "one\n");
  EXPECT_TRUE(eventually([&] { return text_of(path("log")) == "one\n"; }));
  std::filesystem::rename(path("log"), path("log.1"));
  ASSERT_TRUE(writer.reopen(path("log")));
  leave(writer, 0, "two\n");
  EXPECT_TRUE(eventually([&] { return text_of(path("log")) == "two\n"; }));
  EXPECT_EQ(text_of(path("log.1")), "one\n");
}

TEST_F(AccessWriterTest, KeepsItsFileIfAnotherCannotBeOpened) {
  AccessWriter writer(1);
  ASSERT_TRUE(writer.reopen(path("log")));
  const auto bad = writer.reopen(path("no/such/folder"));
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error(), ::testing::HasSubstr("[access] log: "));
  leave(writer, 0, "one\n");
  EXPECT_TRUE(eventually([&] { return text_of(path("log")) == "one\n"; }));
}

// A pipe whose reader sleeps: the shard is told that there is no room, and goes on.
TEST_F(AccessWriterTest, MakesNobodyWait) {
  const std::string pipe = path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  {
    AccessWriter writer(1);
    ASSERT_TRUE(writer.reopen(pipe));
    std::string refused;
    EXPECT_TRUE(eventually([&] {
      refused = std::string(1U << 20U, 'x') + "\n";
      return !writer.take(0, refused);
    }));
    EXPECT_EQ(refused.size(), (1U << 20U) + 1) << "it keeps its lines";
  }  // and the writer ends although nobody has read
  ::close(reader);
}

TEST_F(AccessWriterTest, WithoutAPlaceForgetsTheLines) {
  AccessWriter writer(1);
  ASSERT_TRUE(writer.reopen(""));
  leave(writer, 0, "one\n");
  leave(writer, 0, "two\n");
}

}  // namespace
}  // namespace fanfare::server
