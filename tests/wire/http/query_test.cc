// Query: what a browser encodes comes back, and what it did not encode well does no harm.
#include "broker/wire/http/query.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace fanfare::http {
namespace {

std::vector<std::pair<std::string, std::string>> parameters(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& [key, value] : Query(text)) found.emplace_back(key, value);
  return found;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(Query, KeepsOrderAndRepetition) {
  EXPECT_EQ(parameters("channel=a&channel=b&x"),
            (Pairs{{"channel", "a"}, {"channel", "b"}, {"x", ""}}));
}

TEST(Query, DecodesEscapesAndPlus) {
  EXPECT_EQ(parameters("a%20b=c+d&%E4%BD%A0=%e5%a5%bd"), (Pairs{{"a b", "c d"}, {"你", "好"}}));
}

TEST(Query, LeavesAMalformedEscapeAsItIs) {
  EXPECT_EQ(parameters("q=100%&r=%zz&s=%4"), (Pairs{{"q", "100%"}, {"r", "%zz"}, {"s", "%4"}}));
}

TEST(Query, SkipsEmptyPairsButKeepsEmptyKeys) {
  EXPECT_EQ(parameters("&&a=1&&=2&"), (Pairs{{"a", "1"}, {"", "2"}}));
}

TEST(Query, SplitsAtTheFirstEqualsSign) {
  EXPECT_EQ(parameters("a=b=c&d=%3D"), (Pairs{{"a", "b=c"}, {"d", "="}}));
}

TEST(Query, HasNothingInAnEmptyText) {
  EXPECT_TRUE(parameters("").empty());
}

// reconnecting-eventsource appends its own lastEventId to a URL that may already have one.
TEST(Query, LetsTheLastOccurrenceOfAnyAliasCount) {
  const Query query("lastEventId=1&last_event_id=2&lastEventId=3&x=4");
  EXPECT_EQ(query.last_of({"lastEventId"}), "3");
  EXPECT_EQ(query.last_of({"lastEventId", "last_event_id"}), "3");
  EXPECT_EQ(query.last_of({"last_event_id", "last-event-id"}), "2");
  EXPECT_EQ(query.last_of({"absent"}), std::nullopt);
}

TEST(Query, GivesEveryOccurrence) {
  EXPECT_EQ(Query("c=a&d=x&c=%62").all("c"), (std::vector<std::string_view>{"a", "b"}));
}

TEST(Query, SurvivesBeingMoved) {
  Query first("a=%61&b=%62");
  const Query second = std::move(first);
  EXPECT_EQ(second.last_of({"a"}), "a");
  EXPECT_EQ(second.last_of({"b"}), "b");
}

TEST(Query, IsShownWithoutWhatIsSecret) {
  EXPECT_EQ(query_without("a=1&token=x&b=%20&token=y", {"token"}), "a=1&b=%20");
  EXPECT_EQ(query_without("t%6Fken=x&%74oken=x&tokens=1", {"token"}), "tokens=1");
  EXPECT_EQ(query_without("token&token=&=x&a", {"token"}), "=x&a");
  EXPECT_EQ(query_without("token=x&ticket=y", {"token", "ticket"}), "");
  EXPECT_EQ(query_without("=x&a=1", {""}), "=x&a=1") << "no name is nobody's";
}

}  // namespace
}  // namespace fanfare::http
