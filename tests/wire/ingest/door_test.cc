// Publishers that have to show who they are first: what the dialects do before a Door is open.
#include "broker/wire/ingest/door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/ingest/session.h"
#include "tests/wire/ingest/recording_sink.h"
#include "tests/wire/ingest/resp_words.h"
#include "tests/wire/split.h"

namespace fanfare::ingest {
namespace {

using ingest_test::RecordingSink;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// Opens for "good", and shuts itself when it was asked `asked_max` times whether it is open.
class TestDoor final : public Door {
 public:
  explicit TestDoor(int asked_max = 1'000'000) : asked_max_(asked_max) {}
  std::optional<Refused> present(std::string_view token) override {
    open_ = token == "good";
    tries_ = open_ ? 0 : tries_ + 1;
    if (open_) return std::nullopt;
    return Refused{Refusal::unauthenticated, "the token is not accepted here"};
  }
  bool open() override { return open_ && asked_++ < asked_max_; }
  Refused refusal() override { return {Refusal::unauthenticated, "a token is needed"}; }
  void shut() override { open_ = false; }
  bool tried_enough() const override { return tries_ >= 3; }
  Sink& sink() override { return sink_; }

  RecordingSink sink_;

 private:
  const int asked_max_;
  int asked_ = 0;
  int tries_ = 0;
  bool open_ = false;
};

struct Heard {
  std::string replies;
  std::vector<std::string> calls;
  bool closed = false;
  friend bool operator==(const Heard&, const Heard&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Heard& heard) {
    return out << heard.replies << (heard.closed ? "(closed)" : "(open)");
  }
};

// The same however the input is cut.
Heard say(Dialect dialect, std::string_view input) {
  return wire_test::expect_same_for_every_split(input, [&](const wire_test::Cuts& cuts) {
    TestDoor door;
    const auto session = make_session(dialect, door.sink(), {.connection = 7, .door = &door});
    Heard heard;
    wire_test::feed_in_pieces(
        input, cuts, [&](std::string_view piece) { session->receive(piece, heard.replies); });
    session->end_of_input(heard.replies);
    heard.calls = door.sink_.calls;
    heard.closed = session->closed();
    EXPECT_FALSE(session->broken());
    return heard;
  });
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words(1);
  for (const char c : line) c == ' ' ? (void)words.emplace_back() : words.back().push_back(c);
  return words;
}

Heard resp(std::string_view input) {
  return say(Dialect::resp, input);
}
Heard ndjson(std::string_view input) {
  return say(Dialect::ndjson, input);
}

// Every command in the table that does not open the door, in both spellings.
TEST(Door, BeforeItNothingIsServedInResp) {
  for (const char* command : {"PUBLISH c d",
                              "XADD c * data d",
                              "MULTI",
                              "EXEC",
                              "DISCARD",
                              "EVAL x 0 d c",
                              "EVALSHA x 0 d c",
                              "SCRIPT LOAD x",
                              "XLEN c",
                              "EXISTS c",
                              "DEL c",
                              "SSE.FINISH c",
                              "SSE.TICKET c",
                              "PUBSUB CHANNELS",
                              "PUBSUB NUMSUB c",
                              "PUBSUB NUMPAT",
                              "PING",
                              "ECHO x",
                              "COMMAND",
                              "CLIENT ID",
                              "CONFIG GET save",
                              "CLUSTER INFO",
                              "SELECT 0",
                              "WAIT 0 0",
                              "WATCH c",
                              "UNWATCH",
                              "INFO",
                              "HELLO",
                              "HELLO 3",
                              "GET x",
                              "NONSENSE",
                              "PUBLISH"}) {
    for (const std::string& text :
         {std::string(command) + "\r\n", ingest_test::command(words_of(command))}) {
      const Heard heard = resp(text);
      EXPECT_THAT(heard.replies, StartsWith("-NOAUTH ")) << command;
      EXPECT_THAT(heard.replies, HasSubstr("a token is needed")) << command;
      EXPECT_THAT(heard.calls, IsEmpty()) << command;
    }
  }
}

TEST(Door, OpensForTheWaysInWhichRedisLibrariesPresentAPassword) {
  for (const char* auth :
       {"AUTH good\r\n", "AUTH default good\r\n", "AUTH ann good\r\n",
        "HELLO 3 AUTH default good\r\n", "HELLO 2 AUTH ann good SETNAME x\r\n"}) {
    const Heard heard = resp(std::string(auth) + "PUBLISH c d\r\n");
    EXPECT_THAT(heard.replies, Not(HasSubstr("-"))) << auth;
    EXPECT_THAT(heard.replies, HasSubstr(":1\r\n")) << auth;
    EXPECT_THAT(heard.calls, ElementsAre("publish c [] data=d")) << auth;
  }
}

TEST(Door, AfterABadTokenNoneCounts) {
  const Heard heard = resp("AUTH good\r\nAUTH bad\r\nPUBLISH c d\r\n");
  EXPECT_THAT(heard.replies,
              StartsWith("+OK\r\n-WRONGPASS the token is not accepted here\r\n-NOAUTH"));
  EXPECT_THAT(heard.calls, IsEmpty());
  EXPECT_THAT(resp("HELLO 3 AUTH ann bad\r\nPING\r\n").replies,
              StartsWith("-WRONGPASS the token is not accepted here\r\n-NOAUTH"));
}

TEST(Door, ClosesTheConnectionOfAPublisherThatGuesses) {
  const Heard heard = resp("AUTH a\r\nAUTH b\r\nHELLO 3 AUTH x c\r\nAUTH good\r\nPUBLISH c d\r\n");
  EXPECT_TRUE(heard.closed);
  EXPECT_THAT(heard.calls, IsEmpty());
  EXPECT_THAT(heard.replies, Not(HasSubstr("+OK")));
  const Heard lines = ndjson(
      "{\"op\":\"auth\",\"token\":\"a\"}\n{\"op\":\"auth\",\"token\":\"b\"}\n"
      "{\"op\":\"auth\",\"token\":\"c\"}\n{\"op\":\"auth\",\"token\":\"good\"}\n"
      "{\"channel\":\"c\",\"data\":\"d\"}\n");
  EXPECT_TRUE(lines.closed);
  EXPECT_THAT(lines.calls, IsEmpty());
  EXPECT_THAT(lines.replies, Not(HasSubstr("\"ok\":true")));
}

TEST(Door, IsShutByReset) {
  const Heard heard = resp("AUTH good\r\nRESET\r\nPUBLISH c d\r\n");
  EXPECT_THAT(heard.replies, StartsWith("+OK\r\n+RESET\r\n-NOAUTH"));
  EXPECT_THAT(heard.calls, IsEmpty());
}

// The token expires between two commands.
TEST(Door, ATransactionWhoseTokenExpiresPublishesNothing) {
  for (int asked_max = 0; asked_max < 6; ++asked_max) {
    TestDoor door(asked_max);
    const auto session = make_session(Dialect::resp, door.sink(), {.door = &door});
    std::string out;
    session->receive("AUTH good\r\nMULTI\r\nPUBLISH a 1\r\nPUBLISH b 2\r\nEXEC\r\n", out);
    EXPECT_THAT(door.sink_.calls.size(), ::testing::AnyOf(0U, 2U)) << asked_max;
    if (door.sink_.calls.empty()) {
      EXPECT_THAT(out, HasSubstr("-NOAUTH")) << asked_max;
    }
  }
  TestDoor door(3);
  const auto session = make_session(Dialect::resp, door.sink(), {.door = &door});
  std::string out;
  session->receive("AUTH good\r\nMULTI\r\nPUBLISH a 1\r\nPUBLISH b 2\r\nEXEC\r\n", out);
  EXPECT_THAT(door.sink_.calls, IsEmpty());
}

TEST(Door, BeforeItNothingIsServedInNdjson) {
  for (const char* line :
       {R"({"channel":"c","data":"d"})", R"({"op":"finish","channel":"c"})",
        R"({"op":"delete","channel":"c"})", R"({"op":"info"})", R"({"op":"info","channel":"c"})",
        R"({"op":"watch"})", R"({"op":"ticket","channels":["c"]})", R"({"op":"nonsense"})", "{",
        R"({"channel":["a","b"],"data":"d"})"}) {
    const Heard heard = ndjson(std::string(line) + "\n");
    EXPECT_THAT(heard.replies, HasSubstr(R"("error":"a token is needed")")) << line;
    EXPECT_THAT(heard.calls, IsEmpty()) << line;
  }
  const Heard heard = ndjson(
      "{\"op\":\"auth\",\"token\":\"good\",\"ref\":1}\n{\"channel\":\"c\",\"data\":\"d\"}\n");
  EXPECT_EQ(heard.replies, "{\"ok\":true,\"ref\":1}\n{\"ok\":true,\"id\":\"ep-1\"}\n");
}

TEST(Door, AnAuthLineHasATokenAndNothingElse) {
  EXPECT_THAT(ndjson("{\"op\":\"auth\"}\n").replies, HasSubstr("is needed"));
  EXPECT_THAT(ndjson("{\"op\":\"auth\",\"token\":\"good\"}\n{\"op\":\"auth\"}\n").replies,
              HasSubstr(R"(\"token\" is missing)"));
  EXPECT_THAT(ndjson("{\"op\":\"auth\",\"token\":\"good\"}\n"
                     "{\"op\":\"auth\",\"token\":\"good\",\"channel\":\"c\"}\n")
                  .replies,
              HasSubstr(R"(\"channel\" is not allowed)"));
  EXPECT_THAT(ndjson("{\"op\":\"auth\",\"token\":\"good\"}\n"
                     "{\"channel\":\"c\",\"data\":\"d\",\"token\":\"good\"}\n")
                  .replies,
              HasSubstr(R"(\"token\" is not allowed)"));
}

// The ingest socket: its permissions decide.
TEST(Door, WhereThereIsNoneATokenIsNotLookedAt) {
  RecordingSink sink;
  const auto session = make_session(Dialect::ndjson, sink, {});
  std::string out;
  session->receive("{\"op\":\"auth\",\"token\":\"good\"}\n", out);
  EXPECT_THAT(out, HasSubstr("no token is looked at on the ingest socket"));
}

}  // namespace
}  // namespace fanfare::ingest
