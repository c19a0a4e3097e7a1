// Hooks of a whole broker: what an application is posted when channels become occupied and vacant.
#include "broker/server/lead/hooks.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "broker/policy/digest.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using testing::Application;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::route_rule;
using testing::SmallBroker;
using ::testing::StartsWith;

constexpr std::string_view kTaken = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kReset = R"("events":[{"name":"reset"}]})";

Options with_hook(std::string_view url = "unix:/app.sock:/hooks?x=1") {
  Options options;
  HookRule hook;
  hook.url = url;
  hook.channels = {"room/**"};
  options.hooks.push_back(hook);
  return options;
}

// A broker whose first post, the reset, was taken on the application's first connection.
class Hooked {
 public:
  explicit Hooked(const Options& options = with_hook()) : broker(options) {
    application = &broker.application();
    broker.pass(300ms);
    first = application->take(0);
    application->say(0, kTaken);
    broker.pass(300ms);
  }
  std::string take() {
    broker.pass(300ms);
    return application->take(application->connections() - 1);
  }
  void say(std::string_view answer) {
    application->say(application->connections() - 1, answer);
    broker.pass(300ms);
  }

  SmallBroker broker;
  Application* application = nullptr;
  std::string first;
};

TEST(Hooks, BeginWithAResetThatSaysAllChannelsAreVacant) {
  Hooked hooked;
  EXPECT_THAT(hooked.first,
              AllOf(StartsWith("POST /hooks?x=1 HTTP/1.1\r\nHost: localhost\r\n"),
                    HasSubstr("Content-Type: application/json\r\n"),
                    HasSubstr("Fanfare-Timestamp: "), Not(HasSubstr("Fanfare-Signature")),
                    HasSubstr("\"id\":\"ep0ch00-h1.1\",\"time_ms\":"), EndsWith(kReset)));
  EXPECT_EQ(hooked.broker.counters().hook_posts_total, 1U);
  EXPECT_EQ(hooked.broker.counters().hook_events_total, 1U);
  EXPECT_EQ(hooked.take(), "") << "nothing more, as long as nothing happens";
}

TEST(Hooks, TellOfAChannelsFirstSubscriberAndOfItsLast) {
  Hooked hooked;
  Peer& ann = hooked.broker.get("/events?channel=room/7&channel=hall");
  EXPECT_THAT(hooked.take(),
              EndsWith(R"("events":[{"name":"channel_occupied","channel":"room/7"}]})"));
  hooked.say(kTaken);
  Peer& bob = hooked.broker.get("/events?channel=room/7");
  ann.hang_up();
  hooked.broker.pass(5s);
  EXPECT_EQ(hooked.take(), "") << "bob is there";
  bob.hang_up();
  hooked.broker.pass(1s);
  EXPECT_EQ(hooked.take(), "") << "perhaps the page is loaded anew";
  hooked.broker.pass(2s);
  EXPECT_THAT(hooked.take(),
              EndsWith(R"("events":[{"name":"channel_vacant","channel":"room/7"}]})"));
}

TEST(Hooks, DoNotCountSubscribersByPattern) {
  Hooked hooked;
  hooked.broker.get("/events?channel=room/*");
  hooked.broker.get("/events?channel=**");
  EXPECT_EQ(hooked.take(), "");
}

TEST(Hooks, SignWhatTheyPostWithItsTime) {
  Options options = with_hook("http://127.0.0.1:3000");
  options.hooks[0].secret = "s3cret";
  Hooked hooked(options);
  const std::string& post = hooked.first;
  EXPECT_THAT(post, StartsWith("POST / HTTP/1.1\r\nHost: 127.0.0.1:3000\r\n"));
  const auto value = [&post](std::string_view name) {
    const std::size_t at = post.find(name);
    return at == std::string::npos
               ? std::string()
               : post.substr(at + name.size(), post.find('\r', at) - at - name.size());
  };
  const std::string signed_text =
      value("Fanfare-Timestamp: ") + "." + post.substr(post.find("\r\n\r\n") + 4);
  EXPECT_EQ(value("Fanfare-Signature: "),
            "sha256=" + policy::hex_of(policy::hmac_sha256("s3cret", signed_text)));
}

TEST(Hooks, RepeatWhatWasNotTaken) {
  Hooked hooked;
  hooked.broker.get("/events?channel=room/7");
  const std::string post = hooked.take();
  hooked.say("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(hooked.application->take(0), "") << "not at once";
  hooked.broker.pass(1s);
  const std::string again = hooked.take();
  const auto body = [](const std::string& text) { return text.substr(text.find("\r\n\r\n")); };
  EXPECT_EQ(body(again), body(post)) << "with the same id";
  hooked.say(kTaken);
  EXPECT_EQ(hooked.broker.counters().hook_retries_total, 1U);
  EXPECT_EQ(hooked.broker.counters().hook_events_given_up_total, 0U);
}

TEST(Hooks, DoNotWaitForAnAnswerLongerThanTheirTimeout) {
  Hooked hooked;
  hooked.broker.get("/events?channel=room/7");
  EXPECT_NE(hooked.take(), "");
  hooked.broker.pass(5s);
  EXPECT_EQ(hooked.broker.counters().hook_retries_total, 1U);
  EXPECT_EQ(hooked.application->open(), 0U) << "HTTP/1.1 has no other way to give up";
  hooked.broker.pass(1s);
  EXPECT_THAT(hooked.take(), HasSubstr("room/7"));
  EXPECT_EQ(hooked.application->connections(), 2U);
}

TEST(Hooks, ThatAreDownAreGivenUpAndBeginAnewOnceTheyAnswer) {
  Options options = with_hook();
  options.hooks[0].retries = 2;
  Hooked hooked(options);
  hooked.broker.get("/events?channel=room/7");
  hooked.application->stop();
  hooked.broker.pass(20s);
  EXPECT_GE(hooked.broker.counters().hook_events_given_up_total, 1U);
  hooked.broker.get("/events?channel=room/8");
  hooked.application->start();
  hooked.broker.pass(1min);
  EXPECT_THAT(hooked.take(),
              AllOf(HasSubstr(R"([{"name":"reset"},)"), HasSubstr("room/7"), HasSubstr("room/8")));
  hooked.say(kTaken);
  EXPECT_EQ(hooked.broker.reported().hook_channels_waiting, 0U);
}

TEST(Hooks, ThatDoNotAnswerTakeNoConnectionFromRoutesThatAsk) {
  Options options = with_hook();
  options.limits.upstream_connections = 1;
  route_rule(options, "/chat").upstream = "unix:/app.sock";
  SmallBroker broker(options);
  Application& application = broker.application();
  broker.pass(300ms);
  ASSERT_EQ(application.connections(), 1U) << "the hook's, which is not answered";
  Peer& peer = broker.subscriber();
  peer.say("GET /chat HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass();
  ASSERT_EQ(application.connections(), 2U);
  EXPECT_THAT(application.take(1), StartsWith("GET /chat"));
  application.say(1, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
  broker.pass();
  EXPECT_THAT(peer.take(), HasSubstr("404 No"));
  EXPECT_EQ(broker.counters().upstream_requests_total, 1U);
}

TEST(Hooks, KeepWhatTheyKnowWhenTheConfigurationIsReadAgain) {
  Hooked hooked;
  hooked.broker.get("/events?channel=room/7");
  hooked.take();
  hooked.say(kTaken);
  Options more = with_hook();
  HookRule another = more.hooks[0];
  another.url = "unix:/other.sock";
  more.hooks.push_back(another);
  hooked.broker.post(SettingsMessage{std::make_shared<const Options>(more)});
  hooked.broker.pass(300ms);
  const std::string news = hooked.take();
  EXPECT_THAT(news, AllOf(StartsWith("POST / "), HasSubstr(R"({"name":"reset"},{"name":)"),
                          HasSubstr("room/7")))
      << "the new one is told all";
  hooked.say(kTaken);
  EXPECT_EQ(hooked.broker.counters().hook_resets_total, 2U);
  hooked.broker.post(SettingsMessage{std::make_shared<const Options>()});
  hooked.broker.pass(300ms);
  hooked.broker.get("/events?channel=room/9");
  EXPECT_EQ(hooked.take(), "") << "there are none any more";
  EXPECT_EQ(hooked.broker.reported().hook_channels_waiting, 0U);
}

TEST(Hooks, ThatDoNotAnswerDoNotHoldUpTheEnd) {
  Options options = with_hook();
  options.limits.drain = 1s;
  options.hooks[0].timeout = 1min;
  SmallBroker broker(options);
  broker.application();
  broker.pass(300ms);
  broker.drain();
  broker.pass(4s);
  EXPECT_TRUE(broker.finished());
}

}  // namespace
}  // namespace fanfare::server
