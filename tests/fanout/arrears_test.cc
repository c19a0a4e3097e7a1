#include "broker/fanout/arrears.h"

#include <gtest/gtest.h>

namespace fanfare::fanout {
namespace {

TEST(Arrears, AreTheBytesSinceTheOldestBatchThatSomebodyOwes) {
  Arrears arrears;
  arrears.open(0, TimePoint{10});
  arrears.grow(100);
  EXPECT_EQ(arrears.bytes(), 0U) << "nobody owes anything";
  arrears.owe(1);
  arrears.open(5, TimePoint{20});
  arrears.grow(30);
  arrears.owe(6);
  arrears.owe(9);
  EXPECT_EQ(arrears.bytes(), 130U);
  arrears.settle(1);
  EXPECT_EQ(arrears.bytes(), 30U);
  arrears.settle(6);
  EXPECT_EQ(arrears.bytes(), 30U);
  arrears.settle(9);
  EXPECT_EQ(arrears.bytes(), 0U);
}

TEST(Arrears, KnowWhenABatchWasCommitted) {
  Arrears arrears;
  arrears.open(0, TimePoint{10});
  arrears.owe(3);
  arrears.open(5, TimePoint{20});
  arrears.owe(6);
  EXPECT_EQ(arrears.committed(3), TimePoint{10});
  EXPECT_EQ(arrears.committed(5), TimePoint{10});
  EXPECT_EQ(arrears.committed(6), TimePoint{20});
}

TEST(Arrears, ForgetWhatIsSettledHoweverLongTheyRun) {
  Arrears arrears;
  arrears.open(0, {});
  arrears.grow(1);
  arrears.owe(1);
  for (Sequence head = 1; head < 10'000; ++head) {
    arrears.open(head, {});
    arrears.grow(1);
    arrears.owe(head + 1);
    arrears.settle(head);
    EXPECT_EQ(arrears.bytes(), 1U);
  }
}

}  // namespace
}  // namespace fanfare::fanout
