// What stands before a publisher that has shown a certificate: until when, and for whom.
#include "broker/server/requests/publisher_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "tests/wire/ingest/recording_sink.h"

namespace fanfare::server {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(1'000'000)};

Options with(std::vector<PublishClientRule> clients) {
  Options options;
  options.publish.clients = std::move(clients);
  return options;
}

class PublisherDoorTest : public ::testing::Test {
 protected:
  PublisherDoorTest() { tokens_.tell_date(kNow); }

  void replace(Options options) {
    settings_.replace(std::make_shared<const Options>(std::move(options)));
  }
  static Certificate certificate(std::string name, std::chrono::seconds lasts = 1h) {
    return std::make_shared<const tls::PeerCertificate>(
        tls::PeerCertificate{.subject = "CN = " + name, .names = {name}, .expires = kNow + lasts});
  }
  std::string refusal_of(std::string_view channel) {
    const auto published = door_.sink().publish({.channel = channel, .data = "d"});
    return published ? "" : published.error().message;
  }

  Settings settings_{
      std::make_shared<const Options>(with({{.names = {"orders"}, .channels = {"orders/*"}}}))};
  Counters counters_;
  PublisherTokens tokens_{settings_, counters_};
  ingest_test::RecordingSink behind_;
  PublisherDoor door_{tokens_, behind_, "192.0.2.1:1", certificate("orders")};
};

TEST_F(PublisherDoorTest, IsOpenToACertificateUntilThatExpires) {
  EXPECT_TRUE(door_.open());
  EXPECT_EQ(refusal_of("orders/7"), "");
  EXPECT_EQ(refusal_of("other"), "the certificate does not grant the channel \"other\"");
  tokens_.tell_date(kNow + 1h - 1s);
  EXPECT_TRUE(door_.open());
  tokens_.tell_date(kNow + 1h);
  EXPECT_FALSE(door_.open());
  EXPECT_THAT(door_.refusal().message, StartsWith("the certificate has expired: "));
  EXPECT_EQ(counters_.publish_certificates_total, 1U) << "it is looked up once";
}

TEST_F(PublisherDoorTest, OpensAndShutsAsTheEntriesSay) {
  EXPECT_TRUE(door_.open());
  replace(with({{.names = {"stock"}, .channels = {"**"}}}));
  EXPECT_FALSE(door_.open());
  EXPECT_THAT(door_.refusal().message, HasSubstr("[[publish.client]]"));
  EXPECT_NE(refusal_of("orders/7"), "") << "what it granted is gone";
  replace(with({{.names = {"*"}, .channels = {"all"}}}));
  EXPECT_TRUE(door_.open());
  EXPECT_EQ(refusal_of("all"), "");
  EXPECT_NE(refusal_of("orders/7"), "");
}

TEST_F(PublisherDoorTest, StaysShutAfterABadTokenUntilItIsForgotten) {
  EXPECT_TRUE(door_.open());
  EXPECT_TRUE(door_.present("guess"));
  EXPECT_FALSE(door_.open());
  EXPECT_NE(refusal_of("orders/7"), "");
  door_.shut();
  EXPECT_TRUE(door_.open());
  EXPECT_EQ(refusal_of("orders/7"), "");
}

// Requests over HTTP go through one door, one publisher's after another's.
TEST_F(PublisherDoorTest, GrantsTheNextPublisherNothingOfTheLast) {
  EXPECT_TRUE(door_.open());
  for (const Certificate& next : {Certificate(), certificate("stock"), certificate("orders", 0s)}) {
    door_.stand_before("192.0.2.2:2", next);
    door_.shut();
    EXPECT_FALSE(door_.open());
  }
  door_.stand_before("192.0.2.2:2", certificate("orders"));
  door_.shut();
  EXPECT_TRUE(door_.open());
}

}  // namespace
}  // namespace fanfare::server
