// The writing end's rules for publishers: what is checked once is not checked for less.
#include "broker/server/lead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/server/admin_surface.h"

namespace fanfare::server {
namespace {

using ::testing::HasSubstr;

class LeadTest : public ::testing::Test {
 protected:
  // What each is answered: the number of its receivers, or why not.
  std::vector<std::string> publish_all(const std::vector<ingest::Publish>& events) {
    std::vector<std::string> answers;
    lead_.publish_all(events, [&](const auto& published) {
      answers.push_back(published ? std::to_string(published->receivers)
                                  : published.error().message);
    });
    return answers;
  }

  Switchboard switchboard_{1};
  Counters counters_;
  Settings settings_{std::make_shared<const Options>()};
  Lead lead_{*fanout::Epoch::parse("0123abc"), settings_, switchboard_, counters_};
};

TEST_F(LeadTest, PublishersCannotPublishToTheBrokersOwnChannelsThatAreThere) {
  lead_.publish_own(kAdminChannel, "ours");
  const ingest::Publish theirs{.channel = kAdminChannel, .data = "theirs"};
  const auto alone = lead_.publish(theirs);
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().kind, ingest::Refusal::invalid);
  EXPECT_THAT(alone.error().message, HasSubstr("the broker's own"));
  for (const std::string& answer : publish_all({theirs, theirs})) {
    EXPECT_THAT(answer, HasSubstr("the broker's own"));
  }
  EXPECT_EQ(lead_.sequencer().head(), 1U);
  EXPECT_EQ(counters_.ingest_errors_total, 3U);
}

TEST_F(LeadTest, ChecksEachOfSeveralEvents) {
  const auto answers = publish_all({{.channel = "news", .data = "first"},
                                    {.channel = "no good", .data = "x"},
                                    {.channel = "news", .data = "not \xff UTF-8"},
                                    {.channel = "news", .data = "second"}});
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_EQ(answers[0], "0");
  EXPECT_THAT(answers[1], HasSubstr("not of 0x20 (byte 2)"));
  EXPECT_THAT(answers[2], HasSubstr("not UTF-8"));
  EXPECT_EQ(answers[3], "0");
  EXPECT_EQ(lead_.find("news")->events, 2U);
  EXPECT_EQ(lead_.sequencer().head(), 2U);
}

}  // namespace
}  // namespace fanfare::server
