#include "broker/io/doorbell.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <cerrno>

namespace fanfare::io {
namespace {

bool written(const Doorbell& bell) {
  pollfd descriptor{.fd = bell.descriptor(), .events = POLLIN, .revents = 0};
  return ::poll(&descriptor, 1, 0) == 1;
}

TEST(Doorbell, IsNotWrittenToWhileNobodySleeps) {
  Doorbell bell;
  bell.ring();
  bell.ring();
  EXPECT_FALSE(written(bell));
}

TEST(Doorbell, RungBeforeSleepForbidsIt) {
  Doorbell bell;
  bell.ring();
  EXPECT_FALSE(bell.about_to_sleep());
  EXPECT_TRUE(bell.about_to_sleep()) << "once";
}

TEST(Doorbell, WakesASleeperWithOneWriteHoweverOftenItIsRung) {
  Doorbell bell;
  ASSERT_TRUE(bell.about_to_sleep());
  EXPECT_FALSE(written(bell));
  bell.ring();
  EXPECT_TRUE(written(bell));
  std::uint64_t count = 0;
  bell.ring();
  ASSERT_EQ(::read(bell.descriptor(), &count, sizeof count), 8);
  EXPECT_EQ(count, 1U);
  bell.woke();
  EXPECT_TRUE(bell.about_to_sleep());
}

TEST(Doorbell, KeepsErrnoForSignalHandlers) {
  Doorbell bell;
  ASSERT_TRUE(bell.about_to_sleep());
  errno = EILSEQ;
  bell.ring();
  EXPECT_EQ(errno, EILSEQ);
}

}  // namespace
}  // namespace fanfare::io
