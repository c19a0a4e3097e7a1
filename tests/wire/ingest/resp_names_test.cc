// A name that no channel can have, in every command that takes one.
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
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Words = std::vector<std::string>;

const std::string kLoop = "for i = 2, #ARGV do redis.call('publish', ARGV[i], ARGV[1]) end";
constexpr const char* kRefused = "-ERR not a channel name: \"a b\"";

// Every place in which a command names a channel; "a b" is the one that is wrong.
std::vector<Words> commands_with_a_bad_name() {
  return {{"PUBLISH", "a b", "x"},
          {"XADD", "a b", "*", "data", "x"},
          {"XADD", "a b", "NOMKSTREAM", "*", "data", "x"},
          {"EVAL", kLoop, "0", "x", "a b"},
          {"EVAL", kLoop, "0", "x", "fine", "a b"},
          {"XLEN", "a b"},
          {"EXISTS", "a b"},
          {"EXISTS", "fine", "a b", "fine"},
          {"DEL", "a b"},
          {"DEL", "fine", "a b"},
          {"SSE.FINISH", "a b"},
          {"SSE.TICKET", "a b"},
          {"PUBSUB", "NUMSUB", "a b"},
          {"PUBSUB", "NUMSUB", "fine", "a b"}};
}

Outcome resp(std::string_view input) {
  return converse_in_every_split(Dialect::resp, input);
}

// XLEN and EXISTS said 0, and PUBSUB NUMSUB too.
TEST(RespNames, WereRefusedByCommandsThatWriteAndNotByThoseThatRead) {
  for (const Words& words : commands_with_a_bad_name()) {
    const auto outcome = resp(command(words));
    EXPECT_THAT(outcome.replies, StartsWith(kRefused)) << words[0];
    EXPECT_THAT(outcome.replies, EndsWith("\r\n"));
    EXPECT_EQ(outcome.replies.find("\r\n"), outcome.replies.size() - 2) << "one error, no more";
    EXPECT_THAT(outcome.calls, IsEmpty()) << words[0];
  }
}

TEST(RespNames, SpoilATransactionInWhicheverCommandTheyStand) {
  for (const Words& words : commands_with_a_bad_name()) {
    const auto outcome = resp(command({"MULTI"}) + command({"PUBLISH", "fine", "x"}) +
                              command(words) + command({"EXEC"}));
    EXPECT_THAT(outcome.replies, StartsWith("+OK\r\n+QUEUED\r\n-ERR ")) << words[0];
    EXPECT_THAT(outcome.replies, EndsWith("errors: nothing was published\r\n")) << words[0];
    EXPECT_THAT(outcome.calls, IsEmpty()) << words[0];
  }
}

// What follows is read as ever: PUBLISH is looked ahead to, in batches.
TEST(RespNames, ThatAreWrongLeaveTheCommandsAroundThemAlone) {
  for (const Words& words : commands_with_a_bad_name()) {
    const auto outcome =
        resp(command({"PUBLISH", "a", "1"}) + command(words) + command({"PUBLISH", "b", "2"}));
    EXPECT_THAT(outcome.replies, StartsWith(":1\r\n-ERR ")) << words[0];
    EXPECT_THAT(outcome.replies, EndsWith("\r\n:1\r\n")) << words[0];
    EXPECT_EQ(outcome.calls.size(), 2U) << words[0];
  }
}

// A command that is added must be added above, too, or here. (EVALSHA is EVAL.)
TEST(RespNames, AreTakenByNoOtherCommand) {
  std::vector<std::string> names;
  for (const Words& words : commands_with_a_bad_name()) names.push_back(words[0]);
  for (const char* name : {"EVALSHA", "MULTI", "EXEC",    "DISCARD", "SCRIPT", "PING",    "ECHO",
                           "HELLO",   "AUTH",  "COMMAND", "CLIENT",  "CONFIG", "CLUSTER", "SELECT",
                           "WAIT",    "WATCH", "UNWATCH", "INFO",    "RESET",  "QUIT"}) {
    names.emplace_back(name);
  }
  std::string listed = resp(command({"COMMAND", "LIST"})).replies;
  for (const std::string& name : names) {
    const std::string entry = bulk(name);
    if (const auto at = listed.find(entry); at != std::string::npos) listed.erase(at, entry.size());
  }
  EXPECT_EQ(listed, "*29\r\n");
}

}  // namespace
}  // namespace fanfare::ingest_test
