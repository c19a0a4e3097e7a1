#include "broker/io/memory_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace fanfare::io {
namespace {

TEST(MemoryFiles, AreMappedWithAllThatWasWritten) {
  auto file = MemoryFile::make();
  ASSERT_TRUE(file);
  const Descriptor copy(::fcntl(file->descriptor(), F_DUPFD_CLOEXEC, 0));
  EXPECT_FALSE(MappedFile::map(copy)) << "there is nothing in it";
  ASSERT_TRUE(file->write("some "));
  ASSERT_TRUE(file->write(std::string(100'000, 'x')));
  auto mapped = MappedFile::map(copy);
  ASSERT_TRUE(mapped);
  const MappedFile moved = *std::move(mapped);
  EXPECT_EQ(moved.bytes(), "some " + std::string(100'000, 'x'));
}

}  // namespace
}  // namespace fanfare::io
