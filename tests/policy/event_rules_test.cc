// The rules of an event: what may enter the log, and the reason a publisher gets otherwise.
#include "broker/policy/event_rules.h"

#include <gtest/gtest.h>

#include <string>

namespace fanfare::policy {
namespace {

std::string sentence(const std::optional<Violation>& problem) {
  return problem ? problem->sentence : "fine";
}

TEST(EventRules, LetAnOrdinaryEventIn) {
  EXPECT_FALSE(event_problem({.channel = "metrics/cpu",
                              .type = "tick",
                              .data = "{\"é\":\"😀\xe2\x80\xa8\"}\r\n\0",
                              .retry_ms = 2000,
                              .idempotency_key = "order-17"},
                             {}));
  EXPECT_FALSE(event_problem({.channel = "a"}, {}));
}

TEST(EventRules, KeepTheBrokersOwnChannelsApart) {
  EXPECT_EQ(
      sentence(channel_problem("~admin/live")),
      "channels that begin with '~' are reserved for the broker: choose another first character");
  EXPECT_EQ(sentence(channel_problem("a~b")), "fine");
}

TEST(EventRules, AskForAValidChannelName) {
  for (const char* name : {"", "a b", "a\nb", "é", "a*"}) {
    EXPECT_NE(sentence(channel_problem(name)), "fine") << name;
  }
}

TEST(EventRules, NameTheFirstByteThatIsNotUtf8) {
  const auto at = [](std::string_view data) { return sentence(data_problem(data, {})); };
  EXPECT_EQ(at("abc\xff"),
            "the data is not UTF-8: byte 3 is 0xff; an event stream is text, so publish binary as "
            "base64");
  EXPECT_TRUE(at("\xc3\xa9\xc3").starts_with("the data is not UTF-8: byte 2 is 0xc3"));
  EXPECT_TRUE(at("a\xed\xa0\x80").starts_with("the data is not UTF-8: byte 1 is 0xed"));
  EXPECT_TRUE(at("a\xc0\x80").starts_with("the data is not UTF-8: byte 1 is 0xc0"));
  EXPECT_TRUE(at("\xf4\x90\x80\x80").starts_with("the data is not UTF-8: byte 0 is 0xf4"));
  EXPECT_TRUE(at("\x80").starts_with("the data is not UTF-8: byte 0 is 0x80"));
}

TEST(EventRules, TakeAnyTextAsData) {
  for (const std::string_view data :
       {std::string_view("a\r\nb\nc\rd"), std::string_view("\0\x01\x7f", 3), std::string_view(),
        std::string_view("\xef\xbb\xbf"), std::string_view("\xe2\x80\xa8\xc2\x85")}) {
    EXPECT_EQ(sentence(data_problem(data, {})), "fine");
  }
}

TEST(EventRules, BoundDataAndSayWhy) {
  const std::string largest(64U << 10U, 'x');
  EXPECT_EQ(sentence(data_problem(largest, {})), "fine");
  const auto problem = data_problem(largest + "x", {});
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->kind, Violation::Kind::too_large);
  EXPECT_EQ(
      problem->sentence,
      "the data is 65537 bytes long; the limit is 65536 ([limits] event_bytes): Go's bufio.Scanner "
      "and "
      "many clients built like it fail on lines over 64 KiB, so publish a link to it, or split it");
  EXPECT_EQ(sentence(data_problem(largest + "x", {.data_bytes = 100'000})), "fine");
}

TEST(EventRules, KeepEventNamesOnOneLineForEveryClient) {
  const auto of = [](std::string_view type) { return sentence(type_problem(type, {})); };
  EXPECT_EQ(of("tick"), "fine");
  EXPECT_EQ(of("价格 更新"), "fine");
  EXPECT_EQ(of("open"), "fine");
  EXPECT_EQ(of("a\nb"),
            "the event name contains a control character or line break (0x0a) at byte 1: it must "
            "fit on one line of the event stream");
  for (const std::string_view type :
       {std::string_view("a\rb"), std::string_view("a\0b", 3), std::string_view("a\tb"),
        std::string_view("a\x7f"), std::string_view("a\xc2\x85"), std::string_view("a\xc2\x9f"),
        std::string_view("a\xe2\x80\xa8"), std::string_view("a\xe2\x80\xa9")}) {
    EXPECT_NE(of(type).find("at byte 1:"), std::string::npos) << type;
  }
  EXPECT_EQ(of("a\xc2\xa0"), "fine");
  EXPECT_EQ(of("a\xff"), "the event name is not UTF-8: byte 1 is 0xff");
  EXPECT_EQ(of(std::string(64, 'x')), "fine");
  EXPECT_EQ(of(std::string(65, 'x')),
            "the event name is 65 bytes long; the limit is 64 ([limits] event_name_bytes)");
}

TEST(EventRules, NameUtf16ByItsMark) {
  for (const std::string_view data :
       {std::string_view("\xff\xfeh\0", 4), std::string_view("\xfe\xff\0h", 4)}) {
    EXPECT_EQ(sentence(data_problem(data, {})),
              "the data is UTF-16, as its byte order mark says: publish it as UTF-8");
  }
  EXPECT_EQ(sentence(data_problem("\xef\xbb\xbf{}", {})), "fine") << "data is as it comes";
}

TEST(EventRules, KeepRetryWithinReason) {
  EXPECT_EQ(sentence(retry_problem(100)), "fine");
  EXPECT_EQ(sentence(retry_problem(3'600'000)), "fine");
  EXPECT_EQ(sentence(retry_problem(99)),
            "retry is 99 ms; it must be 100 to 3600000: with less, clients reconnect in a hot "
            "loop; with more, they look dead");
  EXPECT_NE(sentence(retry_problem(3'600'001)), "fine");
  EXPECT_NE(sentence(retry_problem(0)), "fine");
}

TEST(EventRules, BoundKeys) {
  EXPECT_EQ(sentence(key_problem(std::string(128, 'k'))), "fine");
  EXPECT_EQ(sentence(key_problem(std::string(129, 'k'))),
            "the key is 129 bytes long; the limit is 128");
  EXPECT_NE(sentence(key_problem("a\nb")), "fine");
}

TEST(EventRules, BoundIdempotencyKeys) {
  EXPECT_EQ(sentence(idempotency_key_problem(std::string(128, 'k'))), "fine");
  EXPECT_EQ(sentence(idempotency_key_problem(std::string(129, 'k'))),
            "the idempotency key is 129 bytes long; the limit is 128");
  EXPECT_NE(sentence(idempotency_key_problem("a\nb")), "fine");
}

TEST(EventRules, ReportTheFirstOfSeveralProblems) {
  const Proposal proposal{.channel = "~a",
                          .type = "a\n",
                          .data = "\xff",
                          .retry_ms = 1,
                          .key = "\n",
                          .idempotency_key = "\n"};
  Proposal next = proposal;
  EXPECT_TRUE(sentence(event_problem(next, {})).starts_with("channels that begin"));
  next.channel = "a";
  EXPECT_TRUE(sentence(event_problem(next, {})).starts_with("the event name"));
  next.type = "";
  EXPECT_TRUE(sentence(event_problem(next, {})).starts_with("the data"));
  next.data = "";
  EXPECT_TRUE(sentence(event_problem(next, {})).starts_with("retry"));
  next.retry_ms.reset();
  EXPECT_TRUE(sentence(event_problem(next, {})).starts_with("the key"));
  next.key = "";
  EXPECT_TRUE(sentence(event_problem(next, {})).starts_with("the idempotency key"));
  next.idempotency_key = "";
  EXPECT_EQ(sentence(event_problem(next, {})), "fine");
}

TEST(EventRules, KeepTheBrokersOwnEventNamesApart) {
  const EventLimits limits{.gap_event = "lost", .end_event = "end"};
  const auto of = [&](std::string_view type) { return sentence(type_problem(type, limits)); };
  for (const std::string_view type : {"~position", "~", "~anything", " ~position"}) {
    EXPECT_EQ(of(type),
              "event names that begin with '~' are reserved for the broker: choose another first "
              "character")
        << type;
  }
  EXPECT_EQ(of("lost"),
            "the event name \"lost\" is reserved for the broker ([delivery] gap_event), so that "
            "clients can "
            "trust it: choose another name, or change gap_event");
  EXPECT_EQ(of("  lost "), of("lost")) << "some clients take blanks off";
  EXPECT_TRUE(
      of("end").starts_with("the event name \"end\" is reserved for the broker ([delivery] end"));
  for (const std::string_view type : {"gap", "Lost", "lost2", "a~b", " ", "los", "the end"}) {
    EXPECT_EQ(of(type), "fine") << type;
  }
  EXPECT_EQ(sentence(type_problem("gap", {})), "fine") << "there are no gap events";
  EXPECT_TRUE(sentence(content_problem({.type = "lost"}, limits)).starts_with("the event name"));
}

}  // namespace
}  // namespace fanfare::policy
