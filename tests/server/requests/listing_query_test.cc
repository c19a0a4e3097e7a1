// What operators may say in a query, and what they are answered if it means nothing.
#include "broker/server/requests/listing_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace fanfare::server {
namespace {

using ::testing::HasSubstr;

TEST(ListingQuery, WithoutAWordAsksForTheWorstLagFirst) {
  const auto order = parse_connection_query("");
  ASSERT_TRUE(order);
  EXPECT_EQ(order->sort, ConnectionSort::lag);
  EXPECT_TRUE(order->descending);
  EXPECT_EQ(order->limit, 100U);
  EXPECT_EQ(order->filter.kind, ConnectionFilter::Kind::subscribers);
  EXPECT_FALSE(order->dismissal);
}

TEST(ListingQuery, UnderstandsEveryFilter) {
  const auto order = parse_connection_query(
      "kind=all&address=10.0.0.0%2F8&channel=room/7&subject=ann&protocol=h2&tls=1&state=blocked&"
      "sort=age&limit=7&offset=14");
  ASSERT_TRUE(order) << order.error();
  const ConnectionFilter& filter = order->filter;
  EXPECT_EQ(filter.kind, ConnectionFilter::Kind::all);
  ASSERT_TRUE(filter.address);
  EXPECT_TRUE(filter.address->contains(*IpAddress::parse("10.1.2.3")));
  EXPECT_FALSE(filter.address->contains(*IpAddress::parse("11.1.2.3")));
  EXPECT_EQ(filter.channel, "room/7");
  EXPECT_EQ(filter.subject, "ann");
  EXPECT_EQ(filter.http2, true);
  EXPECT_EQ(filter.tls, true);
  EXPECT_EQ(filter.state, ConnectionState::blocked);
  EXPECT_EQ(order->sort, ConnectionSort::age);
  EXPECT_FALSE(order->descending);
  EXPECT_EQ(order->limit, 7U);
  EXPECT_EQ(order->offset, 14U);
  EXPECT_TRUE(parse_connection_query("address=unix:")->filter.on_unix);
}

TEST(ListingQuery, RefusesWhatNobodyCanMeanWithASentence) {
  const auto problem = [](std::string_view query) {
    const auto order = parse_connection_query(query);
    return order ? std::string("taken") : order.error();
  };
  EXPECT_THAT(problem("chanel=a"), HasSubstr("unknown parameter \"chanel\": the parameters are "));
  EXPECT_THAT(problem("retry=5s"), HasSubstr("unknown parameter"));
  EXPECT_THAT(problem("sort=rtt"), HasSubstr("one of lag, lag_ms, queued, age, address"));
  EXPECT_THAT(problem("sort=-"), HasSubstr("sort is \"\""));
  EXPECT_THAT(problem("limit=1001"), HasSubstr("a number up to 1000"));
  EXPECT_THAT(problem("limit=-1"), HasSubstr("limit is \"-1\""));
  EXPECT_THAT(problem("offset=9001"), HasSubstr("a number up to 9000"));
  EXPECT_THAT(problem("limit=1&limit=2"), HasSubstr("limit is there twice"));
  EXPECT_THAT(problem("address=10.0.0"), HasSubstr("address: "));
  EXPECT_THAT(problem("address=10.0.0"), HasSubstr("unix:"));
  EXPECT_THAT(problem("channel=a*b c"), HasSubstr("channel: "));
  EXPECT_THAT(problem("protocol=h3"), HasSubstr("one of h1, h2"));
  EXPECT_THAT(problem("state=dead"), HasSubstr("one of live, catching_up, blocked"));
  EXPECT_THAT(problem("tls=yes"), HasSubstr("one of 0, 1"));
  EXPECT_THAT(problem("kind=both"), HasSubstr("one of subscribers, publishers, admin, all"));
}

TEST(ListingQuery, SortsChannelsAndFindsThemByPatternOrPartOfTheName) {
  const auto order = parse_channel_query("match=room/*&contains=7&sort=-subscribers");
  ASSERT_TRUE(order);
  EXPECT_EQ(order->match, "room/*");
  EXPECT_EQ(order->contains, "7");
  EXPECT_EQ(order->sort, ChannelSort::subscribers);
  EXPECT_TRUE(order->descending);
  EXPECT_THAT(parse_channel_query("match=a b").error(), HasSubstr("match: "));
  EXPECT_THAT(parse_channel_query("address=1.2.3.4").error(),
              HasSubstr("the parameters are match, contains, sort, limit, offset"));
}

TEST(ListingQuery, ClosesNothingThatWasNotNamed) {
  EXPECT_THAT(parse_close_query("").error(), HasSubstr("which ones?"));
  EXPECT_THAT(parse_close_query("kind=all&retry=5s").error(), HasSubstr("which ones?"));
  EXPECT_THAT(parse_close_query("address=1.2.3.4&limit=5").error(), HasSubstr("unknown parameter"));
  const auto order = parse_close_query("address=1.2.3.4&retry=5s&reason=too+many");
  ASSERT_TRUE(order);
  ASSERT_TRUE(order->dismissal);
  EXPECT_EQ(order->dismissal->retry, Duration(5s));
  EXPECT_EQ(order->dismissal->reason, "too many");
  EXPECT_EQ(order->wanted(), 0U) << "no rows are kept";
}

TEST(ListingQuery, KeepsAReasonToOneLine) {
  EXPECT_TRUE(parse_dismissal(""));
  EXPECT_THAT(parse_dismissal("reason=a%0Aevent:%20x").error(), HasSubstr("one line"));
  EXPECT_THAT(parse_dismissal("reason=" + std::string(201, 'x')).error(), HasSubstr("200 bytes"));
  EXPECT_THAT(parse_dismissal("retry=10ms").error(), HasSubstr("from 100ms to 1h"));
  EXPECT_THAT(parse_dismissal("retry=soon").error(), HasSubstr("retry: "));
  EXPECT_THAT(parse_dismissal("address=1.2.3.4").error(), HasSubstr("unknown parameter"));
}

TEST(ConnectionName, IsReadAsItIsWrittenAndInNoOtherForm) {
  for (const std::string_view text : {"s0", "s18014398509481984", "c0.0.1", "c2.17.3"}) {
    const auto name = ConnectionName::parse(text);
    ASSERT_TRUE(name) << text;
    EXPECT_EQ(name->text(), text);
  }
  for (const std::string_view text : {"", "s", "c", "7", "s-1", "s1 ", "sx", "c1", "c1.2", "c1.2.",
                                      "c1.2.3.4", "c1,2,3", "c.1.2", "s99999999999999999999"}) {
    EXPECT_FALSE(ConnectionName::parse(text)) << text;
  }
}

}  // namespace
}  // namespace fanfare::server
