// MULTI ... EXEC: everything together, with no other publisher's between, or nothing.
#include "broker/wire/ingest/resp_transaction.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/wire/ingest/conversation.h"
#include "tests/wire/ingest/resp_words.h"

namespace fanfare::ingest_test {
namespace {

using ingest::Dialect;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Calls = std::vector<std::string>;

constexpr std::string_view kAborted =
    "-EXECABORT Transaction discarded because of previous errors: nothing was published\r\n";

Outcome resp(std::string_view input) {
  return converse_in_every_split(Dialect::resp, input);
}
// MULTI, the commands, EXEC.
Outcome together(const std::vector<std::vector<std::string>>& commands) {
  std::string input = command({"MULTI"});
  for (const auto& words : commands) input += command(words);
  return resp(input + command({"EXEC"}));
}

TEST(RespTransaction, PublishesNothingBeforeExecAndThenEverything) {
  RecordingSink sink;
  const auto session = ingest::make_session(Dialect::resp, sink, {});
  std::string out;
  session->receive(command({"MULTI"}) + command({"PUBLISH", "a", "1"}) +
                       command({"XADD", "b", "*", "event", "tick", "data", "2"}),
                   out);
  EXPECT_EQ(out, "+OK\r\n+QUEUED\r\n+QUEUED\r\n");
  EXPECT_THAT(sink.calls, IsEmpty());
  out.clear();
  session->receive(command({"EXEC"}), out);
  EXPECT_EQ(out, "*2\r\n:1\r\n$4\r\nep-2\r\n");
  EXPECT_EQ(sink.calls, (Calls{"publish a [] data=1", "publish b [tick] data=2"}));
}

TEST(RespTransaction, AnswersEveryKindOfCommandInItsPlace) {
  const auto outcome = together({{"PUBLISH", "abc", "1"},
                                 {"PING"},
                                 {"XLEN", "abc"},
                                 {"EXISTS", "abc", "other"},
                                 {"PUBLISH", "abc", "2"},
                                 {"DEL", "abc"},
                                 {"XLEN", "abc"},
                                 {"SSE.FINISH", "abc"},
                                 {"XADD", "new", "NOMKSTREAM", "*", "data", "x"},
                                 {"ECHO", "hi"}});
  EXPECT_THAT(outcome.replies, EndsWith("*10\r\n:3\r\n+PONG\r\n:1\r\n:1\r\n:3\r\n:1\r\n:0\r\n+OK"
                                        "\r\n$-1\r\n$2\r\nhi\r\n"));
  EXPECT_EQ(outcome.calls,
            (Calls{"publish abc [] data=1", "publish abc [] data=2", "erase abc", "finish abc"}));
}

TEST(RespTransaction, MayBeEmptyAndIsOverAfterwards) {
  EXPECT_EQ(resp("MULTI\r\nEXEC\r\nPUBLISH abc x\r\nEXEC\r\n").replies,
            "+OK\r\n*0\r\n:3\r\n-ERR EXEC without MULTI\r\n");
}

TEST(RespTransaction, GivesTheSinkAllCommandsInOneCall) {
  std::string input = command({"MULTI"});
  std::string expected = "+OK\r\n";
  std::string replies = "*100\r\n";
  Calls calls;
  for (int i = 0; i < 100; ++i) {
    input += command({"PUBLISH", "news", std::to_string(i)});
    expected += "+QUEUED\r\n";
    replies += ":4\r\n";
    calls.push_back(fmt::format("publish news [] data={}", i));
  }
  const auto outcome = resp(input + command({"EXEC"}));
  EXPECT_EQ(outcome.replies, expected + replies);
  EXPECT_EQ(outcome.calls, calls);
}

TEST(RespTransaction, NeverPausesInsideOfExec) {
  RecordingSink sink;
  const auto session = ingest::make_session(Dialect::resp, sink, {.reply_bytes = 1});
  std::string input = command({"MULTI"});
  for (int i = 0; i < 50; ++i) input += command({"PUBLISH", "news", "x"});
  std::string out;
  session->receive(input + command({"EXEC"}) + command({"PING"}), out);
  while (session->paused() && sink.calls.empty()) session->receive({}, out = {});
  EXPECT_EQ(sink.calls.size(), 50U) << "all in the call that ran EXEC";
}

// Each of these is refused where it is queued, and takes all the others with it.
TEST(RespTransaction, IsRefusedWholeForOneCommandThatWasRefused) {
  const std::string large(70'000, 'x');
  const std::vector<std::vector<std::string>> wrong{
      {"NOSUCH", "x"},
      {"PUBLISH", "a"},
      {"PUBLISH", "no name", "x"},
      {"PUBLISH", "big", "x"},
      {"PUBLISH", "a", large},
      {"XADD", "a", "1-1", "data", "x"},
      {"XADD", "a", "*", "temperature", "20"},
      {"XADD", "a", "*", "data"},
      {"XADD", "a", "*", "event", "x"},
      {"XADD", "a", "*", "data", "x", "retry", "soon"},
      {"XADD", "no name", "*", "data", "x"},
      {"DEL", "a", "no name"},
      {"SSE.FINISH", "no name"},
      {"EVAL", "return 1", "0"},
      {"EVALSHA", "0000", "0"},
      {"GET", "a"},
      {"SUBSCRIBE", "a"},
      {"HELLO", "3"},
      {"SCRIPT", "FLUSH"},  // an EVALSHA behind it could not be tried before it is run
      {"PUBSUB", "CHANNELS"},
      {"MULTI", "again"},
  };
  for (const auto& words : wrong) {
    const std::string input = command({"MULTI"}) + command({"PUBLISH", "a", "1"}) + command(words) +
                              command({"PUBLISH", "a", "2"}) + command({"EXEC"}) +
                              command({"PING"});
    const Outcome outcome =
        words.size() > 2 && words[2] == large ? converse(Dialect::resp, input) : resp(input);
    EXPECT_THAT(outcome.replies, StartsWith("+OK\r\n+QUEUED\r\n-")) << words[0];
    EXPECT_THAT(outcome.replies, EndsWith("+QUEUED\r\n" + std::string(kAborted) + "+PONG\r\n"))
        << words[0];
    EXPECT_THAT(outcome.calls, IsEmpty()) << words[0];
  }
}

TEST(RespTransaction, RefusesACommandWithTheSameWordsAsOutside) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"PUBLISH", "no name", "x"}, {"XADD", "a", "*", "b", "c"}, {"ZADD", "a"}, {"PUBLISH"}}) {
    const std::string outside = resp(command(words)).replies;
    EXPECT_EQ(together({words}).replies, "+OK\r\n" + outside + std::string(kAborted));
  }
}

TEST(RespTransaction, ANestedMultiAndAWatchAreErrorsThatSpoilNothing) {
  const auto outcome = resp("MULTI\r\nPUBLISH a 1\r\nMULTI\r\nWATCH a\r\nUNWATCH\r\nEXEC\r\n");
  EXPECT_EQ(outcome.replies,
            "+OK\r\n+QUEUED\r\n-ERR MULTI calls can not be nested: end the first with EXEC or "
            "DISCARD\r\n-ERR WATCH inside MULTI is not allowed\r\n+QUEUED\r\n*2\r\n:1\r\n+OK\r\n");
  EXPECT_EQ(outcome.calls, Calls{"publish a [] data=1"});
}

TEST(RespTransaction, WatchIsRefusedWithWhatToDoAndUnwatchHasNothingToUndo) {
  EXPECT_THAT(resp("WATCH a\r\n").replies,
              HasSubstr("MULTI and EXEC alone publish all or nothing"));
  EXPECT_EQ(resp("UNWATCH\r\nDISCARD\r\nEXEC\r\n").replies,
            "+OK\r\n-ERR DISCARD without MULTI\r\n-ERR EXEC without MULTI\r\n");
}

TEST(RespTransaction, DiscardResetQuitAndTheEndPublishNothing) {
  const std::string begun = "MULTI\r\nPUBLISH a 1\r\n";
  EXPECT_EQ(resp(begun + "DISCARD\r\nPING\r\n").replies, "+OK\r\n+QUEUED\r\n+OK\r\n+PONG\r\n");
  EXPECT_EQ(resp(begun + "RESET\r\nEXEC\r\n").replies,
            "+OK\r\n+QUEUED\r\n+RESET\r\n-ERR EXEC without MULTI\r\n");
  EXPECT_EQ(resp(begun + "QUIT\r\nEXEC\r\n").replies, "+OK\r\n+QUEUED\r\n+OK\r\n");
  for (const std::string_view end : {"DISCARD\r\n", "RESET\r\n", "QUIT\r\n", "", "EXE"}) {
    EXPECT_THAT(resp(begun + std::string(end)).calls, IsEmpty()) << end;
  }
  EXPECT_THAT(converse(Dialect::resp, begun + "*x\r\nEXEC\r\n").calls, IsEmpty());
}

// Redis 7.0 answers so, byte for byte but for the usage.
TEST(RespTransaction, EndsWithAnExecThatHasArguments) {
  const std::string aborted =
      "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command: "
      "EXEC\r\n";
  const auto outcome = resp("MULTI\r\nPUBLISH a 1\r\nEXEC x\r\nEXEC\r\nPUBLISH a 2\r\n");
  EXPECT_EQ(outcome.replies, "+OK\r\n+QUEUED\r\n" + aborted + "-ERR EXEC without MULTI\r\n:1\r\n");
  EXPECT_EQ(outcome.calls, Calls{"publish a [] data=2"});
  EXPECT_EQ(resp("EXEC x\r\n").replies, aborted) << "outside of a transaction as well";
  // Every other command that is wrong spoils it, and leaves it open.
  for (const std::string_view wrong : {"DISCARD x", "MULTI x", "RESET x", "PING a b c"}) {
    const auto spoiled = resp(fmt::format("MULTI\r\n{}\r\nEXEC\r\n", wrong));
    EXPECT_THAT(spoiled.replies, HasSubstr("-ERR wrong number")) << wrong;
    EXPECT_THAT(spoiled.replies, EndsWith(kAborted)) << wrong;
  }
}

// What the log would refuse is known before the first of it is done.
TEST(RespTransaction, PublishesNothingIfAPartOfItWouldBeRefusedByTheLog) {
  const auto outcome = together({{"PUBLISH", "a", "1"}, {"PUBLISH", "closed", "2"}});
  EXPECT_EQ(outcome.replies,
            "+OK\r\n+QUEUED\r\n+QUEUED\r\n-EXECABORT Transaction discarded because command 2 "
            "(PUBLISH) would be refused: the channel is finished; nothing was published\r\n");
  EXPECT_THAT(outcome.calls, IsEmpty());
}

TEST(RespTransaction, ASpoiledOneGivesItsRoomBackAndTheNextIsWhole) {
  const auto outcome =
      resp("MULTI\r\nPUBLISH a 1\r\nNOSUCH\r\nEXEC\r\nMULTI\r\nPUBLISH a 2\r\nEXEC\r\n");
  EXPECT_THAT(outcome.replies, EndsWith(std::string(kAborted) + "+OK\r\n+QUEUED\r\n*1\r\n:1\r\n"));
  EXPECT_EQ(outcome.calls, Calls{"publish a [] data=2"});
}

class RespTransactionBounds : public ::testing::Test {
 protected:
  std::string say(ingest::Session& session, std::string_view bytes) {
    std::string out;
    session.receive(bytes, out);
    return out;
  }
  std::unique_ptr<ingest::Session> publisher() {
    return ingest::make_session(Dialect::resp, sink_, {.commons = &commons_});
  }

  // "PUBLISH", "a", "" wait in 8 bytes, 16 of sizes, and kCommandBytes.
  static constexpr std::size_t kSmallest = 8 + 16 + ingest::RespTransaction::kCommandBytes;
  RecordingSink sink_;
  ingest::RespCommons commons_;
};

TEST_F(RespTransactionBounds, TakesWhatFitsToTheByteAndNoMore) {
  commons_.transaction_bytes_max = 2 * kSmallest;
  const auto session = publisher();
  const std::string begin = "MULTI\r\nPUBLISH a \"\"\r\n";
  EXPECT_EQ(say(*session, begin + "PUBLISH a \"\"\r\nEXEC\r\n"),
            "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:1\r\n");
  EXPECT_EQ(commons_.queue_full_total, 0U);
  const std::string refused = say(*session, begin + "PUBLISH a x\r\nPING\r\nEXEC\r\nPING\r\n");
  EXPECT_THAT(refused, StartsWith("+OK\r\n+QUEUED\r\n-ERR the transaction is too large: the limit "
                                  "is 304 bytes, including 128 for each command ([limits] "
                                  "ingest_batch_bytes)"));
  EXPECT_THAT(refused, EndsWith("\r\n+QUEUED\r\n" + std::string(kAborted) + "+PONG\r\n"));
  EXPECT_EQ(sink_.calls.size(), 2U);
  EXPECT_EQ(commons_.queue_full_total, 1U);
  EXPECT_EQ(commons_.transactions_total, 1U);
  EXPECT_EQ(commons_.transactions_refused_total, 1U);
  EXPECT_EQ(commons_.queued_bytes, 0U);
}

TEST_F(RespTransactionBounds, AllPublishersTogetherHaveABoundToo) {
  commons_.queued_bytes_max = 2 * kSmallest;
  const auto one = publisher();
  auto other = publisher();
  say(*one, "MULTI\r\nPUBLISH a \"\"\r\n");
  say(*other, "MULTI\r\nPUBLISH a \"\"\r\n");
  EXPECT_EQ(commons_.queued_bytes, 2 * kSmallest);
  EXPECT_THAT(say(*one, "PUBLISH a \"\"\r\n"),
              StartsWith("-UNAVAILABLE the open transactions of all"));
  EXPECT_EQ(commons_.queued_bytes, kSmallest) << "what EXEC will refuse is not kept";
  EXPECT_THAT(say(*one, "EXEC\r\n"), StartsWith("-EXECABORT "));
  other.reset();
  EXPECT_EQ(commons_.queued_bytes, 0U) << "a connection that is cut gives it all back";
  EXPECT_EQ(say(*one, "MULTI\r\nPUBLISH a \"\"\r\nPUBLISH a \"\"\r\nEXEC\r\n"),
            "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:1\r\n");
}

// redis-py's pipeline(), node-redis's and ioredis's multi(): one write.
TEST(RespTransaction, WorksInOneWriteAsLibrariesSendIt) {
  EXPECT_EQ(resp("*1\r\n$5\r\nMULTI\r\n*3\r\n$7\r\nPUBLISH\r\n$2\r\ntx\r\n$1\r\na\r\n"
                 "*3\r\n$7\r\nPUBLISH\r\n$2\r\ntx\r\n$1\r\nb\r\n*1\r\n$4\r\nEXEC\r\n")
                .replies,
            "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:2\r\n:2\r\n");
}

}  // namespace
}  // namespace fanfare::ingest_test
