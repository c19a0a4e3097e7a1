// What Redis libraries say when they connect, to the byte, and that each of them goes on: RESP2 and
// RESP3, passwords, names, questions about a server that this is not.
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
using ::testing::StartsWith;

Outcome resp(std::string_view input) {
  return converse_in_every_split(Dialect::resp, input);
}
std::string reply(const std::vector<std::string>& words) {
  return resp(command(words)).replies;
}
// What the last of these is answered.
std::string last_reply(const std::vector<std::vector<std::string>>& commands) {
  std::string before;
  for (std::size_t i = 0; i + 1 < commands.size(); ++i) before += command(commands[i]);
  const std::size_t size = resp(before).replies.size();
  return resp(before + command(commands.back())).replies.substr(size);
}

std::string greeting(int protocol) {
  return fmt::format(
      "{}\r\n$6\r\nserver\r\n$7\r\nfanfare\r\n$7\r\nversion\r\n$5\r\n1.2.3\r\n$5\r\nproto\r\n:{}"
      "\r\n"
      "$2\r\nid\r\n:7\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
      "$7\r\nmodules\r\n*0\r\n",
      protocol == 3 ? "%7" : "*14", protocol);
}

constexpr std::string_view kOk = "+OK\r\n";

// ---- HELLO

TEST(RespHello, GreetsInTheProtocolThatIsAskedFor) {
  EXPECT_EQ(reply({"HELLO"}), greeting(2));
  EXPECT_EQ(reply({"HELLO", "2"}), greeting(2));
  EXPECT_EQ(reply({"HELLO", "3"}), greeting(3));
  EXPECT_EQ(last_reply({{"HELLO", "3"}, {"HELLO"}}), greeting(3)) << "without one nothing changes";
  EXPECT_EQ(last_reply({{"HELLO", "3"}, {"HELLO", "2"}}), greeting(2));
  EXPECT_EQ(last_reply({{"HELLO", "3"}, {"RESET"}, {"HELLO"}}), greeting(2)) << "as in Redis";
}

TEST(RespHello, RefusesAVersionItDoesNotSpeakAndChangesNothing) {
  for (const char* version : {"1", "4", "30", "0", "-3"}) {
    EXPECT_EQ(reply({"HELLO", version}),
              "-NOPROTO unsupported protocol version: this broker speaks RESP2 (HELLO 2) and RESP3 "
              "(HELLO 3)\r\n");
  }
  for (const char* version : {"", "three", "3.0", "3 ", "99999999999999999999"}) {
    EXPECT_THAT(reply({"HELLO", version}),
                StartsWith("-ERR Protocol version is not an integer or out of range"));
  }
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"HELLO", "4"},
                                             {"HELLO", "2", "SETNAME"},
                                             {"HELLO", "2", "AUTH", "default"},
                                             {"HELLO", "2", "SETNAME", "x", "NAME", "y"},
                                             {"HELLO", "2", "AUTH", "me", "secret"},
                                             {"HELLO", "2", "SETNAME", "two words"}}) {
    EXPECT_THAT(last_reply({wrong}), StartsWith("-"));
    EXPECT_EQ(last_reply({{"HELLO", "3", "SETNAME", "me"}, wrong, {"CLIENT", "INFO"}}),
              "=24\r\ntxt:id=7 name=me resp=3\n\r\n");
  }
}

TEST(RespHello, SaysWhichOptionIsWrong) {
  EXPECT_EQ(reply({"HELLO", "3", "SETNAME"}),
            "-ERR syntax error in HELLO option 'SETNAME': HELLO [2 | 3 [AUTH user password] "
            "[SETNAME name]]\r\n");
  EXPECT_THAT(reply({"HELLO", "3", "NAME", "x"}), StartsWith("-ERR syntax error in HELLO option "));
}

TEST(RespHello, TakesAPasswordAsARedisWithoutOne) {
  EXPECT_EQ(reply({"HELLO", "3", "AUTH", "default", "secret"}), greeting(3));
  EXPECT_EQ(reply({"HELLO", "3", "AUTH", "default", "", "SETNAME", "me"}), greeting(3));
  EXPECT_EQ(reply({"HELLO", "3", "setname", "me", "auth", "default", "x"}), greeting(3));
  EXPECT_EQ(reply({"AUTH", "default", "secret"}), kOk);
  for (const std::string& refused :
       {reply({"HELLO", "3", "AUTH", "me", "secret"}), reply({"AUTH", "me", "secret"})}) {
    EXPECT_EQ(refused,
              "-WRONGPASS invalid username-password pair or user is disabled. The only user is "
              "'default', without a password: access is controlled by "
              "the permissions of the socket file and by [listen] ingest_users\r\n");
  }
  EXPECT_THAT(reply({"AUTH", "secret"}),
              StartsWith("-ERR AUTH <password> called without any password configured for the "
                         "default user. Are you sure your configuration is correct?"));
}

// ---- what differs in RESP3

TEST(RespThree, SpellsWhatDiffersInItsOwnWay) {
  const auto three = [](const std::vector<std::string>& words) {
    return last_reply({{"HELLO", "3"}, words});
  };
  EXPECT_EQ(three({"XADD", "c", "NOMKSTREAM", "*", "data", "1"}), "_\r\n");
  EXPECT_EQ(three({"CLIENT", "GETNAME"}), "_\r\n");
  EXPECT_EQ(three({"COMMAND", "INFO", "nosuch"}), "*1\r\n_\r\n");
  EXPECT_EQ(three({"COMMAND", "DOCS"}), "%0\r\n");
  EXPECT_EQ(three({"COMMAND", "INFO", "ping"}),
            "*1\r\n*6\r\n$4\r\nping\r\n:-1\r\n~0\r\n:0\r\n:0\r\n:0\r\n");
  EXPECT_EQ(three({"CONFIG", "GET", "save"}), "%1\r\n$4\r\nsave\r\n$0\r\n\r\n");
  EXPECT_EQ(three({"CONFIG", "GET", "nosuch"}), "%0\r\n");
  EXPECT_EQ(three({"INFO"}), "=46\r\ntxt:# Fanfare\r\nversion:1.2.3\r\nevents_total:0\r\n\r\n");
  EXPECT_EQ(three({"CLIENT", "INFO"}), "=22\r\ntxt:id=7 name= resp=3\n\r\n");
  EXPECT_EQ(three({"CLIENT", "LIST"}), "=22\r\ntxt:id=7 name= resp=3\n\r\n");
}

TEST(RespThree, IsRespTwoInEverythingElse) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"PUBLISH", "c", "x"},
                                             {"PUBLISH", "closed", "x"},
                                             {"XADD", "c", "*", "data", "x"},
                                             {"XLEN", "c"},
                                             {"EXISTS", "c"},
                                             {"DEL", "c"},
                                             {"SSE.FINISH", "c"},
                                             {"PUBSUB", "CHANNELS"},
                                             {"PUBSUB", "NUMSUB", "ab"},
                                             {"PUBSUB", "NUMPAT"},
                                             {"PING"},
                                             {"PING", "x"},
                                             {"ECHO", "x"},
                                             {"MULTI"},
                                             {"EXEC"},
                                             {"SCRIPT", "EXISTS", "00"},
                                             {"WAIT", "1", "0"},
                                             {"CLIENT", "ID"},
                                             {"SELECT", "0"},
                                             {"SELECT", "1"},
                                             {"COMMAND", "COUNT"},
                                             {"COMMAND", "LIST"},
                                             {"SUBSCRIBE", "c"},
                                             {"NOSUCH"}}) {
    EXPECT_EQ(last_reply({{"HELLO", "3"}, words}), reply(words)) << words[0];
  }
  EXPECT_THAT(last_reply({{"HELLO", "3"}, {"MULTI"}, {"PUBLISH", "abc", "x"}, {"EXEC"}}),
              EndsWith("*1\r\n:3\r\n"));
}

// ---- the connections of libraries, with their defaults

struct Opening {
  const char* library;
  std::vector<std::vector<std::string>> commands;
  std::vector<std::string> replies;  // whole, or how they begin
};

class RespOpening : public ::testing::TestWithParam<Opening> {};

TEST_P(RespOpening, IsAnsweredSoThatTheLibraryGoesOn) {
  const auto& [library, commands, replies] = GetParam();
  ASSERT_EQ(commands.size(), replies.size());
  std::vector<std::vector<std::string>> said;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    said.push_back(commands[i]);
    EXPECT_THAT(last_reply(said), StartsWith(replies[i])) << library << ": " << commands[i][0];
  }
  said.push_back({"PUBLISH", "news", "x"});
  EXPECT_EQ(last_reply(said), ":4\r\n") << library;
}

const std::string kThree = greeting(3);
const std::string kUnknown = "-ERR unknown subcommand";

const Opening kOpenings[] = {
    {"redis-py 8",
     {{"HELLO", "3"},
      {"CLIENT", "MAINT_NOTIFICATIONS", "ON", "moving-endpoint-type", "none"},
      {"CLIENT", "SETINFO", "LIB-NAME", "redis-py"},
      {"CLIENT", "SETINFO", "LIB-VER", "8.0.0"}},
     {kThree, kUnknown, "+OK", "+OK"}},
    {"redis-py 5, with a name and a password of before",
     {{"AUTH", "default", "secret"},
      {"CLIENT", "SETNAME", "worker-1"},
      {"CLIENT", "SETINFO", "LIB-NAME", "redis-py"},
      {"CLIENT", "SETINFO", "LIB-VER", "5.0.1"},
      {"SELECT", "0"}},
     {"+OK", "+OK", "+OK", "+OK", "+OK"}},
    {"node-redis 6",
     {{"HELLO", "3"},
      {"CLIENT", "SETINFO", "LIB-VER", "6.3.1"},
      {"CLIENT", "SETINFO", "LIB-NAME", "node-redis"},
      {"CLIENT", "MAINT_NOTIFICATIONS", "ON", "moving-endpoint-type", "external-ip"}},
     {kThree, "+OK", "+OK", kUnknown}},
    {"ioredis 6",
     {{"hello", "3"},
      {"client", "SETINFO", "LIB-VER", "6.0.0"},
      {"client", "SETINFO", "LIB-NAME", "ioredis"},
      {"info"}},
     {kThree, "+OK", "+OK", "="}},
    {"ioredis 5",
     {{"client", "SETINFO", "LIB-VER", "5.9.0"},
      {"client", "SETINFO", "LIB-NAME", "ioredis"},
      {"info"}},
     {"+OK", "+OK", "$"}},
    {"go-redis 9",
     {{"hello", "3"},
      {"client", "maint_notifications", "on", "moving-endpoint-type", "none"},
      {"client", "setinfo", "LIB-NAME", "go-redis(,go1.24)"},
      {"client", "setinfo", "LIB-VER", "9.17.0"}},
     {kThree, kUnknown, "+OK", "+OK"}},
    {"go-redis 9, with a name",
     {{"hello", "3", "setname", "api"}, {"client", "setinfo", "LIB-NAME", "go-redis"}},
     {kThree, "+OK"}},
    // Jedis goes on after an error only if it says UNKNOWN, in any case.
    {"Jedis 7",
     {{"HELLO", "3", "AUTH", "default", "secret", "SETNAME", "app"},
      {"CLIENT", "SETINFO", "lib-name", "jedis"},
      {"CLIENT", "SETINFO", "lib-ver", "7.0.0"},
      {"CLIENT", "MAINT_NOTIFICATIONS", "ON"}},
     {kThree, "+OK", "+OK", kUnknown}},
    {"Lettuce 6 and 7",
     {{"HELLO", "3"},
      {"CLIENT", "SETINFO", "lib-name", "Lettuce"},
      {"CLIENT", "SETINFO", "lib-ver", "7.0.0.RELEASE/abcdef"},
      {"CLIENT", "MAINT_NOTIFICATIONS", "on", "moving-endpoint-type", "none"}},
     {kThree, "+OK", "+OK", kUnknown}},
    {"redis-client of Ruby, redis-rb 5", {{"HELLO", "3"}}, {kThree}},
    {"redis-rb 4", {{"client", "setname", "x"}, {"select", "0"}}, {"+OK", "+OK"}},
    {"phpredis 6 and predis",
     {{"AUTH", "default", "secret"}, {"SELECT", "0"}, {"CLIENT", "SETNAME", "php"}},
     {"+OK", "+OK", "+OK"}},
    {"StackExchange.Redis 2",
     {{"CLIENT", "SETNAME", "host(SE.Redis-v2.8.0)"},
      {"CLIENT", "SETINFO", "lib-name", "SE.Redis"},
      {"CLIENT", "SETINFO", "lib-ver", "2.8.0"},
      {"CLIENT", "ID"},
      {"CONFIG", "GET", "slave-read-only"},
      {"CONFIG", "GET", "databases"},
      {"CONFIG", "GET", "timeout"},
      {"INFO", "replication"},
      {"INFO", "server"},
      {"CLUSTER", "NODES"},
      {"GET", "__Booksleeve_TieBreak"},
      {"ECHO", "\x01\xff\x10"},
      {"SUBSCRIBE", "__Booksleeve_MasterChanged"},
      {"PING"}},
     {"+OK", "+OK", "+OK", ":7", "*2\r\n$15\r\nslave-read-only\r\n$2\r\nno\r\n",
      "*2\r\n$9\r\ndatabases\r\n$1\r\n1\r\n", "*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n", "$", "$",
      "-ERR This instance has cluster support disabled",
      "-ERR GET is not supported: ", "$3\r\n\x01\xff\x10\r\n",
      "-ERR SUBSCRIBE is not supported: subscribers connect over HTTP: GET /events", "+PONG"}},
    {"StackExchange.Redis 3",
     {{"HELLO", "3", "SETNAME", "host(SE.Redis-v3.0.0)"},
      {"CLIENT", "SETINFO", "lib-name", "SE.Redis"},
      {"CLIENT", "ID"},
      {"CONFIG", "GET", "databases"},
      {"INFO", "replication"},
      {"SENTINEL", "MASTERS"},
      {"SUBSCRIBE", "__Booksleeve_MasterChanged"},
      {"PING"}},
     {kThree, "+OK", ":7", "%1\r\n$9\r\ndatabases\r\n$1\r\n1\r\n", "=",
      "-ERR SENTINEL is not supported: ", "-ERR SUBSCRIBE ", "+PONG"}},
    {"redis-cli -3", {{"HELLO", "3"}, {"COMMAND", "DOCS"}}, {kThree, "%0"}},
    {"a client that wants to cache",
     {{"HELLO", "3"},
      {"CLIENT", "TRACKING", "ON"},
      {"CLIENT", "NO-EVICT", "ON"},
      {"CLIENT", "NO-TOUCH", "ON"}},
     {kThree, "-ERR CLIENT TRACKING is not supported", "+OK", "+OK"}},
};
INSTANTIATE_TEST_SUITE_P(Libraries, RespOpening, ::testing::ValuesIn(kOpenings));

// The same in one write, cut anywhere: libraries pipeline it.
TEST(RespOpening, MayComeInOneWrite) {
  for (const Opening& opening : kOpenings) {
    std::string input;
    for (const auto& words : opening.commands) input += command(words);
    EXPECT_THAT(resp(input + command({"PUBLISH", "news", "x"})).replies, EndsWith(":4\r\n"))
        << opening.library;
  }
}

// ---- what else is asked unasked

TEST(RespQuestions, AreAnsweredOrRefusedWithWhatToDo) {
  EXPECT_EQ(reply({"CONFIG", "GET", "save", "appendonly"}),
            "*4\r\n$10\r\nappendonly\r\n$2\r\nno\r\n$4\r\nsave\r\n$0\r\n\r\n");
  EXPECT_THAT(reply({"CONFIG", "GET", "*"}), StartsWith("*12\r\n"));
  EXPECT_THAT(reply({"CONFIG", "GET", "DATABASES"}), StartsWith("*2\r\n"));
  EXPECT_THAT(reply({"CONFIG", "SET", "a", "b"}), HasSubstr("broker.toml"));
  EXPECT_EQ(reply({"COMMAND", "INFO", "nosuch"}), "*1\r\n$-1\r\n");
  EXPECT_EQ(reply({"CLIENT", "REPLY", "ON"}), kOk);
  EXPECT_THAT(reply({"CLIENT", "REPLY", "OFF"}), HasSubstr("every command gets a reply"));
  EXPECT_EQ(reply({"CLIENT", "TRACKING", "OFF"}), kOk);
  EXPECT_THAT(reply({"CLIENT", "SETNAME", "two words"}), StartsWith("-ERR Client names cannot"));
  EXPECT_EQ(reply({"WAIT", "1", "100"}), ":0\r\n");
  EXPECT_EQ(last_reply({{"PUBLISH", "a", "x"}, {"EXISTS", "a", "b", "a"}}), ":2\r\n");
  for (const char* name : {"SPUBLISH", "PSUBSCRIBE", "SSUBSCRIBE", "TIME", "DBSIZE", "MONITOR",
                           "FCALL", "FUNCTION", "EVAL_RO", "FLUSHDB", "READONLY", "SENTINEL"}) {
    EXPECT_THAT(reply({name, "x"}), HasSubstr(" is not supported: "));
  }
}

}  // namespace
}  // namespace fanfare::ingest_test
