// The gate of the admin listener: which requests pass, and what they show for it.
#include "broker/server/requests/operator_gate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "broker/policy/digest.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;

TEST(OperatorGate, TakesThePasswordOfAnyUserOutOfBasicCredentials) {
  EXPECT_EQ(basic_password("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), "open sesame");
  EXPECT_EQ(basic_password("basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ"), "open sesame");
  EXPECT_EQ(basic_password("Basic Og=="), "");
  EXPECT_EQ(basic_password("Basic OmE6Yg=="), "a:b");
  EXPECT_EQ(basic_password("Basic QWxhZGRpbg=="), std::nullopt) << "no colon";
  EXPECT_EQ(basic_password("Basic Q*xh"), std::nullopt);
  EXPECT_EQ(basic_password("Bearer abc"), std::nullopt);
  EXPECT_EQ(basic_password(""), std::nullopt);
}

class Pages final : public AdminSurface {
 public:
  AdminAnswer answer(std::string_view, const Snapshot&) override {
    return {.content_type = "text/plain", .body = "a page"};
  }
  AdminAnswer list_connections(const ConnectionListing&) override {
    return {.content_type = "application/json", .body = "rows"};
  }
  std::string live_event(const Snapshot&) override { return {}; }
};

class Admin : public ::testing::Test {
 protected:
  explicit Admin(const Options& options) : broker_(options, &surface_) {}
  std::string status(std::string_view path, std::string_view fields = {},
                     std::string_view method = "GET") {
    Peer& peer = broker_.operators();
    peer.say(fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", method, path, fields));
    broker_.pass();
    said_ = peer.take();
    peer.hang_up();
    broker_.pass();
    return said_.size() < 12 ? said_ : said_.substr(9, 3);
  }

  Pages surface_;
  SmallBroker broker_;
  std::string said_;
};

class WithAToken : public Admin {
 protected:
  WithAToken() : Admin(options()) {}
  static Options options() {
    Options options;
    options.admin_token = policy::sha256("0123456789abcdef");
    return options;
  }
};

TEST_F(WithAToken, NothingButTheProbesIsOpen) {
  for (const std::string_view path : {"/healthz", "/readyz"})
    EXPECT_EQ(status(path), "200") << path;
  for (const std::string_view path :
       {"/", "/metrics", "/events", "/connections", "/api/connections", "/healthz/", "/nothing"}) {
    EXPECT_EQ(status(path), "401") << path;
    EXPECT_THAT(said_, AllOf(HasSubstr("WWW-Authenticate: Bearer"),
                             HasSubstr("WWW-Authenticate: Basic realm="),
                             HasSubstr("[listen] admin_token_file"), Not(HasSubstr("a page"))));
  }
  EXPECT_EQ(status("/api/close?address=1.2.3.4", "", "POST"), "401");
  EXPECT_EQ(broker_.reported().admin_refused_total, 8U);
}

TEST_F(WithAToken, ItOpensEverythingAsABearerTokenAndAsAPassword) {
  constexpr std::string_view kBearer = "Authorization: Bearer 0123456789abcdef\r\n";
  constexpr std::string_view kBasic = "Authorization: Basic YTowMTIzNDU2Nzg5YWJjZGVm\r\n";
  for (const std::string_view shown : {kBearer, kBasic}) {
    for (const std::string_view path : {"/", "/metrics", "/events", "/api/connections"}) {
      EXPECT_EQ(status(path, shown), "200") << path;
    }
    EXPECT_EQ(status("/api/close?address=1.2.3.4", shown, "POST"), "200");
  }
  EXPECT_EQ(broker_.reported().admin_refused_total, 0U);
}

TEST_F(WithAToken, NothingElseDoes) {
  for (const std::string_view field :
       {"Bearer", "Bearer ", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0",
        "Bearer 0123456789abcdeF", "Basic MDEyMzQ1Njc4OWFiY2RlZg==", "Digest 0123456789abcdef",
        "0123456789abcdef"}) {
    EXPECT_EQ(status("/metrics", fmt::format("Authorization: {}\r\n", field)), "401") << field;
  }
  EXPECT_EQ(status("/metrics?token=0123456789abcdef"), "401");
}

class ElsewhereWithoutOne : public Admin {
 protected:
  ElsewhereWithoutOne() : Admin(options()) {}
  static Options options() {
    Options options;
    options.listen.admin = "0.0.0.0:9180";
    return options;
  }
};

// Probes, Prometheus and live pages of brokers that are there must go on.
TEST_F(ElsewhereWithoutOne, WhatWasOpenStaysSoAndWhoIsConnectedIsNotShown) {
  for (const std::string_view path : {"/", "/metrics", "/healthz", "/events"}) {
    EXPECT_EQ(status(path), "200") << path;
  }
  EXPECT_EQ(status("/api/connections"), "403");
  EXPECT_THAT(said_, HasSubstr("set [listen] admin_token_file"));
  EXPECT_EQ(status("/api/channels"), "403");
  EXPECT_EQ(status("/api/close?address=1.2.3.4", "", "POST"), "403");
}

// ---- events are for those who show the token

TEST_F(WithAToken, AChannelIsWatchedAndATestEventPublished) {
  constexpr std::string_view kBearer = "Authorization: Bearer 0123456789abcdef\r\n";
  EXPECT_EQ(status("/api/publish?channel=room/7&event=try&data=hello", kBearer, "POST"), "200");
  EXPECT_THAT(said_, HasSubstr(R"({"id":"ep0ch00-1","receivers":0})"));
  EXPECT_EQ(status("/api/watch?channel=room/*&replay=5", kBearer), "200");
  EXPECT_THAT(said_, HasSubstr("event: try\ndata: hello\nid: ep0ch00-1\n"));
  EXPECT_EQ(status("/api/publish?channel=a%20b&data=x", kBearer, "POST"), "400");
  EXPECT_EQ(status("/api/publish?chanel=a", kBearer, "POST"), "400");
  EXPECT_THAT(said_, HasSubstr("unknown parameter"));
  EXPECT_EQ(status("/api/watch", kBearer), "400");
  EXPECT_EQ(status("/api/watch?channel=a%20b", kBearer), "400");
  EXPECT_EQ(status("/api/publish?channel=a&data=x", kBearer), "405");
  EXPECT_EQ(broker_.reported().subscribers, 0U) << "an operator is no subscriber";
}

class OnLoopback : public Admin {
 protected:
  OnLoopback() : Admin(Options{}) {}
};

// Every user of the machine could have read every channel, and published without the socket's
// group.
TEST_F(OnLoopback, WithoutATokenNobodyReadsOrPublishesEvents) {
  EXPECT_EQ(status("/api/connections"), "200");
  EXPECT_EQ(status("/api/watch?channel=a"), "403");
  EXPECT_THAT(said_, HasSubstr("set [listen] admin_token_file"));
  EXPECT_EQ(status("/api/publish?channel=a&data=x", "", "POST"), "403");
}

}  // namespace
}  // namespace fanfare::server
