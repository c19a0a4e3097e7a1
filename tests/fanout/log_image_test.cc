#include "broker/fanout/log_image.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "broker/fanout/replica.h"
#include "tests/fanout/log_record.h"
#include "tests/fanout/sequencer_fixture.h"

namespace fanfare::fanout {
namespace {

using testing::content_of;

// The model (model_test.cc) has logs of every kind; here is what it has no words for.
class LogImages : public SequencerTest {
 protected:
  std::string image() {
    std::string bytes;
    const bool whole = write_log_image(sequencer_->log(), {.log = {7}, .wall = {}}, past_,
                                       [&bytes](std::string_view piece) {
                                         bytes += piece;
                                         return true;
                                       });
    EXPECT_TRUE(whole);
    return bytes;
  }

  Past past_{TimePoint{5}};
};

TEST_F(LogImages, GiveBackTheLogItsClockAndItsPast) {
  publish("news", "one");
  publish("news", "two\nlines");
  publish_under("sport", "key", "goal");
  ASSERT_TRUE(sequencer_->finish("sport", now_));
  seal();
  past_.note(TimePoint{} + 9s, 3);
  const std::string bytes = image();
  const auto opened = LogImage::open(bytes);
  ASSERT_TRUE(opened) << opened.error();
  EXPECT_EQ(opened->epoch(), kEpoch);
  EXPECT_EQ(opened->head(), 3U);
  EXPECT_EQ(opened->clock().log.nanoseconds, 7);
  EXPECT_EQ(opened->past().before(TimePoint{} + 30s), 3U);
  EXPECT_EQ(opened->past().before(TimePoint{}), std::nullopt);
  const auto log = opened->make({.epoch = kEpoch});
  ASSERT_TRUE(log);
  EXPECT_EQ(content_of(*log), content_of(sequencer_->log()));
}

TEST_F(LogImages, EvenAnEmptyLogBringsAllShardsToItsHead) {
  const std::string bytes = image();
  const auto log = LogImage::open(bytes)->make({.epoch = kEpoch});
  ASSERT_TRUE(log);
  EXPECT_TRUE(log->seal(now_));
}

TEST_F(LogImages, TheNextEventGoesIntoTheSegmentThatWasOpen) {
  for (int i = 0; i < 20; ++i) publish("busy", std::string(100, 'x'));
  seal();
  const std::string bytes = image();
  auto log = LogImage::open(bytes)->make({.epoch = kEpoch});
  ASSERT_TRUE(log);
  EXPECT_EQ(log->segments().bytes(), sequencer_->segment_bytes());
  Sequencer next({.epoch = kEpoch, .history = [](std::string_view) { return HistoryLimits{}; }},
                 std::move(log));
  const Sequence here = publish("busy", "y");
  const auto there = next.publish("busy", {.type = "", .data = "y", .retry_ms = {}}, "", now_);
  EXPECT_EQ(there->sequence, here);
  EXPECT_EQ(next.segment_bytes(), sequencer_->segment_bytes());
}

// Whatever is cut off or changed: a sentence, or no log, and no harm.
TEST_F(LogImages, OneThatIsDamagedIsRefused) {
  for (int i = 0; i < 3; ++i) publish("news", "event");
  seal();
  const std::string bytes = image();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(LogImage::open(std::string_view(bytes).substr(0, size))) << size;
  }
  std::string other = bytes;
  other[8] = 99;
  EXPECT_NE(LogImage::open(other).error().find("version 99"), std::string::npos);
  // A count of channels that nobody has.
  const std::size_t name = bytes.find("news");
  other = bytes;
  other[name - 8] = 100;
  const auto opened = LogImage::open(other);
  EXPECT_TRUE(opened && !opened->make({.epoch = kEpoch}));
}

}  // namespace
}  // namespace fanfare::fanout
