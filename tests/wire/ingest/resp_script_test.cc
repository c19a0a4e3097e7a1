// EVAL: the loop Laravel's broadcaster sends, and nothing else.
#include "broker/wire/ingest/resp_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/wire/ingest/resp_commons.h"
#include "tests/wire/ingest/conversation.h"
#include "tests/wire/ingest/resp_words.h"

namespace fanfare::ingest_test {
namespace {

using ingest::Dialect;
using ingest::is_publish_loop;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Calls = std::vector<std::string>;

// The text of Laravel's RedisBroadcaster, to the byte.
const std::string kLaravel = "for i = 2, #ARGV do\n  redis.call('publish', ARGV[i], ARGV[1])\nend";
constexpr const char* kLaravelName = "6f799f6e3f4ab9f8b891f6405d5fc1348a6a0595";

Outcome resp(std::string_view input) {
  return converse_in_every_split(Dialect::resp, input);
}
std::string reply(const std::vector<std::string>& words) {
  return resp(command(words)).replies;
}

TEST(RespScript, KnowsTheLoopInAnySpelling) {
  for (const char* script : {
           "for i=2,#ARGV do redis.call('publish',ARGV[i],ARGV[1]) end",
           "\n  for i = 2, # ARGV do\r\n\tredis.call(\"PUBLISH\", ARGV[i], ARGV[1]);\n  end;\n",
           "-- to all channels\nfor channel = 2, #ARGV do -- each\n"
           "redis.call('publish', ARGV[channel], ARGV[1]) end -- done",
           "            for i = 2, #ARGV do\n              redis.call('publish', ARGV[i], "
           "ARGV[1])\n"
           "            end",
       }) {
    EXPECT_TRUE(is_publish_loop(script)) << script;
  }
  EXPECT_TRUE(is_publish_loop(kLaravel));
}

TEST(RespScript, TakesNothingElseForIt) {
  for (const char* script : {
           "",
           "return 1",
           "for i = 2, #ARGV do redis.call('publish', ARGV[i], ARGV[1])",
           "for i = 1, #ARGV do redis.call('publish', ARGV[i], ARGV[1]) end",
           "for i = 2, #KEYS do redis.call('publish', ARGV[i], ARGV[1]) end",
           "for i = 2, #ARGV do redis.call('publish', ARGV[j], ARGV[1]) end",
           "for i = 2, #ARGV do redis.call('publish', ARGV[i], ARGV[2]) end",
           "for i = 2, #ARGV do redis.call('set', ARGV[i], ARGV[1]) end",
           "for i = 2, #ARGV do redis.call('publish', ARGV[i], ARGV[1]) end return 1",
           "for i = 2, #ARGV do redis.call('publish', ARGV[i], ARGV[1]) end end",
           "for i = 2, #ARGV do redis.call('publish\", ARGV[i], ARGV[1]) end",
           "for end = 2, #ARGV do redis.call('publish', ARGV[end], ARGV[1]) end",
           "for ARGV = 2, #ARGV do redis.call('publish', ARGV[ARGV], ARGV[1]) end",
           "for i = 2, #ARGV do redis.pcall('publish', ARGV[i], ARGV[1]) end",
           "fori = 2, #ARGV do redis.call('publish', ARGV[i], ARGV[1]) end",
           "for i = 2, #ARGV do redis.call('publish', ARGV[i], ARGV[1]) end --[[ x ]] x",
           "local r = {} for i = 2, #ARGV do table.insert(r, redis.call('publish', ARGV[i], "
           "ARGV[1])) end return r",
       }) {
    EXPECT_FALSE(is_publish_loop(script)) << script;
  }
}

TEST(RespScript, PublishesThePayloadToEveryChannel) {
  const auto outcome =
      resp(command({"EVAL", kLaravel, "0", "{\"event\":\"x\"}", "private-a", "private-b"}));
  EXPECT_EQ(outcome.replies, "$-1\r\n");
  EXPECT_EQ(outcome.calls, (Calls{"publish private-a [] data={\"event\":\"x\"}",
                                  "publish private-b [] data={\"event\":\"x\"}"}));
  EXPECT_EQ(resp(command({"EVAL", kLaravel, "0", "x"})).replies, "$-1\r\n") << "no channels";
  EXPECT_EQ(resp(command({"EVAL", kLaravel, "1", "key", "x", "a"})).calls,
            Calls{"publish a [] data=x"});
  EXPECT_THAT(resp(command({"HELLO", "3"}) + command({"EVAL", kLaravel, "0", "x", "a"})).replies,
              ::testing::EndsWith("\r\n_\r\n"));
}

TEST(RespScript, PublishesToAllOfManyChannelsInOrder) {
  std::vector<std::string> words{"EVAL", kLaravel, "0", "x"};
  Calls calls;
  for (int i = 0; i < 100; ++i) {
    words.push_back(fmt::format("c{}", i));
    calls.push_back(fmt::format("publish c{} [] data=x", i));
  }
  EXPECT_EQ(resp(command(words)).calls, calls);
}

TEST(RespScript, PublishesToNoneIfOneWouldBeRefused) {
  for (const auto& [channel, begin] :
       {std::pair("closed", "-FINISHED the channel is finished; the script published nothing"),
        std::pair("no name", "-ERR not a channel name"), std::pair("full", "-UNAVAILABLE ")}) {
    const auto outcome = resp(command({"EVAL", kLaravel, "0", "x", "a", channel, "b"}));
    EXPECT_THAT(outcome.replies, StartsWith(begin));
    EXPECT_THAT(outcome.calls, IsEmpty());
  }
}

TEST(RespScript, RefusesEveryOtherScriptWithTheWayOut) {
  for (const char* what : {"EVAL", "SCRIPT"}) {
    const std::string refused = what == std::string("EVAL")
                                    ? reply({"EVAL", "return redis.call('get', KEYS[1])", "1", "a"})
                                    : reply({"SCRIPT", "LOAD", "return 1"});
    EXPECT_THAT(refused, StartsWith("-ERR the only supported script is the loop"));
    EXPECT_THAT(refused, HasSubstr("send PUBLISH, or several of them between MULTI and EXEC"));
  }
  EXPECT_EQ(reply({"EVAL", kLaravel, "x", "a"}),
            "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(reply({"EVAL", kLaravel, "-1", "a"}), "-ERR Number of keys can't be negative\r\n");
  EXPECT_EQ(reply({"EVAL", kLaravel, "2", "a"}),
            "-ERR Number of keys can't be greater than number of args\r\n");
}

// predis and ioredis try EVALSHA first, and fall back.
TEST(RespScript, IsKnownByItsNameOnceItWasShown) {
  const std::string by_name = command({"EVALSHA", kLaravelName, "0", "x", "a"});
  const auto outcome =
      resp(by_name + command({"EVAL", kLaravel, "0", "1", "a"}) + by_name +
           command({"SCRIPT", "EXISTS", kLaravelName, "00"}) + command({"SCRIPT", "FLUSH"}) +
           by_name + command({"SCRIPT", "LOAD", kLaravel}) + by_name);
  EXPECT_EQ(outcome.replies,
            "-NOSCRIPT No matching script. Please use EVAL.\r\n$-1\r\n$-1\r\n*2\r\n:1\r\n:0\r\n"
            "+OK\r\n-NOSCRIPT No matching script. Please use EVAL.\r\n" +
                bulk(kLaravelName) + "$-1\r\n");
  EXPECT_EQ(outcome.calls.size(), 3U);
}

TEST(RespScript, IsKnownToEveryPublisherOfTheBroker) {
  RecordingSink sink;
  ingest::RespCommons commons;
  const auto one = ingest::make_session(Dialect::resp, sink, {.commons = &commons});
  const auto other = ingest::make_session(Dialect::resp, sink, {.commons = &commons});
  std::string out;
  one->receive(command({"SCRIPT", "LOAD", kLaravel}), out);
  other->receive(command({"EVALSHA", kLaravelName, "0", "x", "a"}), out);
  EXPECT_EQ(out, bulk(kLaravelName) + "$-1\r\n");
}

TEST(RespScript, RemembersABoundedNumberOfSpellings) {
  ingest::KnownScripts scripts;
  for (std::size_t i = 0; i <= ingest::KnownScripts::kCountMax; ++i) scripts.add(std::to_string(i));
  EXPECT_FALSE(scripts.contains("0"));
  EXPECT_TRUE(scripts.contains("1"));
  EXPECT_TRUE(scripts.contains(std::to_string(ingest::KnownScripts::kCountMax)));
}

TEST(RespScript, WaitsForExecLikeEveryCommand) {
  const auto outcome = resp(command({"MULTI"}) + command({"EVAL", kLaravel, "0", "x", "a", "b"}) +
                            command({"PUBLISH", "abc", "y"}) + command({"EXEC"}));
  EXPECT_EQ(outcome.replies, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$-1\r\n:3\r\n");
  EXPECT_EQ(outcome.calls,
            (Calls{"publish a [] data=x", "publish b [] data=x", "publish abc [] data=y"}));
}

}  // namespace
}  // namespace fanfare::ingest_test
