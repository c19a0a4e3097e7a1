// Response heads, byte by byte: what a browser needs stands there, and nothing a value holds can
// add a line of its own.
#include "broker/wire/h1/response_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace fanfare::h1 {
namespace {

using std::string_view_literals::operator""sv;

TEST(ResponseWriter, R3WritesTheHeadOfAStream) {
  std::string out = "before;";
  append_response_head(out, 200,
                       {{"Content-Type", "text/event-stream; charset=utf-8"},
                        {"Cache-Control", "no-store, no-cache, no-transform"},
                        {"X-Accel-Buffering", "no"}},
                       BodyLength::chunked(), Persistence::persistent);
  EXPECT_EQ(out,
            "before;HTTP/1.1 200 OK\r\n"
            "Content-Type: text/event-stream; charset=utf-8\r\n"
            "Cache-Control: no-store, no-cache, no-transform\r\n"
            "X-Accel-Buffering: no\r\n"
            "Transfer-Encoding: chunked\r\n"
            "\r\n");
}

TEST(ResponseWriter, SaysASizeOnce) {
  std::string out;
  append_response_head(out, 404, {}, BodyLength::sized(18446744073709551615U), Persistence::close);
  EXPECT_EQ(out,
            "HTTP/1.1 404 Not Found\r\nContent-Length: 18446744073709551615\r\n"
            "Connection: close\r\n\r\n");
}

// RFC 9110 §8.6: no Content-Length on 204; R13: a 1.0 peer is answered until the close.
TEST(ResponseWriter, FramesTheOtherBodies) {
  std::string none, until_close, stated;
  append_response_head(none, 204, {}, BodyLength::none(), Persistence::persistent);
  append_response_head(until_close, 200, {}, BodyLength::until_close(),
                       Persistence::persistent_stated);
  append_response_head(stated, 200, {}, BodyLength::sized(0), Persistence::persistent_stated);
  EXPECT_EQ(none, "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(until_close, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(stated, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
}

TEST(ResponseWriter, LetsNoValueEndItsLine) {
  std::string out;
  append_response_head(out, 200, {{"Vary", "a\r\nX: b\n\0\x7f\tc\xe4"sv}}, BodyLength::none(),
                       Persistence::persistent);
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nVary: a  X: b   \tc\xe4\r\n\r\n"sv);
}

TEST(ResponseWriter, SaysTheDateFirst) {
  std::string out;
  append_response_head(out, 404, {{"Vary", "Origin"}}, BodyLength::sized(0), Persistence::close,
                       "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(out,
            "HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nVary: Origin\r\n"
            "Content-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(ResponseWriterDeathTest, KnowsNoStatusOutsideTheClasses) {
  std::string out;
  EXPECT_DEATH(append_response_head(out, 600, {}, BodyLength::none(), Persistence::close),
               "status");
}

}  // namespace
}  // namespace fanfare::h1
