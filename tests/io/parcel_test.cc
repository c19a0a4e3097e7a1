#include "broker/io/parcel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace fanfare::io {
namespace {

TEST(Parcels, ArriveWholeInOrderWithTheirDescriptors) {
  const auto pair = parcel_pair();
  ASSERT_TRUE(pair);
  const auto& [near, far] = *pair;
  int pipes[2];
  ASSERT_EQ(::pipe2(pipes, O_CLOEXEC), 0);
  const std::vector<int> many(kParcelDescriptorsMax, pipes[1]);
  const std::string large(kParcelBytesMax, 'x');
  ASSERT_TRUE(send_parcel(near.number(), large, many, 1s));
  ASSERT_TRUE(send_parcel(near.number(), "second", {}, 1s));
  ::close(pipes[1]);
  const auto first = receive_parcel(far.number(), 1s);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->text, large);
  ASSERT_EQ(first->descriptors.size(), kParcelDescriptorsMax);
  EXPECT_EQ(::write(first->descriptors.back().number(), "y", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(pipes[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  EXPECT_EQ(receive_parcel(far.number(), 1s)->text, "second");
  ::close(pipes[0]);
}

TEST(Parcels, TheOtherEndMayBeSlowOrGone) {
  auto pair = parcel_pair();
  ASSERT_TRUE(pair);
  auto& [near, far] = *pair;
  EXPECT_FALSE(receive_parcel(far.number(), 1ms));
  const std::string large(kParcelBytesMax, 'x');
  int sent = 0;
  while (send_parcel(near.number(), large, {}, 1ms)) ++sent;
  EXPECT_GT(sent, 0);
  far = Descriptor();
  EXPECT_FALSE(send_parcel(near.number(), "nobody reads it", {}, 10s));
  EXPECT_FALSE(receive_parcel(near.number(), 10s));
}

}  // namespace
}  // namespace fanfare::io
