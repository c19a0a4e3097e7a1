// RESP: what Redis tools send, what they get, and how the rest is answered.
#include "broker/wire/ingest/resp_session.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/wire/ingest/conversation.h"
#include "tests/wire/ingest/resp_words.h"

namespace fanfare::ingest_test {
namespace {

using ingest::Dialect;

Outcome resp(std::string_view input) {
  return converse_in_every_split(Dialect::resp, input);
}
std::string reply(const std::vector<std::string>& words) {
  return resp(command(words)).replies;
}
using Calls = std::vector<std::string>;

// The reader looks some publishes ahead; whatever comes between them, the order stays.
TEST(RespSession, RunsCommandsInTheirOrderHoweverManyPublishesItReadsAhead) {
  std::string input;
  std::string expected;
  Calls calls;
  for (int i = 0; i < 30; ++i) {
    input += command({"publish", "news", std::to_string(i)});
    expected += ":4\r\n";
    calls.push_back(fmt::format("publish news [] data={}", i));
    if (i % 7 == 3) {
      input += command({"PING"}) + "PUBLISH a inline\r\n" + command({"PUBLISH", "news"});
      expected +=
          "+PONG\r\n:1\r\n-ERR wrong number of arguments for 'publish' command: PUBLISH "
          "channel data\r\n";
      calls.emplace_back("publish a [] data=inline");
    }
  }
  const auto outcome = resp(input);
  EXPECT_EQ(outcome.replies, expected);
  EXPECT_EQ(outcome.calls, calls);
}

TEST(RespSession, GivesTheSinkWhatItReadsAheadAtOnce) {
  class Counting final : public RecordingSink {
   public:
    void publish_all(std::span<const ingest::Publish> events, const Answer& answer) override {
      calls.push_back(fmt::format("{} at once", events.size()));
      RecordingSink::publish_all(events, answer);
    }
  };
  Counting sink;
  const auto session = ingest::make_session(Dialect::resp, sink, {});
  std::string replies;
  session->receive(command({"PUBLISH", "a", "one"}) + command({"PUBLISH", "b", "three"}), replies);
  EXPECT_EQ(sink.calls, (Calls{"2 at once", "publish a [] data=one", "publish b [] data=three"}));
}

// ---- the bytes that real tools send (redis-tools 7.0.15)

TEST(RespTools, RedisCliPublishesWithoutAHandshake) {
  const auto [replies, calls, closed] =
      resp("*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$11\r\nhello world\r\n");
  EXPECT_EQ(replies, ":4\r\n");
  EXPECT_EQ(calls, Calls{"publish news [] data=hello world"});
  EXPECT_FALSE(closed);
}

TEST(RespTools, RedisCliPipeEndsWithAStrayLineAndABinaryEcho) {
  const std::string magic =
      "S\xb2\x8e\xec|\x1f"
      "f\x9a\xcb\xc3\xae\r\xa7+\x91\\\x96q\x0b\x03";
  ASSERT_EQ(magic.size(), 20U);
  const auto [replies, calls, closed] = resp(
      "PUBLISH a b\r\n*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$1\r\nd\r\n\r\n*2\r\n$4\r\nECHO\r\n"
      "$20\r\n" +
      magic + "\r\n");
  EXPECT_EQ(replies, ":1\r\n:1\r\n$20\r\n" + magic + "\r\n");
  EXPECT_EQ(calls, (Calls{"publish a [] data=b", "publish c [] data=d"}));
  EXPECT_FALSE(closed);
}

TEST(RespTools, RedisBenchmarkAsksForTwoSettingsThenPipelines) {
  std::string input =
      "*3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$4\r\nsave\r\n"
      "*3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$10\r\nappendonly\r\n";
  std::string expected = "*2\r\n$4\r\nsave\r\n$0\r\n\r\n*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n";
  for (int i = 0; i < 16; ++i) {
    input += "*3\r\n$7\r\nPUBLISH\r\n$4\r\nchan\r\n$1\r\nx\r\n";
    expected += ":4\r\n";
  }
  const Outcome outcome = resp(input);
  EXPECT_EQ(outcome.replies, expected);
  EXPECT_EQ(outcome.calls.size(), 16U);
}

TEST(RespTools, RedisCliInteractiveFirstSendsCommandDocs) {
  EXPECT_EQ(reply({"COMMAND", "DOCS"}), "*0\r\n");
}

TEST(RespTools, NetcatTypesInlineCommands) {
  const auto [replies, calls, closed] = resp("PUBLISH news \"hello \\\"you\\\"\"\nping\nQUIT\n");
  EXPECT_EQ(replies, ":4\r\n+PONG\r\n+OK\r\n");
  EXPECT_EQ(calls, Calls{"publish news [] data=hello \"you\""});
  EXPECT_TRUE(closed);
}

TEST(RespTools, NetcatMayLeaveOutTheLastLineFeed) {
  const auto [replies, calls, closed] = resp("PUBLISH news hello");
  EXPECT_EQ(replies, ":4\r\n");
  EXPECT_EQ(calls, Calls{"publish news [] data=hello"});
}

// ---- publishing

TEST(Resp, PublishesAnyBytes) {
  const std::string data = std::string("a\0\r\n*1\r\n", 8);
  EXPECT_EQ(resp(command({"publish", "c", data})).calls, Calls{"publish c [] data=" + data});
}

TEST(Resp, PublishesEmptyData) {
  EXPECT_EQ(resp(command({"PUBLISH", "c", ""})).calls, Calls{"publish c [] data="});
}

TEST(Resp, RepliesInTheOrderOfTheRequests) {
  EXPECT_EQ(resp(command({"PING"}) + command({"PUBLISH", "closed", "x"}) +
                 command({"PUBLISH", "abc", "x"}) + command({"ECHO", "e"}))
                .replies,
            "+PONG\r\n-FINISHED the channel is finished\r\n:3\r\n$1\r\ne\r\n");
}

TEST(Resp, GivesEveryRefusalItsPrefix) {
  EXPECT_EQ(reply({"PUBLISH", "full", "x"}), "-UNAVAILABLE too many channels\r\n");
  EXPECT_EQ(reply({"PUBLISH", "big", "x"}), "-ERR the data has too many bytes\r\n");
}

TEST(Resp, NeverLetsAQuotedNameBreakTheReplyLine) {
  EXPECT_EQ(reply({"PUBLISH", "a\r\n+OK", "x"}), "-ERR not a channel name: \"a??+OK\"\r\n");
  EXPECT_EQ(reply({"a\r\nb"}).substr(0, 27), "-ERR unknown command 'a??b'");
}

TEST(Resp, AddsAnEventWithItsFields) {
  const auto [replies, calls, closed] =
      resp(command({"XADD", "c", "*", "event", "tick", "data", "1", "retry", "2500"}));
  EXPECT_EQ(replies, "$4\r\nep-1\r\n");
  EXPECT_EQ(calls, Calls{"publish c [tick] data=1 retry=2500"});
}

TEST(Resp, TakesTheTrimmingOptionsOfXadd) {
  EXPECT_EQ(reply({"XADD", "c", "MAXLEN", "~", "1000", "LIMIT", "10", "*", "data", "1"}),
            "$4\r\nep-1\r\n");
  EXPECT_EQ(reply({"XADD", "c", "maxlen", "5", "*", "data", "1"}), "$4\r\nep-1\r\n");
  EXPECT_EQ(reply({"XADD", "c", "MINID", "=", "5-1", "*", "data", "1"}), "$4\r\nep-1\r\n");
}

TEST(Resp, NomkstreamCreatesNoChannel) {
  const auto [replies, calls, closed] =
      resp(command({"XADD", "c", "NOMKSTREAM", "*", "data", "1"}) +
           command({"XADD", "c", "*", "data", "2"}) +
           command({"XADD", "c", "NOMKSTREAM", "*", "data", "3"}));
  EXPECT_EQ(replies, "$-1\r\n$4\r\nep-1\r\n$4\r\nep-2\r\n");
  EXPECT_EQ(calls, (Calls{"publish c [] data=2", "publish c [] data=3"}));
}

TEST(Resp, NomkstreamOfAWrongNameIsAnErrorAsInMulti) {
  EXPECT_EQ(reply({"XADD", "no name", "NOMKSTREAM", "*", "data", "1"}),
            reply({"XADD", "no name", "*", "data", "1"}));
}

TEST(Resp, SaysWhatIsWrongWithAnXadd) {
  EXPECT_EQ(
      reply({"XADD", "c", "1-1", "data", "1"}),
      "-ERR the id must be *, not '1-1': only the broker numbers events, across all channels\r\n");
  EXPECT_EQ(reply({"XADD", "c", "*", "temperature", "20"}),
            "-ERR unknown field 'temperature' (argument 3): an event has the fields data, event, "
            "key and retry; put several values into data as JSON\r\n");
  EXPECT_EQ(reply({"XADD", "c", "*", "data", "1", "data", "2"}),
            "-ERR field 'data' occurs twice (argument 5)\r\n");
  EXPECT_EQ(reply({"XADD", "c", "*", "event", "tick"}),
            "-ERR the field 'data' is missing: browsers do not dispatch an event without data\r\n");
  EXPECT_EQ(reply({"XADD", "c", "*", "data", "1", "retry", "2s"}),
            "-ERR retry is \"2s\": it must be a whole number of milliseconds, like 2000\r\n");
  EXPECT_EQ(
      reply({"XADD", "c", "*", "data"}),
      "-ERR wrong number of arguments for 'xadd' command: XADD channel * data ... [event ...] "
      "[key ...] [retry ...]\r\n");
  EXPECT_EQ(
      reply({"XADD", "c", "MAXLEN", "~", "5"}),
      "-ERR syntax error: the channel and its options must be followed by *, then the fields\r\n");
}

TEST(Resp, XaddTakesAKeyAndThenNeedsNoData) {
  const auto outcome = resp(command({"XADD", "board", "*", "key", "oven 3", "data", "181"}) +
                            command({"XADD", "board", "*", "key", "oven 3"}));
  EXPECT_EQ(outcome.calls,
            (Calls{"publish board [] data=181 key=oven 3", "publish board [] data= key=oven 3"}));
  EXPECT_EQ(reply({"XADD", "board", "*", "key", "", "data", "1"}),
            "-ERR the field 'key' is empty: name what this is the latest value of, or leave it "
            "out\r\n");
}

TEST(Resp, DropsNoHistoryIfOneOfTheNamesIsWrong) {
  const auto outcome = resp(command({"PUBLISH", "a", "1"}) + command({"DEL", "a", "no name"}));
  EXPECT_EQ(outcome.replies, ":1\r\n-ERR not a channel name: \"no name\"\r\n");
  EXPECT_EQ(outcome.calls, Calls{"publish a [] data=1"});
}

TEST(Resp, FinishesAChannel) {
  const auto [replies, calls, closed] =
      resp(command({"SSE.FINISH", "c"}) + command({"sse.finish", "closed"}));
  EXPECT_EQ(replies, "+OK\r\n-FINISHED the channel is finished\r\n");
  EXPECT_EQ(calls, Calls{"finish c"});
}

// ---- telling

TEST(Resp, CountsAndDropsHistory) {
  EXPECT_EQ(resp(command({"PUBLISH", "c", "1"}) + command({"PUBLISH", "c", "2"}) +
                 command({"XLEN", "c"}) + command({"DEL", "c", "nothere"}) + command({"XLEN", "c"}))
                .replies,
            ":1\r\n:1\r\n:2\r\n:1\r\n:0\r\n");
}

TEST(Resp, ListsChannelsByRedisGlob) {
  const std::string publish = command({"PUBLISH", "metrics/cpu", "1"}) +
                              command({"PUBLISH", "metrics/cpu/0", "1"}) +
                              command({"PUBLISH", "news", "1"});
  const auto list = [&](const std::vector<std::string>& words) {
    return resp(publish + command(words))
        .replies.substr(std::string(":11\r\n:13\r\n:4\r\n").size());
  };
  const std::string all = "*3\r\n$11\r\nmetrics/cpu\r\n$13\r\nmetrics/cpu/0\r\n$4\r\nnews\r\n";
  EXPECT_EQ(list({"PUBSUB", "CHANNELS"}), all);
  EXPECT_EQ(list({"PUBSUB", "CHANNELS", "*"}), all);
  EXPECT_EQ(list({"pubsub", "channels", "metrics/*"}),
            "*2\r\n$11\r\nmetrics/cpu\r\n$13\r\nmetrics/cpu/0\r\n");
  EXPECT_EQ(list({"PUBSUB", "CHANNELS", "n?[a-z]s"}), "*1\r\n$4\r\nnews\r\n");
  EXPECT_EQ(list({"PUBSUB", "CHANNELS", "x*"}), "*0\r\n");
}

TEST(Resp, AsksForANarrowerPatternWhenTooManyChannelsMatch) {
  RecordingSink sink;
  for (int i = 0; i < 10'001; ++i) sink.channels[fmt::format("c{}", i)] = {};
  const auto session = ingest::make_session(Dialect::resp, sink, {});
  std::string out;
  session->receive("PUBSUB CHANNELS c*\r\nPUBSUB CHANNELS c1?\r\n", out);
  EXPECT_TRUE(
      out.starts_with("-ERR more than 10000 channels match 'c*': narrow the pattern\r\n"
                      "*10\r\n"));
}

TEST(Resp, CountsSubscribers) {
  EXPECT_EQ(reply({"PUBSUB", "NUMSUB", "abc", "de"}),
            "*4\r\n$3\r\nabc\r\n:3\r\n$2\r\nde\r\n:2\r\n");
  EXPECT_EQ(reply({"PUBSUB", "NUMSUB"}), "*0\r\n");
  EXPECT_EQ(reply({"PUBSUB", "NUMPAT"}), ":3\r\n");
  EXPECT_TRUE(reply({"PUBSUB", "SHARDCHANNELS"}).starts_with("-ERR unknown subcommand"));
}

TEST(Resp, AnswersInfo) {
  EXPECT_EQ(reply({"INFO"}), "$42\r\n# Fanfare\r\nversion:1.2.3\r\nevents_total:0\r\n\r\n");
}

// ---- handshakes

TEST(Resp, ToleratesWhatLibrariesSendUnasked) {
  EXPECT_EQ(reply({"CLIENT", "SETNAME", "x"}), "+OK\r\n");
  EXPECT_EQ(reply({"CLIENT", "SETINFO", "LIB-NAME", "redis-py"}), "+OK\r\n");
  EXPECT_EQ(reply({"CLIENT", "GETNAME"}), "$-1\r\n");
  EXPECT_EQ(reply({"CLIENT", "ID"}), ":7\r\n");
  EXPECT_EQ(reply({"CLIENT", "INFO"}), "$18\r\nid=7 name= resp=2\n\r\n");
  EXPECT_TRUE(reply({"CLIENT", "KILL", "x"}).starts_with("-ERR unknown subcommand"));
  EXPECT_EQ(reply({"SELECT", "0"}), "+OK\r\n");
  EXPECT_TRUE(reply({"SELECT", "1"}).starts_with("-ERR DB index is out of range"));
  EXPECT_EQ(reply({"CONFIG", "GET", "maxmemory"}), "*0\r\n");
  EXPECT_TRUE(reply({"CONFIG", "SET", "a", "b"}).starts_with("-ERR only CONFIG GET"));
  EXPECT_EQ(reply({"PING"}), "+PONG\r\n");
  EXPECT_EQ(reply({"PING", "x"}), "$1\r\nx\r\n");
  EXPECT_EQ(reply({"RESET"}), "+RESET\r\n");
}

TEST(Resp, DescribesItsCommands) {
  EXPECT_EQ(reply({"COMMAND", "COUNT"}), ":29\r\n");
  EXPECT_TRUE(reply({"COMMAND"})
                  .starts_with("*29\r\n*6\r\n$7\r\npublish\r\n:3\r\n*0\r\n:0\r\n:0\r\n:0\r\n*6\r\n$"
                               "4\r\nxadd\r\n:-5\r\n"));
  EXPECT_TRUE(reply({"COMMAND", "LIST"}).starts_with("*29\r\n$7\r\nPUBLISH\r\n"));
  EXPECT_EQ(reply({"COMMAND", "INFO", "ping", "flushdb"}),
            "*2\r\n*6\r\n$4\r\nping\r\n:-1\r\n*0\r\n:0\r\n:0\r\n:0\r\n$-1\r\n");
}

TEST(Resp, QuitIsTheLastReply) {
  const auto [replies, calls, closed] = resp(command({"QUIT"}) + command({"PUBLISH", "c", "x"}));
  EXPECT_EQ(replies, "+OK\r\n");
  EXPECT_TRUE(calls.empty());
  EXPECT_TRUE(closed);
}

TEST(Resp, DistinguishesAQuitFromBrokenFraming) {
  for (const auto& [input, broken] : {std::pair("QUIT\n", false), std::pair("*x\r\n", true)}) {
    RecordingSink sink;
    const auto session = ingest::make_session(Dialect::resp, sink, {});
    std::string out;
    EXPECT_FALSE(session->broken());
    session->receive(input, out);
    EXPECT_TRUE(session->closed());
    EXPECT_EQ(session->broken(), broken);
  }
}

TEST(Resp, TellsRedisUsersWhatToDoInstead) {
  for (const char* name : {"SUBSCRIBE", "WATCH", "GET", "SET", "xread", "FCALL"}) {
    const auto [replies, calls, closed] = resp(command({name, "x", "y"}) + command({"PING"}));
    EXPECT_NE(replies.find(" is not supported: "), std::string::npos) << replies;
    EXPECT_TRUE(replies.ends_with("\r\n+PONG\r\n")) << replies;
    EXPECT_FALSE(closed);
  }
}

TEST(Resp, SaysWhatItIsToAnUnknownCommand) {
  EXPECT_EQ(reply({"ZADD", "x"}),
            "-ERR unknown command 'ZADD': this is Fanfare, an event broker; it supports PUBLISH, "
            "XADD, MULTI, XLEN, DEL, SSE.FINISH, SSE.TICKET and PUBSUB\r\n");
  EXPECT_EQ(reply({"PUBLISH", "c"}),
            "-ERR wrong number of arguments for 'publish' command: PUBLISH channel data\r\n");
}

TEST(Resp, IssuesTickets) {
  EXPECT_EQ(reply({"SSE.TICKET", "a"}), bulk("t1cket"));
  EXPECT_EQ(reply({"sse.ticket", "sub", "ann", "ex", "30s", "a", "b/*"}), bulk("t1cket"));
  EXPECT_EQ(reply({"SSE.TICKET", "EX", "30s"}), bulk("t1cket")) << "two channels of these names";
  EXPECT_EQ(reply({"SSE.TICKET", "full"}).substr(0, 12), "-UNAVAILABLE");
  EXPECT_EQ(reply({"SSE.TICKET"}).substr(0, 5), "-ERR ");
}

}  // namespace
}  // namespace fanfare::ingest_test
