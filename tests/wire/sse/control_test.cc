// The control texts, byte by byte, and as the two kinds of client see them: one that conforms, and
// one that takes every blank line for an event (W3, W8).
#include "broker/wire/sse/control.h"

#include <gtest/gtest.h>

#include <string>

#include "broker/wire/sse/parser.h"

namespace fanfare::sse {
namespace {

using std::string_view_literals::operator""sv;

TEST(SseControl, W3KeepsAHeartbeatFreeOfBlankLines) {
  EXPECT_EQ(heartbeat(Framing::bare), ":\n");
  EXPECT_EQ(heartbeat(Framing::chunk), "2\r\n:\n\r\n");
}

TEST(SseControl, W9WritesRetryAsDigitsWithoutABlankLine) {
  std::string bare, chunk;
  append_retry(bare, 2000, Framing::bare);
  append_retry(chunk, 2000, Framing::chunk);
  EXPECT_EQ(bare, "retry: 2000\n");
  EXPECT_EQ(chunk, "c\r\nretry: 2000\n\r\n");
}

TEST(SseControl, WritesAGapWithItsIdLast) {
  std::string bare, chunk;
  const Gap gap{.reason = GapReason::evicted, .after = "k3-5", .resumed = "k3-9"};
  append_gap(bare, "gap", gap, Framing::bare);
  append_gap(chunk, "gap", gap, Framing::chunk);
  EXPECT_EQ(bare,
            "event: gap\n"
            "data: {\"reason\":\"evicted\",\"after\":\"k3-5\",\"resumed\":\"k3-9\"}\n"
            "id: k3-9\n\n");
  EXPECT_EQ(chunk, "50\r\n" + bare + "\r\n");
}

TEST(SseControl, NamesEveryReasonOfAGap) {
  EXPECT_EQ(name_of(GapReason::evicted), "evicted");
  EXPECT_EQ(name_of(GapReason::restarted), "restarted");
  EXPECT_EQ(name_of(GapReason::unknown), "unknown");
  EXPECT_EQ(name_of(GapReason::slow), "slow");
}

TEST(SseControl, LeavesOutAPlaceThatIsNotKnown) {
  std::string bare;
  append_gap(bare, "lost", {.reason = GapReason::unknown, .after = "x", .resumed = ""},
             Framing::bare);
  EXPECT_EQ(bare, "event: lost\ndata: {\"reason\":\"unknown\",\"after\":\"x\"}\n\n");
}

// The cursor is whatever the client sent: it must not be able to write lines of its own.
TEST(SseControl, QuotesAHostileCursor) {
  std::string bare;
  append_gap(
      bare, "gap",
      {.reason = GapReason::unknown, .after = "a\n\ndata: \"x\\\r\0\x7f\xff"sv, .resumed = ""},
      Framing::bare);
  EXPECT_EQ(bare,
            "event: gap\ndata: {\"reason\":\"unknown\",\"after\":"
            "\"a\\u000a\\u000adata: \\\"x\\\\\\u000d\\u0000\\u007f\xef\xbf\xbd\"}\n\n");
}

TEST(SseControl, TruncatesAForeignCursor) {
  std::string bare;
  append_gap(bare, "gap",
             {.reason = GapReason::unknown, .after = std::string(5000, 'x'), .resumed = ""},
             Framing::bare);
  EXPECT_NE(bare.find("\"" + std::string(128, 'x') + "\""), std::string::npos);
}

TEST(SseControl, EndsAStreamWithAnEventOfItsOwn) {
  std::string bare, chunk;
  append_end(bare, "end", "k3-9", Framing::bare);
  append_end(chunk, "end", "k3-9", Framing::chunk);
  EXPECT_EQ(bare, "event: end\ndata: \nid: k3-9\n\n");
  EXPECT_EQ(chunk, "1c\r\n" + bare + "\r\n");
}

}  // namespace
}  // namespace fanfare::sse
