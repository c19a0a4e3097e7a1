#include "broker/server/streams/gzip_feeds.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/wire/gunzip.h"

namespace fanfare::server {
namespace {

using fanout::Framing;
using gzip_test::Gunzip;

constexpr Framing kFraming = gzipped(Framing::plain);
constexpr GzipFeeds::Number kFeed = 7;

class GzipFeedsTest : public ::testing::Test {
 protected:
  GzipFeedsTest() { EXPECT_TRUE(gzip_.enter(kFeed, 1)); }

  // A round that brings this text; the bytes for the members.
  std::string round(std::string_view text) {
    const fanout::Span span{
        .keeps = {}, .data = text.data(), .size = text.size(), .events = 1, .last = ++last_};
    const fanout::Span& packed = gzip_.packed(kFeed, kFraming, span, tick_);
    return {packed.data, packed.size};
  }
  std::string end(Member member) {
    std::string bytes;
    gzip_.append_end(bytes, member, kFraming);
    return bytes;
  }
  void join(Member member) {
    gzip_.begin(member, {});
    EXPECT_TRUE(gzip_.may_join(kFeed, tick_));
    gzip_.join(kFeed, member);
  }

  Counters counters_;
  GzipFeeds gzip_{counters_};
  fanout::Sequence last_ = 10;
  Tick tick_ = 0;
};

TEST_F(GzipFeedsTest, OneRoundIsCompressedOnceHoweverManySlicesItHas) {
  join(1);
  const std::string_view text = "the text of a round\n";
  const fanout::Span span{
      .keeps = {}, .data = text.data(), .size = text.size(), .events = 1, .last = 20};
  EXPECT_TRUE(gzip_.is_new(kFeed, span));
  const char* const bytes = gzip_.packed(kFeed, kFraming, span, tick_).data;
  EXPECT_FALSE(gzip_.is_new(kFeed, span));
  EXPECT_EQ(gzip_.packed(kFeed, kFraming, span, tick_).data, bytes);
  EXPECT_EQ(counters_.compressed_text_bytes_total, text.size());
}

TEST_F(GzipFeedsTest, AMemberThatLeavesBeforeItsSliceHasTheSumOfWhatItGot) {
  join(1);
  join(2);
  Gunzip one;
  Gunzip two;
  one.take(http::kGzipHead);
  two.take(http::kGzipHead);
  const std::string first = round("first\n");
  one.take(first);
  two.take(first);
  const fanout::Sequence stood_at = last_;
  two.take(round("second\n"));
  gzip_.left(kFeed, 1, stood_at);
  gzip_.left(kFeed, 2, last_);
  one.take(end(1));
  two.take(end(2));
  EXPECT_TRUE(one.complete());
  EXPECT_TRUE(two.complete());
}

TEST_F(GzipFeedsTest, OthersWaitForSoManyRoundsOrSoLong) {
  join(1);
  EXPECT_TRUE(gzip_.may_join(kFeed, tick_)) << "nothing has been sent";
  for (int i = 1; i < 32; ++i) {
    round("text\n");
    EXPECT_FALSE(gzip_.may_join(kFeed, tick_)) << i;
  }
  round("text\n");
  EXPECT_TRUE(gzip_.may_join(kFeed, tick_));
  round("text\n");
  EXPECT_FALSE(gzip_.may_join(kFeed, tick_ + ticks(14s)));
  EXPECT_TRUE(gzip_.may_join(kFeed, tick_ + ticks(15s)));
  round("text\n");
  tick_ += ticks(15s);
  EXPECT_TRUE(gzip_.may_join(kFeed, tick_));
}

TEST_F(GzipFeedsTest, NobodyWaitsForAFeedWithoutMembers) {
  join(1);
  round("text\n");
  EXPECT_FALSE(gzip_.may_join(kFeed, tick_));
  gzip_.left(kFeed, 1, last_);
  EXPECT_TRUE(gzip_.may_join(kFeed, tick_));
}

// Otherwise a feed into which clients keep coming would hardly be compressed.
TEST_F(GzipFeedsTest, WithoutAWishToJoinThereIsNoRestart) {
  join(1);
  std::string text(500, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('!' + i * i * i % 89);
  const std::size_t first = round(text).size();
  for (int i = 0; i < 100; ++i) EXPECT_LT(round(text).size(), first / 4);
  EXPECT_TRUE(gzip_.may_join(kFeed, tick_));
  EXPECT_EQ(round(text).size(), first);
}

TEST_F(GzipFeedsTest, ThereIsABoundAndWhatWentMakesRoom) {
  EXPECT_TRUE(gzip_.enter(kFeed, 1)) << "it is there";
  EXPECT_FALSE(gzip_.enter(8, 1));
  EXPECT_EQ(counters_.compressors_refused_total, 1U);
  gzip_.leave(kFeed);
  EXPECT_FALSE(gzip_.enter(8, 1));
  gzip_.leave(kFeed);
  EXPECT_TRUE(gzip_.enter(8, 1));
  EXPECT_EQ(counters_.compressors, 1U);
}

}  // namespace
}  // namespace fanfare::server
