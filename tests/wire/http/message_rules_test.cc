#include "broker/wire/http/message_rules.h"

#include <gtest/gtest.h>

#include <optional>
#include <string_view>

namespace fanfare::http {
namespace {

constexpr Limits kLimits = {.body_bytes = 1000};

int status(const std::optional<Refusal>& refusal) {
  return refusal ? refusal->status : 0;
}

// What a message of this one field is refused with; 0: nothing.
int judged(std::string_view name, std::string_view value) {
  return status(MessageRules(kLimits).admit(name, value));
}

// RFC 9112 §3.2: a second Host, and an invalid one, is answered 400.
TEST(MessageRules, AHostIsOneAndValid) {
  EXPECT_EQ(judged("Host", "a.example:80"), 0);
  EXPECT_EQ(judged("hOST", "[::1]"), 0);
  EXPECT_EQ(judged("Host", ""), 0);
  EXPECT_EQ(judged("Host", "me@a.example"), 400);
  EXPECT_EQ(judged("Host", "a b"), 400);
  MessageRules rules(kLimits);
  EXPECT_FALSE(rules.host_seen());
  EXPECT_EQ(status(rules.admit("Host", "a")), 0);
  EXPECT_TRUE(rules.host_seen());
  EXPECT_EQ(status(rules.admit("Host", "a")), 400) << "though it is the same";
}

// RFC 9110 §8.6: two parties that read a length differently see different messages.
TEST(MessageRules, AContentLengthIsOneNumberOfDigitsWithinTheLimit) {
  for (const std::string_view value :
       {"", "+1", "-1", " 1", "1 ", "0x1", "1.0", "1,1", "1, 1", "1_0", "\u0661"}) {
    EXPECT_EQ(judged("Content-Length", value), 400) << value;
  }
  EXPECT_EQ(judged("Content-Length", "1000"), 0);
  EXPECT_EQ(judged("Content-Length", "1001"), 413);
  EXPECT_EQ(judged("Content-Length", "18446744073709551616"), 413) << "2^64 is not 0";
  MessageRules rules(kLimits);
  EXPECT_EQ(rules.content_length(), std::nullopt);
  EXPECT_EQ(status(rules.admit("content-length", "007")), 0);
  EXPECT_EQ(rules.content_length(), 7U);
  EXPECT_EQ(status(rules.admit("Content-Length", "7")), 400) << "though it is the same";
  EXPECT_EQ(MessageRules(kLimits).admit("Content-Length", "1001")->limit, Limit::body_bytes);
}

// RFC 9110 §10.1.1
TEST(MessageRules, TheOnlyExpectationIs100Continue) {
  EXPECT_EQ(judged("Expect", "200-ok"), 417);
  EXPECT_EQ(judged("Expect", ""), 417);
  MessageRules rules(kLimits);
  EXPECT_FALSE(rules.expects_continue());
  EXPECT_EQ(status(rules.admit("Expect", "100-Continue")), 0);
  EXPECT_TRUE(rules.expects_continue());
}

TEST(MessageRules, OtherFieldsAreNobodysBusiness) {
  for (const std::string_view name : {"Hose", "Xxpect", "Content-Lengtg", "Connection", ""}) {
    EXPECT_EQ(judged(name, "\x01 anything"), 0) << name;
  }
}

TEST(MessageRules, TheNextMessageBeginsWithNothing) {
  MessageRules rules(kLimits);
  rules.admit("Host", "a");
  rules.admit("Content-Length", "5");
  rules.admit("Expect", "100-continue");
  rules.reset();
  EXPECT_FALSE(rules.host_seen());
  EXPECT_FALSE(rules.expects_continue());
  EXPECT_EQ(rules.content_length(), std::nullopt);
  EXPECT_EQ(status(rules.admit("Host", "b")), 0);
}

}  // namespace
}  // namespace fanfare::http
