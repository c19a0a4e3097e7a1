#include "broker/server/upstream/answer_reader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "tests/wire/split.h"

#include "common/random.h"

namespace fanfare::server {
namespace {

using ::testing::HasSubstr;
using State = AnswerReader::State;

// What a reader makes of these bytes, and then of the end of the connection: in words.
std::string read(std::string_view input, const wire_test::Cuts& cuts = {}, bool to_head = false) {
  AnswerReader reader{http::Limits{}};
  reader.begin(to_head, 100);
  State state = State::reading;
  wire_test::feed_in_pieces(input, cuts, [&](std::string_view piece) {
    if (state == State::reading) state = reader.receive(piece);
  });
  const bool ended = state == State::reading;
  if (ended) state = reader.ended(/*in_order=*/true);
  const bool reusable = reader.reusable();
  const UpstreamAnswer answer = reader.take();
  if (state == State::failed) return fmt::format("failed: {}", answer.why);
  std::string text = fmt::format("{}{}", answer.status, reusable ? " kept" : "");
  for (std::size_t i = 0; i < answer.fields.size(); ++i) {
    text += fmt::format("|{}={}", answer.fields[i].name, answer.fields[i].value);
  }
  return text + "|" + answer.body;
}

TEST(AnswerReader, ReadsTheSameHoweverTheAnswerIsCut) {
  constexpr std::string_view kAnswer =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nFanfare-Channels: a\r\n"
      "Transfer-Encoding: chunked\r\nSet-Cookie: x=y\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
  const auto outcome = [&](const wire_test::Cuts& cuts) { return read(kAnswer, cuts); };
  EXPECT_EQ(wire_test::expect_same_for_every_split(kAnswer, outcome),
            "200 kept|Fanfare-Channels=a|Set-Cookie=x=y|body");
}

TEST(AnswerReader, LeavesOutWhatConcernsOneConnection) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nConnection: close, X-One\r\nX-One: 1\r\nKeep-Alive: x\r\n"
                 "Upgrade: h2c\r\nDate: today\r\nX-Two: 2\r\nContent-Length: 0\r\n\r\n"),
            "200|X-Two=2|");
}

TEST(AnswerReader, ABodyWithoutALengthEndsWithItsConnection) {
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\nall of it"), "200|all of it");
}

// A reset, or a network that fails, leaves open how much more there was.
TEST(AnswerReader, ABodyWithoutALengthThatAnErrorEndedIsCut) {
  AnswerReader reader{http::Limits{}};
  reader.begin(/*to_head=*/false, 100);
  EXPECT_EQ(reader.receive("HTTP/1.0 200 OK\r\nFanfare-Channels: a\r\n\r\na part of it"),
            State::reading);
  EXPECT_EQ(reader.ended(/*in_order=*/false), State::failed);
  EXPECT_EQ(reader.take().failure, UpstreamFailure::cut);
}

TEST(AnswerReader, AHeadOfAHeadAnswerIsAllOfIt) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", {}, true), "200 kept|");
}

TEST(AnswerReader, BytesBehindTheAnswerEndTheConnectionsUse) {
  EXPECT_EQ(read("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n"), "204|");
}

TEST(AnswerReader, SaysWhyThereIsNone) {
  EXPECT_EQ(read(""), "failed: closed the connection without an answer");
  EXPECT_THAT(read("HTTP/1.1 200 OK\r\nContent-Le"), HasSubstr("broke off"));
  EXPECT_THAT(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour"), HasSubstr("broke off"));
  EXPECT_THAT(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n"),
              HasSubstr("broke off"));
  EXPECT_THAT(read("HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n"), HasSubstr("nonsense"));
  EXPECT_THAT(read("HTTP/1.1 200 OK\r\nX: a\x01"
                   "b\r\n\r\n"),
              HasSubstr("control character"));
  EXPECT_THAT(read("HTTP/1.1 101 Switching Protocols\r\n\r\n"), HasSubstr("not asked for"));
  EXPECT_THAT(read("220 mail.example ESMTP\r\n"), HasSubstr("nonsense"));
  EXPECT_THAT(read("HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x')),
              HasSubstr("upstream_answer_bytes"));
  EXPECT_THAT(read("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x')), HasSubstr("too long"));
}

TEST(AnswerReader, TellsHowLongTheConnectionIsKept) {
  AnswerReader reader{http::Limits{}};
  for (const auto& [field, seconds] : {std::pair{"timeout=5, max=100", 5}, {"max=1", 0}}) {
    reader.begin(false, 100);
    EXPECT_EQ(reader.receive(fmt::format(
                  "HTTP/1.1 200 OK\r\nKeep-Alive: {}\r\nContent-Length: 0\r\n\r\n", field)),
              State::complete);
    EXPECT_EQ(reader.keeps_for().value_or(Duration(0)), std::chrono::seconds(seconds));
  }
}

// Whatever comes, it is read to an end, and no more is kept than is allowed.
TEST(AnswerReader, NoBytesLeaveItInDoubt) {
  constexpr std::string_view kParts[] = {"HTTP/1.1 200 OK\r\n",
                                         "HTTP/1.1 404 \n",
                                         "Content-Length: 5\r\n",
                                         "\r\n",
                                         "\n",
                                         "hello",
                                         "Transfer-Encoding: chunked\r\n",
                                         "5\r\nhello\r\n",
                                         "0\r\n\r\n",
                                         "Connection: close\r\n",
                                         "Fanfare-Channels: a, b\r\n",
                                         "\x00\xff",
                                         ": \r\n",
                                         "HTTP/1.1 100 Continue\r\n\r\n",
                                         "z"};
  Random random(11);
  for (int round = 0; round < 20'000; ++round) {
    AnswerReader reader{http::Limits{}};
    reader.begin(random.chance(0.1), 20);
    State state = State::reading;
    const std::uint64_t parts = 1 + random.below(12);
    for (std::uint64_t i = 0; i < parts && state == State::reading; ++i) {
      state = reader.receive(kParts[random.below(std::size(kParts))]);
    }
    if (state == State::reading) state = reader.ended(/*in_order=*/true);
    ASSERT_NE(state, State::reading);
    const UpstreamAnswer answer = reader.take();
    ASSERT_LE(answer.body.size(), 20U);
    ASSERT_EQ(state == State::failed, answer.failure != UpstreamFailure::none);
  }
}

}  // namespace
}  // namespace fanfare::server
