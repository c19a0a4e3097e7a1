#include "broker/wire/sse/attachment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fanfare::sse {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Fields = std::vector<http::Field>;

TEST(Attachment, SaysWhereAndForHowLong) {
  const auto attachment = parse_attachment(Fields{{"Content-Type", "text/html"},
                                                  {"fanfare-channels", "news, orders/7,,news"},
                                                  {"Fanfare-Channels", "more"},
                                                  {"Fanfare-Replay", "10"},
                                                  {"Fanfare-Heartbeat", "15s"},
                                                  {"Fanfare-Expires", "5min"},
                                                  {"Fanfare-Finish-After", "1h"}});
  ASSERT_TRUE(attachment) << attachment.error();
  EXPECT_THAT(attachment->channels, ElementsAre("news", "orders/7", "more"));
  EXPECT_EQ(attachment->replay, 10U);
  EXPECT_EQ(attachment->heartbeat, Duration(15s));
  EXPECT_EQ(attachment->expires, Duration(5min));
  EXPECT_EQ(attachment->finish_after, Duration(1h));
}

std::string problem(const Fields& fields) {
  const auto attachment = parse_attachment(fields);
  return attachment ? "none" : attachment.error();
}

TEST(Attachment, SaysWhatIsWrong) {
  EXPECT_THAT(problem({{"Fanfare-Channels", " , "}}), HasSubstr("without a channel"));
  const http::Field a{"Fanfare-Channels", "a"};
  EXPECT_THAT(problem({a, {"Fanfare-Replay", "all"}}), HasSubstr("\"all\", which is no number"));
  EXPECT_THAT(problem({a, {"Fanfare-Replay", "99999999999"}}), HasSubstr("no number"));
  EXPECT_THAT(problem({a, {"Fanfare-Expires", "5"}}), HasSubstr("no duration"));
  EXPECT_THAT(problem({a, {"Fanfare-Expires", "0s"}}), HasSubstr("no duration"));
  EXPECT_THAT(problem({a, {"Fanfare-Heartbeat", "400d"}}), HasSubstr("no duration up to"));
}

}  // namespace
}  // namespace fanfare::sse
