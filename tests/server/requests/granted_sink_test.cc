// What a publisher with a token may do: each operation of the Sink, with the channels that are
// granted and with others.
#include "broker/server/requests/granted_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tests/wire/ingest/recording_sink.h"

namespace fanfare::server {
namespace {

using ingest::Change;
using ingest::Refusal;
using ingest_test::RecordingSink;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class GrantedSinkTest : public ::testing::Test {
 protected:
  RecordingSink behind_;
  policy::Grants grants_{.subject = "ann", .channels = {"news/*", "a"}};
  Counters counters_;
  GrantedSink sink_{behind_, grants_, counters_};
};

constexpr std::array kOthers{"b", "news", "news/1/2", "aa", "news/*", "**", "~admin", ""};

TEST_F(GrantedSinkTest, PublishesToTheChannelsThatAreGranted) {
  for (const char* channel : {"a", "news/1"}) {
    EXPECT_TRUE(sink_.publish({.channel = channel, .data = "d"})) << channel;
    EXPECT_TRUE(sink_.finish(channel)) << channel;
    EXPECT_TRUE(sink_.find(channel)) << channel;
    EXPECT_TRUE(*sink_.erase(channel)) << channel;
    EXPECT_FALSE(sink_.name_problem(channel)) << channel;
    EXPECT_EQ(sink_.subscribers(channel), std::string_view(channel).size());
    EXPECT_TRUE(sink_.issue_ticket({.channels = {channel}})) << channel;
  }
  EXPECT_EQ(counters_.publish_not_granted_total, 0U);
}

TEST_F(GrantedSinkTest, ChangesNothingAboutOthers) {
  for (const char* channel : kOthers) {
    if (std::string_view(channel) == "news/*") continue;  // covered by the grant of that pattern
    for (const auto kind : {Change::Kind::publish, Change::Kind::publish_if_there,
                            Change::Kind::finish, Change::Kind::erase}) {
      const Change change{kind, {.channel = channel, .data = "d"}};
      EXPECT_EQ(sink_.check(change)->kind, Refusal::forbidden) << channel;
      EXPECT_EQ(sink_.rehearse()->add(change)->kind, Refusal::forbidden) << channel;
    }
    EXPECT_EQ(sink_.publish({.channel = channel, .data = "d"}).error().kind, Refusal::forbidden);
    EXPECT_EQ(sink_.finish(channel).error().kind, Refusal::forbidden) << channel;
    EXPECT_EQ(sink_.erase(channel).error().kind, Refusal::forbidden) << channel;
    EXPECT_EQ(sink_.issue_ticket({.channels = {"a", channel}}).error().kind, Refusal::forbidden);
    EXPECT_TRUE(sink_.name_problem(channel)) << channel;
  }
  EXPECT_THAT(behind_.calls, IsEmpty());
  EXPECT_GT(counters_.publish_not_granted_total, 0U);
  EXPECT_THAT(sink_.finish("b").error().message, HasSubstr("does not grant the channel \"b\""));
}

TEST_F(GrantedSinkTest, ShowsNothingAboutOthers) {
  for (const char* channel : {"a", "b", "news/1", "secret"}) {
    ASSERT_TRUE(behind_.publish({.channel = channel, .data = "d"}));
  }
  EXPECT_FALSE(sink_.find("secret"));
  EXPECT_EQ(sink_.subscribers("secret"), 0U);
  std::vector<std::string> names;
  sink_.for_each_channel([&](std::string_view name, const ingest::ChannelState&) {
    names.emplace_back(name);
    return true;
  });
  EXPECT_THAT(names, ElementsAre("a", "news/1"));
  EXPECT_EQ(sink_.watch_problem()->kind, Refusal::forbidden);
  grants_.channels = {"**"};
  EXPECT_FALSE(sink_.watch_problem());
}

TEST_F(GrantedSinkTest, AnswersEachOfSeveralEventsInItsPlace) {
  const std::array<ingest::Publish, 3> events{{{.channel = "a", .data = "1"},
                                               {.channel = "b", .data = "2"},
                                               {.channel = "a", .data = "3"}}};
  std::vector<bool> taken;
  sink_.publish_all(events, [&](const auto& published) { taken.push_back(published.has_value()); });
  EXPECT_THAT(taken, ElementsAre(true, false, true));
  EXPECT_THAT(behind_.calls, ElementsAre("publish a [] data=1", "publish a [] data=3"));
}

TEST_F(GrantedSinkTest, PassesOnWhatTheSinkBehindRefuses) {
  grants_.channels = {"**"};
  EXPECT_EQ(sink_.publish({.channel = "closed", .data = "d"}).error().kind, Refusal::finished);
  EXPECT_EQ(sink_.rehearse()->add({Change::Kind::publish, {.channel = "full", .data = "d"}})->kind,
            Refusal::unavailable);
  EXPECT_EQ(sink_.name_problem("a b")->kind, Refusal::invalid);
}

}  // namespace
}  // namespace fanfare::server
