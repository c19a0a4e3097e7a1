#include "tests/sim/pulse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfare::sim {
namespace {

using testing::HasSubstr;

class PulseTest : public testing::Test {
 protected:
  PulseTest() { pulse_.begin(start_, {.min = 8s, .max = 8s}); }
  TimePoint start_{1'000'000'000};
  Pulse pulse_;
};

TEST_F(PulseTest, AcceptsAHeartbeatALittleEarlyOrOnTime) {
  pulse_.told(start_ + 7s, 1);
  pulse_.told(start_ + 13s, 1);
  pulse_.told(start_ + 21s, 1);
  pulse_.end(start_ + 28s);
  EXPECT_EQ(pulse_.problem(), "");
}

TEST_F(PulseTest, SeesAStreamThatIsSentNothing) {
  pulse_.told(start_ + 7s, 1);
  pulse_.end(start_ + 16s);
  EXPECT_THAT(pulse_.problem(), HasSubstr("told nothing for 9000 ms"));
}

TEST_F(PulseTest, SeesAHeartbeatTooSoonAfterAnother) {
  pulse_.told(start_ + 7s, 1);
  pulse_.told(start_ + 9s, 1);
  EXPECT_THAT(pulse_.problem(), HasSubstr("2000 ms after the one before"));
}

TEST_F(PulseTest, TakesAnEventForAHeartbeat) {
  pulse_.told(start_ + 7s, 0);
  pulse_.told(start_ + 14s, 1);
  EXPECT_EQ(pulse_.problem(), "");
}

}  // namespace
}  // namespace fanfare::sim
