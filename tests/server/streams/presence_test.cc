// Which streams there are, as reported to publishers that watch.
#include "broker/server/streams/presence.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace fanfare::server {
namespace {

// Fifteen bits of the slot were kept: streams in slots 32,768 apart had one id.
TEST(Presence, NoTwoStreamsHaveOneIdHoweverLargeTheTable) {
  for (const std::uint32_t slots : {100U, 1U << 15U, 70'000U, 1U << 20U}) {
    for (const std::uint32_t shards : {1U, 3U, 1024U}) {
      std::set<std::uint64_t> ids;
      std::size_t streams = 0;
      for (std::uint32_t shard = 0; shard < shards; shard += shards / 3 + 1) {
        for (io::Slot slot = 0; slot < slots; slot += slots / 64 + 1) {
          for (const std::uint32_t began : {0U, 1U, 4095U}) {
            ids.insert(stream_id(shard, shards, slot, slots, began));
            ++streams;
          }
          for (const std::uint32_t began : {1U << 15U, 1U << 24U, ~0U}) {
            EXPECT_LE(stream_id(shard, shards, slot, slots, began), 1ULL << 53U);
          }
        }
      }
      EXPECT_EQ(ids.size(), streams) << slots << " slots, " << shards << " shards";
    }
  }
  EXPECT_NE(stream_id(0, 1, 0, 1U << 20U, 7), stream_id(0, 1, 1U << 15U, 1U << 20U, 7));
}

TEST(Presence, AQueryNamesAllTopicsWhereverTheyWereNamed) {
  const std::vector<std::string> topics = {"a", "b/*"};
  EXPECT_EQ(query_of(topics), "channel=a&channel=b/*");
  EXPECT_EQ(full_query("", topics), "channel=a&channel=b/*");
  EXPECT_EQ(full_query("user=7", topics), "channel=a&channel=b/*&user=7");
  EXPECT_EQ(full_query("channel=b%2F*&user=7", topics), "channel=a&channel=b%2F*&user=7");
  EXPECT_EQ(full_query("channel=b/*&channel=a&x=", topics), "channel=b/*&channel=a&x=");
  EXPECT_EQ(full_query("channels=b/*", topics), "channel=a&channels=b/*");
}

}  // namespace
}  // namespace fanfare::server
