#include "common/counted.h"

#include <gtest/gtest.h>

namespace fanfare {
namespace {

TEST(Counted, OnlyOneThingIsInTheSingular) {
  EXPECT_EQ(counted(0, "subscriber"), "0 subscribers");
  EXPECT_EQ(counted(1, "subscriber"), "1 subscriber");
  EXPECT_EQ(counted(2, "event stream"), "2 event streams");
  EXPECT_EQ(counted(1'000'000, "connection"), "1000000 connections");
}

}  // namespace
}  // namespace fanfare
