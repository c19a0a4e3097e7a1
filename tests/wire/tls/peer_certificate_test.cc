#include "broker/wire/tls/peer_certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/wire/tls/authority.h"

namespace fanfare::tls {
namespace {

using testing::ElementsAre;

PeerCertificate shown(const Request& request) {
  const Issued issued = Authority("CA").issue(request);
  return read_peer_certificate(issued.certificate.get());
}

TEST(PeerCertificate, IsCalledByItsAlternativeNamesOfEachKind) {
  const PeerCertificate peer =
      shown({.subject = "orders",
             .names = "DNS:Orders.Test,URI:spiffe://a/Orders,email:o@a.test,IP:1.2.3.4"});
  EXPECT_EQ(peer.subject, "CN = orders");
  EXPECT_THAT(peer.names, ElementsAre("orders.test", "spiffe://a/Orders", "o@a.test"));
  EXPECT_TRUE(peer.is_called("orders.test"));
  EXPECT_FALSE(peer.is_called("orders")) << "the subject counts only if there is nothing else";
  EXPECT_FALSE(peer.is_called("orders.tes"));
}

TEST(PeerCertificate, IsCalledByItsCommonNameOtherwise) {
  const PeerCertificate peer = shown({.subject = "orders"});
  EXPECT_THAT(peer.names, ElementsAre("orders"));
  EXPECT_TRUE(peer.is_called("orders"));
  EXPECT_TRUE(peer.is_called("*"));
}

// As a C string it would read "orders".
TEST(PeerCertificate, IsNotCalledByWhatStandsBeforeANul) {
  const Issued issued = Authority("CA").issue({.subject = std::string("orders\0x", 8)});
  const PeerCertificate peer = read_peer_certificate(issued.certificate.get());
  EXPECT_FALSE(peer.is_called("orders"));
  EXPECT_TRUE(peer.is_called(std::string_view("orders\0x", 8)));
}

TEST(PeerCertificate, SaysUntilWhenItCounts) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const PeerCertificate peer = shown({.ends_in_days = 2});
  EXPECT_GT(peer.expires, now + std::chrono::hours(47));
  EXPECT_LE(peer.expires, now + std::chrono::hours(49));
}

}  // namespace
}  // namespace fanfare::tls
