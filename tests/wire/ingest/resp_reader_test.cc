// RespReader: framing alone. What is too long goes by; what is broken ends the conversation.
#include "broker/wire/ingest/resp_reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/wire/ingest/conversation.h"

namespace fanfare::ingest_test {
namespace {

using ingest::Dialect;
using ingest::RespReader;

Outcome resp(std::string_view input, std::size_t event_bytes = 64U << 10U) {
  return converse_in_every_split(Dialect::resp, input, event_bytes);
}

// The inline line's arguments, each in brackets.
std::string split(std::string_view line) {
  const std::size_t bulk_bytes_max = 1000;
  RespReader reader(bulk_bytes_max, 9'000);
  const auto [step, consumed] = reader.read(std::string(line) + "\n");
  std::string shown;
  if (step == RespReader::Step::protocol_error) return reader.problem();
  if (step != RespReader::Step::command) return "nothing";
  for (const std::string_view argument : reader.arguments()) shown += fmt::format("[{}]", argument);
  return shown;
}

TEST(RespReader, SplitsInlineCommandsAsRedisDoes) {
  EXPECT_EQ(split("PUBLISH a b"), "[PUBLISH][a][b]");
  EXPECT_EQ(split("  PUBLISH\ta   b  \r"), "[PUBLISH][a][b]");
  EXPECT_EQ(split("a \"b c\" 'd e'"), "[a][b c][d e]");
  EXPECT_EQ(split(R"(a "\x41\n\r\t\b\a\"\\\q\xg")"), "[a][A\n\r\t\b\a\"\\qxg]");
  EXPECT_EQ(split(R"(a 'it\'s \n')"), R"([a][it's \n])");
  EXPECT_EQ(split("a \"\" ''"), "[a][][]");
  EXPECT_EQ(split("ab\"c d\" e"), "[abc d][e]");
  EXPECT_EQ(split(""), "nothing");
  EXPECT_EQ(split(" \t\r"), "nothing");
}

TEST(RespReader, RefusesQuotesThatDoNotClose) {
  for (const char* line : {"a \"b", "a 'b", "a \"b\"c", "a 'b'c", "a \"b\\", "\""}) {
    EXPECT_EQ(split(line), "Protocol error: unbalanced quotes in request") << line;
  }
}

TEST(RespReader, IgnoresEmptyLinesAndArrays) {
  EXPECT_EQ(resp("\r\n\n  \r\n*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n\r\n").replies, "+PONG\r\n");
}

TEST(RespReader, EndsTheConversationWhereFramingIsBroken) {
  const auto ends_with = [](std::string_view input, std::string_view expected) {
    const Outcome outcome = resp(std::string("PING\r\n") + std::string(input) + "\r\nPING\r\n");
    EXPECT_EQ(outcome.replies, "+PONG\r\n-ERR Protocol error: " + std::string(expected) + "\r\n");
    EXPECT_TRUE(outcome.closed) << input;
  };
  ends_with("*1\r\n:4\r\nPING", "expected '$', got ':'");
  ends_with("*1\r\n\x01", "expected '$', got '\\x01'");
  ends_with("*x\r\n", "invalid multibulk length");
  ends_with("*\r\n", "invalid multibulk length");
  ends_with("*1\n$4\r\nPING", "invalid multibulk length");
  ends_with("*1048577\r\n", "invalid multibulk length");
  ends_with("*99999999999999999999\r\n", "invalid multibulk length");
  ends_with("*-99999999999\r\n", "invalid multibulk length");
  ends_with("*1\r\n$-1\r\n", "invalid bulk length");
  ends_with("*1\r\n$x\r\n", "invalid bulk length");
  ends_with("*1\r\n$536870913\r\n", "invalid bulk length");
  ends_with("*1\r\n$4\r\nPINGPONG", "expected CRLF after 4 bytes of bulk, got 'P'");
  ends_with("PUBLISH a \"b", "unbalanced quotes in request");
}

TEST(RespReader, RefusesAnInlineLineWithoutEnd) {
  const Outcome outcome = converse(Dialect::resp, std::string(70'000, 'a'));
  EXPECT_EQ(outcome.replies, "-ERR Protocol error: too big inline request\r\n");
  EXPECT_TRUE(outcome.closed);
  EXPECT_TRUE(converse(Dialect::resp, "ECHO " + std::string(70'000, 'a') + "\n").closed);
}

TEST(RespReader, LetsALargeArgumentGoByAndStaysInStep) {
  const std::string large(300, 'x');
  const Outcome outcome = resp("*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$300\r\n" + large +
                                   "\r\n*1\r\n$4\r\nPING\r\n*3\r\n$300\r\n" + large +
                                   "\r\n$2\r\nab\r\n$0\r\n\r\nPING\n",
                               100);
  const std::string refused =
      "-ERR an argument of 300 bytes makes the command too large: the limit is 100 bytes of data "
      "([limits] event_bytes); it was not executed\r\n";
  EXPECT_EQ(outcome.replies, refused + "+PONG\r\n" + refused + "+PONG\r\n");
  EXPECT_TRUE(outcome.calls.empty());
  EXPECT_FALSE(outcome.closed);
}

TEST(RespReader, SkipsACommandWithTooManyArguments) {
  std::string input = "*1025\r\n";
  for (int i = 0; i < 1025; ++i) input += "$1\r\nx\r\n";
  EXPECT_EQ(
      converse_in_every_split(Dialect::resp, input + "PING\n").replies,
      "-ERR the command has 1025 arguments; the limit is 1024: it was not executed\r\n+PONG\r\n");
}

TEST(RespReader, BoundsACommandAsAWhole) {
  // 80 arguments of 1,000 bytes: each is small enough, together they pass 1,000 + 64 KiB.
  std::string input = "*80\r\n";
  for (int i = 0; i < 80; ++i) input += "$1000\r\n" + std::string(1000, 'x') + "\r\n";
  const Outcome outcome = converse(Dialect::resp, input + "PING\n", {}, {.event_bytes = 1000});
  EXPECT_TRUE(outcome.replies.starts_with("-ERR an argument of 1000 bytes makes the command too"));
  EXPECT_TRUE(outcome.replies.ends_with("\r\n+PONG\r\n"));
}

TEST(RespReader, BuffersNothingOfASkippedCommand) {
  RecordingSink sink;
  const auto session = ingest::make_session(Dialect::resp, sink, {.event_bytes = 100});
  std::string out;
  session->receive("*2\r\n$7\r\nPUBLISH\r\n$500000000\r\n", out);
  for (int i = 0; i < 1000; ++i) {
    session->receive(std::string(1000, 'x'), out);
    ASSERT_EQ(session->buffered_bytes(), 0U);
  }
  EXPECT_EQ(out, "");
}

TEST(RespReader, KeepsOnlyTheCommandThatIsCut) {
  RecordingSink sink;
  const auto session = ingest::make_session(Dialect::resp, sink, {});
  std::string out;
  session->receive("PING\r\n*1\r\n$4\r\nPI", out);
  EXPECT_EQ(session->buffered_bytes(), 10U);
  session->receive("NG\r\nPING\r\n", out);
  EXPECT_EQ(session->buffered_bytes(), 0U);
  EXPECT_EQ(out, "+PONG\r\n+PONG\r\n+PONG\r\n");
}

TEST(RespReader, DropsACommandThatTheEndCuts) {
  EXPECT_EQ(resp("*1\r\n$4\r\nPI").replies, "");
  EXPECT_EQ(resp("*2\r\n$4\r\nECHO\r\n$1").replies, "");
  EXPECT_EQ(resp("*2\r\n$4\r\nECHO\r\n").replies, "");
  EXPECT_EQ(resp("*2\r\n$300\r\nECHO\r\n$", 100).replies, "");
  EXPECT_EQ(resp("*2").replies, "");
}

}  // namespace
}  // namespace fanfare::ingest_test
