// What a conforming EventSource makes of a stream: the rules W1 to W11 of the wire contract, each
// on every split of its input.
#include "broker/wire/sse/parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/wire/split.h"

namespace fanfare::sse {
namespace {

using std::string_view_literals::operator""sv;

// Every event as "type|data|last event id", then what the parser remembers.
std::string transcript(std::string_view stream, const wire_test::Cuts& cuts) {
  Parser parser;
  std::string text;
  wire_test::feed_in_pieces(stream, cuts, [&](std::string_view input) {
    while (const ParsedEvent* event = parser.next(input)) {
      text.append(event->type).append("|").append(event->data).append("|");
      text.append(event->last_event_id).append("\n");
    }
    EXPECT_TRUE(input.empty());
  });
  text.append("id=").append(parser.last_event_id());
  if (parser.retry_ms()) text.append(" retry=").append(std::to_string(*parser.retry_ms()));
  if (parser.comments() > 0) text.append(" comments=").append(std::to_string(parser.comments()));
  return text;
}

std::string seen(std::string_view stream) {
  return wire_test::expect_same_for_every_split(
      stream, [stream](const wire_test::Cuts& cuts) { return transcript(stream, cuts); });
}

TEST(SseParser, W1EndsLinesAtCrLfAndCrLf) {
  EXPECT_EQ(seen("data: a\n\ndata: b\r\rdata: c\r\n\r\n"),
            "message|a|\nmessage|b|\nmessage|c|\nid=");
}

TEST(SseParser, W1MixesLineEndsWithinOneEvent) {
  EXPECT_EQ(seen("data: a\rdata: b\r\ndata: c\n\r\n"), "message|a\nb\nc|\nid=");
}

TEST(SseParser, W1TakesTwoLineFeedsBehindACarriageReturnForABlankLine) {
  EXPECT_EQ(seen("data: a\r\n\n"), "message|a|\nid=");
}

TEST(SseParser, W2DropsOneByteOrderMark) {
  EXPECT_EQ(seen("\xef\xbb\xbf"
                 "data: a\n\n"),
            "message|a|\nid=");
}

TEST(SseParser, W2TakesASecondByteOrderMarkForPartOfAName) {
  EXPECT_EQ(seen("\xef\xbb\xbf\xef\xbb\xbf"
                 "data: a\n\n"),
            "id=");
  EXPECT_EQ(seen("data: a\n\xef\xbb\xbf"
                 "data: b\n\n"),
            "message|a|\nid=");
}

TEST(SseParser, W2KeepsWhatOnlyBeginsLikeAByteOrderMark) {
  EXPECT_EQ(seen("\xef\xbb"
                 "data: a\n\ndata: b\n\n"),
            "message|b|\nid=");
  EXPECT_EQ(seen("\xef\xbb"), "id=");
}

TEST(SseParser, W2ReplacesMalformedBytes) {
  EXPECT_EQ(seen("data: a\xff"
                 "b\xe4\xb8\n\n"),
            "message|a\xef\xbf\xbd"
            "b\xef\xbf\xbd|\nid=");
}

TEST(SseParser, W2KeepsLineSeparatorsOfOtherScripts) {
  EXPECT_EQ(seen("data: a\u2028b\u0085c\n\n"), "message|a\u2028b\u0085c|\nid=");
}

TEST(SseParser, W2KeepsNulInData) {
  EXPECT_EQ(seen("data: a\0b\n\n"sv), "message|a\0b|\nid="sv);
}

TEST(SseParser, W3IgnoresComments) {
  EXPECT_EQ(seen(":\n: data: x\n:data: y\ndata: a\n\n"), "message|a|\nid= comments=3");
}

TEST(SseParser, W4RemovesExactlyOneSpace) {
  EXPECT_EQ(seen("data:a\n\ndata: a\n\ndata:  a\n\ndata: \ta\n\n"),
            "message|a|\nmessage|a|\nmessage| a|\nmessage|\ta|\nid=");
}

TEST(SseParser, W4KeepsAPayloadThatIsASpace) {
  EXPECT_EQ(seen("data:  \n\n"), "message| |\nid=");
}

TEST(SseParser, W4TakesALineWithoutColonForAName) {
  EXPECT_EQ(seen("data\n\nevent\ndata: a\n\n"), "message||\nmessage|a|\nid=");
}

TEST(SseParser, W5KnowsFourNamesInLowerCase) {
  EXPECT_EQ(seen("Data: a\nDATA: b\n data: c\ndata : d\nheartbeatTimeout: 5\ndata: e\n\n"),
            "message|e|\nid=");
}

TEST(SseParser, W6JoinsDataLinesWithLineFeeds) {
  EXPECT_EQ(seen("data: a\ndata:\ndata: b\n\n"), "message|a\n\nb|\nid=");
}

TEST(SseParser, W6DispatchesEmptyData) {
  EXPECT_EQ(seen("data\n\ndata:\n\ndata: \n\n"), "message||\nmessage||\nmessage||\nid=");
  EXPECT_EQ(seen("data:\ndata:\n\n"), "message|\n|\nid=");
}

TEST(SseParser, W7LetsTheLastTypeWin) {
  EXPECT_EQ(seen("event: a\nevent: b\ndata: x\n\ndata: y\n\n"), "b|x|\nmessage|y|\nid=");
}

TEST(SseParser, W7TakesAnEmptyTypeForMessage) {
  EXPECT_EQ(seen("event: a\nevent:\ndata: x\n\n"), "message|x|\nid=");
}

TEST(SseParser, W8KeepsTheIdForLaterEvents) {
  EXPECT_EQ(seen("id: 1\ndata: a\n\ndata: b\n\n"), "message|a|1\nmessage|b|1\nid=1");
}

TEST(SseParser, W8IgnoresAnIdWithNul) {
  EXPECT_EQ(seen("id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n"sv), "message|a|1\nmessage|b|1\nid=1");
}

TEST(SseParser, W8ResetsTheIdByAnEmptyOne) {
  EXPECT_EQ(seen("id: 1\ndata: a\n\nid\ndata: b\n\n"), "message|a|1\nmessage|b|\nid=");
}

TEST(SseParser, W8CommitsTheIdOfABlockWithoutData) {
  EXPECT_EQ(seen("id: 7\n\n"), "id=7");
  EXPECT_EQ(seen("id: 7\n\ndata: a\n\n"), "message|a|7\nid=7");
}

TEST(SseParser, W8DoesNotCommitAnIdBeforeTheBlankLine) {
  EXPECT_EQ(seen("id: 7\n"), "id=");
}

TEST(SseParser, W9TakesRetryWithoutABlankLine) {
  EXPECT_EQ(seen("retry: 200\n"), "id= retry=200");
}

TEST(SseParser, W9IgnoresARetryThatIsNotAllDigits) {
  EXPECT_EQ(seen("retry: 5\nretry: 1000ms\nretry: -1\nretry: 1.5\nretry:\nretry:  7\n"),
            "id= retry=5");
}

TEST(SseParser, W9SaturatesARetryBeyondAnyNumber) {
  EXPECT_EQ(seen("retry: 100000000000000000000\n"), "id= retry=18446744073709551615");
}

TEST(SseParser, W10DispatchesNothingWithoutData) {
  EXPECT_EQ(seen("event: foo\n\ndata: a\n\n"), "message|a|\nid=");
  EXPECT_EQ(seen("\n\n\r\n\r\n"), "id=");
}

TEST(SseParser, W10DropsOneTrailingLineFeedOnly) {
  EXPECT_EQ(seen("data: a\ndata:\n\n"), "message|a\n|\nid=");
}

TEST(SseParser, W11DiscardsAnIncompleteEvent) {
  EXPECT_EQ(seen("data: a\n\nid: 9\ndata: b\n"), "message|a|\nid=");
  EXPECT_EQ(seen("data: a\n\ndata: b"), "message|a|\nid=");
}

TEST(SseParser, ResumesAfterAReconnectionWithItsId) {
  Parser parser;
  std::string_view first = "retry: 50\nid: 3\ndata: a\n\nid: 4\ndata: half";
  while (parser.next(first) != nullptr) {
  }
  parser.restart();
  EXPECT_EQ(parser.last_event_id(), "3");
  EXPECT_EQ(parser.retry_ms(), 50U);
  std::string_view second =
      "\xef\xbb\xbf"
      "data: b\n\n";
  const ParsedEvent* event = parser.next(second);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->data, "b");
  EXPECT_EQ(event->last_event_id, "3");
}

TEST(SseParser, StopsAtItsBoundAndSaysSo) {
  for (const std::string_view stream :
       {"data: 0123456789\n\n"sv, ": 0123456789012345"sv, "data: 01234\ndata: 56789\n\n"sv}) {
    Parser parser(12);
    for (const char c : stream) {
      std::string_view input(&c, 1);
      EXPECT_EQ(parser.next(input), nullptr);
      EXPECT_TRUE(input.empty());
    }
    EXPECT_TRUE(parser.overflowed()) << stream;
    parser.restart();
    EXPECT_FALSE(parser.overflowed());
  }
}

}  // namespace
}  // namespace fanfare::sse
