// What is read of the admin listener's lists.
#include "broker/client/listings.h"

#include <gtest/gtest.h>

namespace fanfare::client {
namespace {

TEST(Listings, ReadAConnectionWithAllThatIsSaidOfIt) {
  const auto list = listed_connections(
      R"({"total":7,"offset":0,"next":null,"connections":[{"id":"s1","state":"blocked",)"
      R"("address":"192.0.2.1:4","protocol":"h2","tls":true,"age_ms":5,"subject":null,)"
      R"("channels":["a","b"],"channels_total":30,"lag_events":3,"lag_at_least":true,"lag_ms":9,)"
      R"("queued_bytes":8,"tcp":{"rtt_ms":1.5,"retransmits":2,"unacked_bytes":6}},{"id":"s2"}]})");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->total, 7U);
  ASSERT_EQ(list->rows.size(), 2U);
  const ListedConnection& row = list->rows[0];
  EXPECT_EQ(row.id, "s1");
  EXPECT_TRUE(row.tls);
  EXPECT_EQ(row.subject, "");
  EXPECT_EQ(row.channels.size(), 2U);
  EXPECT_EQ(row.channels_total, 30U);
  EXPECT_TRUE(row.lag_at_least);
  ASSERT_TRUE(row.tcp);
  EXPECT_EQ(row.tcp->rtt_ms, 1.5);
  EXPECT_EQ(row.tcp->unacked_bytes, 6U);
  EXPECT_FALSE(list->rows[1].tcp);
}

TEST(Listings, ReadChannelsWhoseRateMayNotBeKnown) {
  const auto list = listed_channels(
      R"({"total":2,"channels":[{"name":"a","events_s":4,"subscribers":1},{"name":"b",)"
      R"("events_s":null}]})");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->rows[0].events_s, 4U);
  EXPECT_FALSE(list->rows[1].events_s);
}

TEST(Listings, AreNothingElse) {
  for (const char* const text : {"", "[]", "{}", "{\"connections\":{}}", "<html>"}) {
    EXPECT_FALSE(listed_connections(text)) << text;
    EXPECT_FALSE(listed_channels(text)) << text;
  }
}

}  // namespace
}  // namespace fanfare::client
