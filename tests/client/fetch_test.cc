#include "broker/client/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/scripted_server.h"

namespace fanfare::client {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TimePoint soon() {
  return monotonic_now() + 20s;
}

TEST(Fetch, GivesTheWholeAnswer) {
  std::string head;
  const ScriptedServer server([&](int, ServedConnection& served) {
    head = served.read_head();
    served.write(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const char* piece : {"3\r\nfoo\r\n", "3\r\nbar\r\n", "0\r\n\r\n"}) served.write(piece);
    served.read_all();
  });
  const auto answer = fetch(server.address(), "/metrics", soon());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->content_type, "text/plain");
  EXPECT_EQ(answer->body, "foobar");
  EXPECT_THAT(head, StartsWith("GET /metrics HTTP/1.1\r\n"));
}

TEST(Fetch, TakesTheEndOfTheConnectionForTheEndOfTheBody) {
  const ScriptedServer server([&](int, ServedConnection& served) {
    served.read_head();
    served.write("HTTP/1.0 404 Not Found\r\n\r\nno such page");
  });
  const auto answer = fetch(server.address(), "/", soon());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->body, "no such page");
}

TEST(Fetch, DoesNotAcceptHalfAnAnswer) {
  const ScriptedServer server([&](int, ServedConnection& served) {
    served.read_head();
    served.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  });
  const auto answer = fetch(server.address(), "/", soon());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().fault, Fault::connection);
}

TEST(Fetch, RefusesWhatIsNotHttp) {
  const ScriptedServer server([&](int, ServedConnection& served) {
    served.read_head();
    served.write("SSH-2.0-OpenSSH\r\n\r\n");
  });
  const auto answer = fetch(server.address(), "/", soon());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().fault, Fault::protocol);
  EXPECT_THAT(answer.error().message, HasSubstr("did not answer with HTTP"));
}

TEST(Fetch, EndsAtTheDeadline) {
  const ScriptedServer server([&](int, ServedConnection& served) { served.read_all(); });
  const auto answer = fetch(server.address(), "/", monotonic_now() + 20ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().fault, Fault::timeout);
}

}  // namespace
}  // namespace fanfare::client
