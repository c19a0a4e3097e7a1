#include "broker/client/publisher.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "tests/client/scripted_server.h"

namespace fanfare::client {
namespace {

using testing::HasSubstr;

class PublisherTest : public testing::Test {
 protected:
  PublisherTest() {
    std::string folder = (std::filesystem::temp_directory_path() / "fanfare-XXXXXX").string();
    folder_ = mkdtemp(folder.data());
  }
  ~PublisherTest() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return (folder_ / "ingest.sock").string(); }
  static TimePoint soon() { return monotonic_now() + 10s; }

  std::filesystem::path folder_;
};

TEST_F(PublisherTest, WritesOneLineAnEventAndReadsItsId) {
  std::string line;
  const ScriptedServer server(path(), [&](int, ServedConnection& served) {
    line = served.read_line();
    served.write("{\"ok\":true,\"id\":\"k3v9q2x-7\"}\n");
  });
  auto publisher = Publisher::connect(path(), soon());
  ASSERT_TRUE(publisher);
  ASSERT_TRUE(publisher->publish({.channel = "news",
                                  .data = "a\n\"b\"\\\x01\t\r\xc3\xa9",
                                  .event = "tick",
                                  .retry_ms = 5,
                                  .key = "oven 3",
                                  .idempotency_key = "k1"},
                                 soon()));
  EXPECT_EQ(publisher->outstanding(), 1U);
  const auto reply = publisher->next_reply(soon());
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->ids, std::vector<std::string>{"k3v9q2x-7"});
  EXPECT_EQ(reply->refusal, "");
  EXPECT_EQ(publisher->outstanding(), 0U);
  EXPECT_EQ(line,
            "{\"channel\":\"news\",\"event\":\"tick\",\"retry\":5,\"key\":\"oven 3\",\"id\":\"k1\","
            "\"data\":\"a\\n\\\"b\\\"\\\\\\u0001\\t\\r\xc3\xa9\"}\n");
}

TEST_F(PublisherTest, GoesOnAfterARefusal) {
  const ScriptedServer server(path(), [&](int, ServedConnection& served) {
    served.read_line();
    served.read_line();
    served.write("{\"error\":\"the channel name is empty\",\"line\":1}\n{\"id\":\"e-2\"}\n");
    served.read_all();
  });
  auto publisher = Publisher::connect(path(), soon());
  ASSERT_TRUE(publisher);
  ASSERT_TRUE(publisher->publish({.channel = "", .data = "x"}, soon()));
  ASSERT_TRUE(publisher->publish({.channel = "c", .data = "x"}, soon()));
  EXPECT_EQ(publisher->next_reply(soon())->refusal, "the channel name is empty");
  EXPECT_EQ(publisher->next_reply(soon())->ids, std::vector<std::string>{"e-2"});
}

TEST_F(PublisherTest, ReadsTheIdsOfAListAndWhatWasPublishedBefore) {
  const ScriptedServer server(path(), [&](int, ServedConnection& served) {
    served.read_line();
    served.write("{\"ok\":true,\"ids\":[\"e-1\",\"e-2\"]}\n");
    served.read_line();
    served.write("{\"ok\":true,\"id\":\"e-1\",\"duplicate\":true}\n");
    served.read_all();
  });
  auto publisher = Publisher::connect(path(), soon());
  ASSERT_TRUE(publisher);
  ASSERT_TRUE(publisher->publish_line(R"({"channel":["a","b"],"data":""})", soon()));
  const auto list = publisher->next_reply(soon());
  EXPECT_EQ(list->ids, (std::vector<std::string>{"e-1", "e-2"}));
  EXPECT_FALSE(list->duplicate);
  ASSERT_TRUE(publisher->publish({.channel = "a", .data = "", .idempotency_key = "k"}, soon()));
  const auto repeat = publisher->next_reply(soon());
  EXPECT_EQ(repeat->ids, std::vector<std::string>{"e-1"});
  EXPECT_TRUE(repeat->duplicate);
}

TEST_F(PublisherTest, FillsThePipelineInBothDirectionsAtOnce) {
  // More than every kernel buffer on the way: a client that only wrote would wait for ever.
  constexpr int kLines = 20'000;
  const std::string filler(400, 'x');
  const ScriptedServer server(path(), [&](int, ServedConnection& served) {
    for (int i = 0; i < kLines; ++i) {
      if (served.read_line().empty()) return;
      served.write(fmt::format("{{\"id\":\"e-{}\",\"filler\":\"{}\"}}\n", i, filler));
    }
  });
  auto publisher = Publisher::connect(path(), soon());
  ASSERT_TRUE(publisher);
  for (int i = 0; i < kLines; ++i) {
    ASSERT_TRUE(publisher->publish({.channel = "c", .data = filler}, monotonic_now() + 60s));
  }
  for (int i = 0; i < kLines; ++i) {
    const auto reply = publisher->next_reply(monotonic_now() + 60s);
    ASSERT_TRUE(reply) << reply.error().message;
    ASSERT_EQ(reply->ids, std::vector{fmt::format("e-{}", i)});
  }
}

TEST_F(PublisherTest, FinishesAChannel) {
  std::string line;
  const ScriptedServer server(path(), [&](int, ServedConnection& served) {
    line = served.read_line();
    served.write("{\"ok\":true}\n");
  });
  auto publisher = Publisher::connect(path(), soon());
  ASSERT_TRUE(publisher);
  ASSERT_TRUE(publisher->finish("news", soon()));
  const auto reply = publisher->next_reply(soon());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->refusal, "");
  EXPECT_EQ(line, "{\"op\":\"finish\",\"channel\":\"news\"}\n");
}

TEST_F(PublisherTest, SaysHowMuchWasNotAnswered) {
  const ScriptedServer server(path(), [&](int, ServedConnection& served) {
    served.read_line();
    served.read_line();
    served.read_line();
    served.write("{\"id\":\"e-1\"}\n{\"id\":");
  });
  auto publisher = Publisher::connect(path(), soon());
  ASSERT_TRUE(publisher);
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(publisher->publish({.channel = "c", .data = "x"}, soon()));
  ASSERT_TRUE(publisher->next_reply(soon()));
  const auto reply = publisher->next_reply(soon());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().fault, Fault::connection);
  EXPECT_THAT(reply.error().message, HasSubstr("2 lines"));
}

TEST_F(PublisherTest, TakesSomethingElseThanJsonForARefusal) {
  const ScriptedServer server(path(), [&](int, ServedConnection& served) {
    served.read_line();
    served.write("-ERR what is this\n");
  });
  auto publisher = Publisher::connect(path(), soon());
  ASSERT_TRUE(publisher);
  ASSERT_TRUE(publisher->publish({.channel = "c", .data = "x"}, soon()));
  EXPECT_THAT(publisher->next_reply(soon())->refusal, HasSubstr("-ERR what is this"));
}

TEST_F(PublisherTest, IsNamedThePathThatNobodyListensOn) {
  const auto publisher = Publisher::connect(path(), soon());
  ASSERT_FALSE(publisher);
  EXPECT_EQ(publisher.error().fault, Fault::connection);
  EXPECT_THAT(publisher.error().message, HasSubstr(path()));
}

TEST_F(PublisherTest, RefusesAPathTooLongForTheKernel) {
  const auto publisher = Publisher::connect("/" + std::string(200, 'x'), soon());
  ASSERT_FALSE(publisher);
  EXPECT_EQ(publisher.error().fault, Fault::address);
}

TEST_F(PublisherTest, EndsItsWaitWhenStopped) {
  Stop stop;
  const ScriptedServer server(path(), [&](int, ServedConnection& served) {
    served.read_line();
    stop.raise();
    served.read_all();
  });
  auto publisher = Publisher::connect(path(), soon(), &stop);
  ASSERT_TRUE(publisher);
  ASSERT_TRUE(publisher->publish({.channel = "c", .data = "x"}, soon()));
  const auto reply = publisher->next_reply(soon());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().fault, Fault::stopped);
}

TEST_F(PublisherTest, EndsItsWaitAtTheDeadline) {
  const ScriptedServer server(path(), [&](int, ServedConnection& served) { served.read_all(); });
  auto publisher = Publisher::connect(path(), soon());
  ASSERT_TRUE(publisher);
  ASSERT_TRUE(publisher->publish({.channel = "c", .data = "x"}, soon()));
  const auto reply = publisher->next_reply(monotonic_now() + 20ms);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().fault, Fault::timeout);
}

}  // namespace
}  // namespace fanfare::client
