#include "broker/policy/grants.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace fanfare::policy {
namespace {

TEST(Grants, CoverWhatTheirPatternsMatchAndNoPatternThatIsWider) {
  const Grants grants{.subject = {}, .channels = {"chat/1", "orders/*", "metrics/**"}};
  for (const char* const topic :
       {"chat/1", "orders/7", "orders/*", "metrics/a/b", "metrics/**", "metrics/*/load"}) {
    EXPECT_TRUE(covers(grants, topic)) << topic;
  }
  for (const char* const topic :
       {"chat/2", "chat/*", "chat/1/x", "orders", "orders/7/items", "orders/**", "metrics", "**",
        "*/**", "~system/overview", "~**"}) {
    EXPECT_FALSE(covers(grants, topic)) << topic;
  }
  EXPECT_FALSE(covers(Grants{.subject = {}, .channels = {"**"}}, "~system/overview"));
  EXPECT_FALSE(covers(Grants{}, "chat/1")) << "nothing is granted";
}

TEST(Grants, RefuseNamesOfTheBrokersOwnAndWhatIsNoPattern) {
  EXPECT_EQ(grant_problem("chat/**"), "");
  EXPECT_NE(grant_problem("~system/**"), "");
  EXPECT_NE(grant_problem(""), "");
  EXPECT_NE(grant_problem("https://example.com/books/{id}"), "");
}

// A topic may be written to take long; a request has as many as are allowed, and so has a token.
TEST(Grants, ATopicThatIsMadeToTakeLongTakesMilliseconds) {
  Grants grants;
  for (std::size_t i = 0; i < kGrantedChannelsMax; ++i) {
    grants.channels.push_back("a*/**/b*/**/c*/**/" + std::to_string(i));
  }
  std::string topic = "a";
  while (topic.size() < 240) topic += "/**/*b*c*";
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(covers(grants, topic));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
}

}  // namespace
}  // namespace fanfare::policy
