// ResponseParser: what a client reads, on every split, and how it knows that a body was cut.
#include "broker/wire/h1/response_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "broker/wire/h1/response_writer.h"
#include "tests/wire/split.h"

namespace fanfare::h1 {
namespace {

using std::string_literals::operator""s;
using Kind = Step::Kind;

constexpr http::Limits kLimits = {.head_bytes = 256,
                                  .target_bytes = 0,
                                  .fields = 6,
                                  .body_bytes = 0,
                                  .method_bytes = 0,
                                  .chunk_extension_bytes = 16,
                                  .trailer_bytes = 32};

std::string_view name_of(Ending ending) {
  switch (ending) {
    case Ending::clean:
      return "clean";
    case Ending::undelimited:
      return "undelimited";
    case Ending::cut:
      return "cut";
  }
  return "";
}

// "200 OK [a=b] body(hello) end" for each response, "refused: why", then how the connection ended.
class Reading {
 public:
  explicit Reading(bool to_head) { parser_.reset(to_head); }

  void take(std::string_view input) {
    for (Step step; !refused_ && (step = parser_.step(input)).kind != Kind::more;) {
      input.remove_prefix(step.consumed);
      if (step.kind == Kind::head) take_head();
      if (step.kind == Kind::body) body_.append(step.body);
      if (step.kind == Kind::end) {
        flush();
        text_ += parser_.keep_alive() ? "end " : "end-close ";
        parser_.reset();
      }
      refused_ = step.kind == Kind::refused;
    }
  }
  std::string ended() {
    flush();
    if (refused_) text_.append("refused: ").append(parser_.refusal().reason).append(" ");
    return text_.append(name_of(parser_.ending()));
  }

 private:
  void take_head() {
    const http::ResponseHead& head = parser_.head();
    text_.append(std::to_string(head.status)).append(" ");
    if (!head.reason.empty()) text_.append(head.reason).append(" ");
    for (const http::Field& field : head.fields) {
      text_.append("[").append(field.name).append("=").append(field.value).append("] ");
    }
  }
  void flush() {
    if (!body_.empty()) text_.append("body(").append(body_).append(") ");
    body_.clear();
  }

  ResponseParser parser_{kLimits};
  bool refused_ = false;
  std::string body_, text_;
};

std::string read(const std::string& input, bool to_head = false) {
  return wire_test::expect_same_for_every_split(input, [&](const wire_test::Cuts& cuts) {
    Reading reading(to_head);
    wire_test::feed_in_pieces(input, cuts, [&](std::string_view piece) { reading.take(piece); });
    return reading.ended();
  });
}

TEST(ResponseParser, ReadsASizedBody) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
            "200 OK [Content-Length=5] body(hello) end clean");
}

TEST(ResponseParser, ReadsOneResponseAfterTheOther) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
                 "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
            "200 OK [Content-Length=1] body(a) end 404 Not Found [Content-Length=0] end clean");
}

TEST(ResponseParser, ReadsAChunkedBody) {
  EXPECT_EQ(
      read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
      "200 OK [Transfer-Encoding=chunked] body(hello) end clean");
}

// 1.3 of the wire contract: the last chunk distinguishes "complete" from "come back".
TEST(ResponseParser, DistinguishesACutStreamFromACompleteOne) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string heading = "200 OK [Transfer-Encoding=chunked] ";
  EXPECT_EQ(read(head), heading + "cut");
  EXPECT_EQ(read(head + "2\r\n:\n\r\n"), heading + "body(:\n) cut");
  EXPECT_EQ(read(head + "2\r\n:"), heading + "body(:) cut");
  EXPECT_EQ(read(head + "2\r\n:\n\r\n0\r\n"), heading + "body(:\n) cut");
  EXPECT_EQ(read(head + "2\r\n:\n\r\n0\r\n\r\n"), heading + "body(:\n) end clean");
}

TEST(ResponseParser, RecognisesACutBodyByItsLength) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"),
            "200 OK [Content-Length=5] body(hell) cut");
}

TEST(ResponseParser, CannotTellTheEndOfABodyWithoutFraming) {
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\nhello"), "200 OK body(hello) undelimited");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
            "200 OK [Connection=close] undelimited");
}

TEST(ResponseParser, TakesAConnectionThatSaidNothingForClean) {
  EXPECT_EQ(read(""), "clean");
  EXPECT_EQ(read("HTTP/1.1 2"), "cut");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nA: b"), "cut");
  EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\n"), "cut");
}

TEST(ResponseParser, KnowsResponsesThatHaveNoBody) {
  EXPECT_EQ(
      read("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
      "204 No Content end 304 Not Modified [Content-Length=9] end clean");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true),
            "200 OK [Content-Length=9] end clean");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true),
            "200 OK [Transfer-Encoding=chunked] end clean");
}

TEST(ResponseParser, PassesOverInterimResponses) {
  EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            "200 OK [Content-Length=0] end clean");
  std::string endless;
  for (int i = 0; i < 17; ++i) endless += "HTTP/1.1 102 Processing\r\n\r\n";
  EXPECT_EQ(read(endless), "refused: too many interim responses cut");
}

TEST(ResponseParser, KnowsWhetherTheConnectionGoesOn) {
  const auto read_to_end = [](const std::string& version, const std::string& fields) {
    const std::string text =
        read("HTTP/" + version + " 200 OK\r\n" + fields + "Content-Length: 0\r\n\r\n");
    return text.substr(text.rfind(']') + 2);
  };
  EXPECT_EQ(read_to_end("1.1", ""), "end clean");
  EXPECT_EQ(read_to_end("1.1", "Connection: close\r\n"), "end-close clean");
  EXPECT_EQ(read_to_end("1.0", ""), "end-close clean");
  EXPECT_EQ(read_to_end("1.0", "Connection: keep-alive\r\n"), "end clean");
}

TEST(ResponseParser, ToleratesWhatAClientShould) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\nContent-Length: 1\n\na"),
            "200 OK [Content-Length=1] body(a) end clean");
  EXPECT_EQ(read("\r\n\r\nHTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
            "200 [Content-Length=0] end clean");
  EXPECT_EQ(read("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"), "200 [Content-Length=0] end clean");
  EXPECT_EQ(read("HTTP/1.1 299 N\xe9\r\nContent-Length: 0\r\n\r\n"),
            "299 N\xe9 [Content-Length=0] end clean");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nA: b\r\n \t c\r\n\td \r\nContent-Length: 0\r\n\r\n"),
            "200 OK [A=b   \t c  \td] [Content-Length=0] end clean");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 0, 0\r\nContent-Length: 0\r\n\r\n"),
            "200 OK [Content-Length=0, 0] [Content-Length=0] end clean");
}

TEST(ResponseParser, ToleratesPaddedAndBareChunkHeads) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "1  \r\na\r\n2;x=y \nbc\n0\n\n"),
            "200 OK [Transfer-Encoding=chunked] body(abc) end clean");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na: b\nc: d\r\n\n"),
            "200 OK [Transfer-Encoding=chunked] end clean");
}

TEST(ResponseParser, BoundsExtensionsPerChunkOnly) {
  std::string stream = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 10; ++i) stream += "1;aaaaaaaa\r\nx\r\n";
  EXPECT_EQ(read(stream), "200 OK [Transfer-Encoding=chunked] body(xxxxxxxxxx) cut");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;aaaaaaaaaaaaaaaaaaaaa"),
            "200 OK [Transfer-Encoding=chunked] refused: the chunk extensions are too long cut");
}

TEST(ResponseParser, LetsChunksWinOverALengthAndThenCloses) {
  EXPECT_EQ(
      read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      "200 OK [Content-Length=9] [Transfer-Encoding=chunked] end-close clean");
}

TEST(ResponseParser, RefusesWhatLeavesTheEndInDoubt) {
  const auto refused = [](const std::string& fields) {
    return read("HTTP/1.1 200 OK\r\n" + fields + "\r\n");
  };
  EXPECT_EQ(refused("Content-Length: 5\r\nContent-Length: 6\r\n"),
            "refused: two Content-Length fields disagree cut");
  EXPECT_EQ(refused("Content-Length: 5, 6\r\n"), "refused: two Content-Length fields disagree cut");
  for (const std::string value : {"", "x", "-1", "+1", "1 1", "99999999999999999999", "5,,5"}) {
    EXPECT_EQ(refused("Content-Length: " + value + "\r\n"),
              "refused: Content-Length must be a number cut");
  }
  for (const std::string value :
       {"gzip", "gzip, chunked", "chunked\r\nTransfer-Encoding: chunked"}) {
    EXPECT_EQ(refused("Transfer-Encoding: " + value + "\r\n"),
              "refused: a transfer coding other than `chunked` cut");
  }
}

TEST(ResponseParser, RefusesWhatIsNotAResponse) {
  EXPECT_EQ(read("SSH-2.0-OpenSSH_9.2\r\n"), "refused: this is not an HTTP/1 response cut");
  EXPECT_EQ(read("\x15\x03\x01\x00\x02\x02"s), "refused: this is not an HTTP/1 response cut");
  EXPECT_EQ(read("HTTP/2 200\r\n"), "refused: this is not an HTTP/1 response cut");
  EXPECT_EQ(read("-ERR unknown\r\n"), "refused: this is not an HTTP/1 response cut");
  for (const std::string line :
       {"HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 2xx OK", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1  200",
        "HTTP/1.x 200", "HTTP/1.1 200OK"}) {
    EXPECT_EQ(read(line + "\r\n"), "refused: the status line must be like `HTTP/1.1 200 OK` cut")
        << line;
  }
  EXPECT_EQ(read("HTTP/1.1 200 O\0K\r\n"s),
            "refused: the status line must be like `HTTP/1.1 200 OK` cut");
  EXPECT_EQ(read("HTTP/1.1 099 No\r\n"), "refused: the status must be 100 to 599 cut");
  EXPECT_EQ(read("HTTP/1.1 600 No\r\n"), "refused: the status must be 100 to 599 cut");
}

TEST(ResponseParser, RefusesMalformedFields) {
  const auto refused = [](const std::string& line) {
    return read("HTTP/1.1 200 OK\r\n" + line + "\r\n\r\n");
  };
  for (const std::string line : {"a", "a b", ": c", "a b: c", "a : b", "\xc3\xa9: b"}) {
    EXPECT_EQ(refused(line), "refused: a field must be `name: value` cut") << line;
  }
  EXPECT_EQ(refused(" a: b"), "refused: the first field is folded cut");
  EXPECT_EQ(refused("a: b\0"s), "refused: a control character in a field cut");
  EXPECT_EQ(refused("a: b\rc"), "refused: a control character in a field cut");
}

TEST(ResponseParser, BoundsTheHead) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\na: " + std::string(300, 'x')),
            "refused: the response head is too long cut");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\na:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\n"),
            "refused: too many header fields cut");
  EXPECT_EQ(read(std::string(300, '\n')), "refused: the response head is too long cut");
}

TEST(ResponseParser, ReadsWhatTheWriterWrites) {
  std::string written;
  append_response_head(written, 200, {{"Vary", "Origin"}}, BodyLength::chunked(),
                       Persistence::persistent);
  http::append_chunk(written, std::string(300, 'y'));
  http::append_chunk(written, "");
  written += http::kLastChunk;
  append_response_head(written, 404, {}, BodyLength::sized(13), Persistence::persistent);
  written += "no such page\n";
  EXPECT_EQ(read(written),
            "200 OK [Vary=Origin] [Transfer-Encoding=chunked] body(" + std::string(300, 'y') +
                ") end 404 Not Found [Content-Length=13] body(no such page\n) end clean");
}

}  // namespace
}  // namespace fanfare::h1
