#include "broker/server/streams/framing.h"

#include <gtest/gtest.h>

namespace fanfare::server {
namespace {

using fanout::Framing;

std::string framed(Framing framing, std::string_view text) {
  std::string out;
  append_framed(out, framing, text);
  return out;
}

TEST(Framing, PutsATextIntoOneChunk) {
  EXPECT_EQ(framed(Framing::chunked, "retry: 10\n"), "a\r\nretry: 10\n\r\n");
  EXPECT_EQ(framed(Framing::plain, "retry: 10\n"), "retry: 10\n");
}

TEST(Framing, NeverWritesTheEmptyChunkThatWouldEndTheBody) {
  EXPECT_EQ(framed(Framing::chunked, ""), "");
}

TEST(Framing, AHeartbeatIsACommentWithoutABlankLine) {
  EXPECT_EQ(heartbeat_text(Framing::chunked), "2\r\n:\n\r\n");
  EXPECT_EQ(heartbeat_text(Framing::plain), ":\n");
  EXPECT_EQ(heartbeat_text(Framing::raw), "");
}

TEST(Framing, RetryIsWrittenInWholeMilliseconds) {
  EXPECT_EQ(retry_line(2s), "retry: 2000\n");
  EXPECT_EQ(retry_line(Duration(1'500'999)), "retry: 1\n");
}

TEST(Framing, AStreamOpensWithoutABlankLineOfItsOwn) {
  EXPECT_EQ(opening_text(2s, ""), "retry: 2000\n:\n");
  EXPECT_EQ(opening_text(2s, "id: abc-7\n"), "retry: 2000\nid: abc-7\n:\n");
}

TEST(Framing, AGapNamesItsReasonAndItsEnds) {
  EXPECT_EQ(gap_event("gap", "evicted", "abc-1", "abc-9", "abc-7"),
            "event: gap\ndata: {\"reason\":\"evicted\",\"after\":\"abc-1\",\"resumed\":\"abc-9\"}\n"
            "id: abc-7\n\n");
}

TEST(Framing, OnlyAChunkedBodyCanSayThatItIsComplete) {
  EXPECT_EQ(last_chunk(Framing::chunked), "0\r\n\r\n");
  EXPECT_EQ(last_chunk(Framing::raw_chunked), "0\r\n\r\n");
  EXPECT_EQ(last_chunk(Framing::plain), "");
}

}  // namespace
}  // namespace fanfare::server
