// The control texts, byte by byte, and as the two kinds of client see them: one that conforms, and
// one that takes every blank line for an event (W3, W8).
#include "broker/wire/sse/control.h"

#include <gtest/gtest.h>

#include <string>

#include "broker/wire/sse/parser.h"
#include "broker/wire/sse/position.h"

namespace fanfare::sse {
namespace {

using std::string_view_literals::operator""sv;

std::string wrapped(Wrap wrap, std::string_view text) {
  std::string out;
  append_wrapped(out, wrap, text);
  return out;
}

TEST(SseControl, PutsATextIntoOneChunk) {
  EXPECT_EQ(wrapped(Wrap::chunk, "retry: 10\n"), "a\r\nretry: 10\n\r\n");
  EXPECT_EQ(wrapped(Wrap::bare, "retry: 10\n"), "retry: 10\n");
}

TEST(SseControl, NeverWritesTheEmptyChunkThatWouldEndTheBody) {
  EXPECT_EQ(wrapped(Wrap::chunk, ""), "");
}

TEST(SseControl, W3KeepsAHeartbeatFreeOfBlankLines) {
  EXPECT_EQ(heartbeat(Wrap::bare), ":\n");
  EXPECT_EQ(heartbeat(Wrap::chunk), wrapped(Wrap::chunk, ":\n"));
}

TEST(SseControl, AHeartbeatThatProgramsSeeIsAnEventWithoutAnId) {
  const std::chrono::sys_seconds now{std::chrono::seconds(1'795'717'441)};
  const std::string text = heartbeat_event_text("ping", now);
  EXPECT_EQ(text, "event: ping\ndata: {\"time\":\"2026-11-26T18:24:01Z\"}\n\n");
  Parser parser;
  const std::string stream = "id: k3-9\ndata: last\n\n" + text;
  std::string_view input = stream;
  ASSERT_NE(parser.next(input), nullptr);
  const ParsedEvent* const beat = parser.next(input);
  ASSERT_NE(beat, nullptr);
  EXPECT_EQ(beat->type, "ping");
  EXPECT_EQ(beat->last_event_id, "k3-9") << "what the client resumes from is an event's";
}

TEST(SseControl, ShowsACleanEndOnlyWhereABodyHasOne) {
  EXPECT_EQ(clean_end(Wrap::chunk), "0\r\n\r\n");
  EXPECT_EQ(clean_end(Wrap::bare), "");
}

TEST(SseControl, W9WritesRetryInWholeMillisecondsWithoutABlankLine) {
  EXPECT_EQ(retry_text(2s), "retry: 2000\n");
  EXPECT_EQ(retry_text(Duration(1'500'999)), "retry: 1\n");
}

TEST(SseControl, OpensAStreamWithoutABlankLineOfItsOwn) {
  EXPECT_EQ(opening_text(2s, ""), "retry: 2000\n:\n");
  EXPECT_EQ(opening_text(2s, position_text(PositionForm::line, "abc-7")),
            "retry: 2000\nid: abc-7\n:\n");
  EXPECT_EQ(opening_text(2s, "", "too many"), "retry: 2000\n:\n: too many\n");
}

TEST(SseControl, WritesAGapWithItsIdLast) {
  EXPECT_EQ(
      gap_text("gap",
               {.reason = GapReason::evicted, .after = "abc-1", .resumed = "abc-9", .id = "abc-7"}),
      "event: gap\ndata: {\"reason\":\"evicted\",\"after\":\"abc-1\",\"resumed\":\"abc-9\"}\n"
      "id: abc-7\n\n");
}

TEST(SseControl, AGapMaySayThatNoKeyIsAmongWhatIsMissing) {
  EXPECT_EQ(gap_data({.reason = GapReason::slow,
                      .after = "abc-1",
                      .resumed = "abc-9",
                      .id = "abc-7",
                      .keys_kept = true}),
            R"({"reason":"slow","after":"abc-1","resumed":"abc-9","keys":"kept"})");
}

TEST(SseControl, NamesEveryReasonOfAGap) {
  EXPECT_EQ(name_of(GapReason::evicted), "evicted");
  EXPECT_EQ(name_of(GapReason::restarted), "restarted");
  EXPECT_EQ(name_of(GapReason::unknown), "unknown");
  EXPECT_EQ(name_of(GapReason::slow), "slow");
}

// The cursor is whatever the client sent: it must not be able to write lines of its own.
TEST(SseControl, LeavesOutOfAHostileCursorWhatWouldEndAStringOrALine) {
  const std::string text = gap_text("gap", {.reason = GapReason::unknown,
                                            .after = "a\n\ndata: \"x\\\r\0\x7f\xff z"sv,
                                            .resumed = "k3-9",
                                            .id = "k3-9"});
  EXPECT_EQ(text,
            "event: gap\n"
            "data: {\"reason\":\"unknown\",\"after\":\"adata:xz\",\"resumed\":\"k3-9\"}\n"
            "id: k3-9\n\n");
}

TEST(SseControl, TruncatesAForeignCursor) {
  const std::string long_one(5000, 'x');
  const std::string text = gap_text(
      "gap", {.reason = GapReason::unknown, .after = long_one, .resumed = "k3-9", .id = "k3-9"});
  EXPECT_NE(text.find("\"" + std::string(128, 'x') + "\""), std::string::npos);
}

TEST(SseControl, EndsAStreamWithAnEventOfItsOwn) {
  EXPECT_EQ(end_text("end"), "event: end\ndata: \n\n");
  Parser parser;
  const std::string stream = "id: k3-9\ndata: last\n\n" + end_text("end");
  std::string_view input = stream;
  ASSERT_NE(parser.next(input), nullptr);
  const ParsedEvent* const end = parser.next(input);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->type, "end");
  EXPECT_EQ(end->last_event_id, "k3-9") << "a client that comes back is answered 204";
}

}  // namespace
}  // namespace fanfare::sse
