// Whose request it is: nobody is believed who is not trusted, and what is trusted is read rightly.
#include "broker/policy/client_address.h"

#include <gtest/gtest.h>

namespace fanfare::policy {
namespace {

Hop hop(std::string_view address, std::uint16_t port = 0) {
  return {.address = IpAddress::parse(address), .port = port};
}

TrustedFronts trusted(std::vector<std::string> entries) {
  for (const std::string& entry : entries) EXPECT_EQ(front_problem(entry), "") << entry;
  return TrustedFronts(entries);
}

std::string client(std::string_view peer, std::vector<std::string_view> values,
                   ForwardedField field = ForwardedField::x_forwarded_for,
                   std::vector<std::string> fronts = {"10.0.0.0/8", "2001:db8:f::/48"}) {
  const Hop found = client_of(hop(peer), values, field, TrustedFronts(fronts));
  if (!found.address) return "none";
  return found.address->text() + (found.port == 0 ? "" : ":" + std::to_string(found.port));
}

std::string forwarded(std::vector<std::string_view> values) {
  return client("10.0.0.1", std::move(values), ForwardedField::forwarded);
}

TEST(ClientAddress, NobodyIsBelievedWhoIsNoFront) {
  EXPECT_EQ(client("203.0.113.7", {"192.0.2.1"}), "203.0.113.7");
  EXPECT_EQ(client("10.0.0.1", {"192.0.2.1"}, ForwardedField::x_forwarded_for, {}), "10.0.0.1");
  EXPECT_EQ(client("203.0.113.7", {"for=192.0.2.1"}, ForwardedField::forwarded), "203.0.113.7");
}

// A client may send the field itself: the front adds to it, at the end.
TEST(ClientAddress, WhatTheClientWroteItselfCountsForNothing) {
  EXPECT_EQ(client("10.0.0.1", {"127.0.0.1, 192.0.2.9"}), "192.0.2.9");
  EXPECT_EQ(client("10.0.0.1", {"10.0.0.5, 192.0.2.9"}), "192.0.2.9");
  EXPECT_EQ(forwarded({"for=10.0.0.5", "for=192.0.2.9"}), "192.0.2.9");
}

TEST(ClientAddress, FrontsBehindFrontsAreWalkedThrough) {
  EXPECT_EQ(client("10.0.0.1", {"192.0.2.9, 10.1.1.1, 10.2.2.2"}), "192.0.2.9");
  EXPECT_EQ(client("10.0.0.1", {"192.0.2.9, 198.51.100.1, 10.2.2.2"}), "198.51.100.1");
  EXPECT_EQ(client("10.0.0.1", {"10.1.1.1, 10.2.2.2"}), "10.1.1.1") << "all of them are fronts";
}

TEST(ClientAddress, SeveralFieldsAreOneList) {
  EXPECT_EQ(client("10.0.0.1", {"192.0.2.9", "10.1.1.1"}), "192.0.2.9");
  EXPECT_EQ(client("10.0.0.1", {"192.0.2.9", "198.51.100.1 ,", "\t10.1.1.1 "}), "198.51.100.1");
  EXPECT_EQ(client("10.0.0.1", {}), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", {"", " , ,"}), "10.0.0.1");
}

TEST(ClientAddress, WhatIsNoAddressEndsTheWalkAtTheLastFront) {
  for (const std::string_view garbage :
       {"unknown", "_hidden", "unix:", "192.0.2.1.5", "192.0.2.1:x", "192.0.2.1:70000", "[::1",
        "[192.0.2.1]", "[2001:db8::1]4711", "2001:db8::1%eth0", "\"192.0.2.1\"", "192.0.2.1 x",
        "1234", "0x7f.0.0.1", "192.0.2.01"}) {
    const std::string list = "203.0.113.1, " + std::string(garbage) + ", 10.3.3.3";
    EXPECT_EQ(client("10.0.0.1", {list}), "10.3.3.3") << garbage;
  }
}

TEST(ClientAddress, PortsAndBracketsAreUnderstood) {
  EXPECT_EQ(client("10.0.0.1", {"192.0.2.1:4711"}), "192.0.2.1:4711");
  EXPECT_EQ(client("10.0.0.1", {"2001:db8::1"}), "2001:db8::1");
  EXPECT_EQ(client("10.0.0.1", {"[2001:db8::1]"}), "2001:db8::1");
  EXPECT_EQ(client("10.0.0.1", {"[2001:db8::1]:4711"}), "2001:db8::1:4711");
  EXPECT_EQ(client("10.0.0.1", {"::ffff:192.0.2.1"}), "192.0.2.1");
}

// RFC 7239 §4 and §6, with its own examples.
TEST(ClientAddress, ForwardedIsReadAsItsGrammarSays) {
  EXPECT_EQ(forwarded({"for=192.0.2.43"}), "192.0.2.43");
  EXPECT_EQ(forwarded({"For=\"[2001:db8:cafe::17]:4711\""}), "2001:db8:cafe::17:4711");
  EXPECT_EQ(forwarded({"for=192.0.2.60;proto=http;by=203.0.113.43"}), "192.0.2.60");
  EXPECT_EQ(forwarded({"proto=http ; FOR=192.0.2.60"}), "192.0.2.60");
  EXPECT_EQ(forwarded({"for=192.0.2.43, for=198.51.100.17"}), "198.51.100.17");
  EXPECT_EQ(forwarded({"for=192.0.2.43, for=\"10.4.4.4\""}), "192.0.2.43");
  EXPECT_EQ(forwarded({"for=192.0.2.43;ext=\"a,b;c\\\"d\", for=10.4.4.4"}), "192.0.2.43");
  EXPECT_EQ(forwarded({"for=\"192.0.2.43:_port\""}), "192.0.2.43");
}

TEST(ClientAddress, AForwardedThatSaysNoAddressEndsTheWalk) {
  for (const std::string_view garbage :
       {"for=unknown", "for=\"_gazonk\"", "by=192.0.2.1", "for=", "for",
        "for=192.0.2.1;for=192.0.2.2", "for=\"192.0.2.1", "for=192.0.2.1\"", "for=\"192.0.2.1\\",
        "192.0.2.1", "for=[2001:db8::1]x"}) {
    EXPECT_EQ(forwarded({garbage}), "10.0.0.1") << garbage;
  }
  EXPECT_EQ(forwarded({"for=192.0.2.1, for=\"10.1.1.1, for=10.2.2.2"}), "10.0.0.1")
      << "a quote without an end takes what follows with it";
}

TEST(TrustedFronts, AreAddressesNetworksAndWords) {
  const TrustedFronts fronts = trusted({"192.0.2.1", "10.0.0.0/8", "2001:db8::/32"});
  EXPECT_TRUE(fronts.contains(hop("192.0.2.1")));
  EXPECT_FALSE(fronts.contains(hop("192.0.2.2")));
  EXPECT_TRUE(fronts.contains(hop("10.255.0.1")));
  EXPECT_FALSE(fronts.contains(hop("11.0.0.1")));
  EXPECT_TRUE(fronts.contains(hop("::ffff:10.1.2.3"))) << "the same address";
  EXPECT_TRUE(fronts.contains(hop("2001:db8:ffff::1")));
  EXPECT_FALSE(fronts.contains(hop("2001:db9::1")));
  EXPECT_FALSE(fronts.contains(Hop{})) << "behind a Unix socket";
  EXPECT_TRUE(trusted({"unix:"}).contains(Hop{}));
  EXPECT_TRUE(trusted({"loopback"}).contains(hop("127.0.0.5")));
  EXPECT_TRUE(trusted({"loopback"}).contains(hop("::1")));
  EXPECT_FALSE(trusted({"loopback"}).contains(hop("10.0.0.1")));
  EXPECT_TRUE(trusted({"private"}).contains(hop("172.31.0.1")));
  EXPECT_TRUE(trusted({"private"}).contains(hop("fd00::1")));
  EXPECT_FALSE(trusted({"private"}).contains(hop("172.32.0.1")));
  EXPECT_TRUE(trusted({"0.0.0.0/0"}).contains(hop("8.8.8.8")));
  EXPECT_FALSE(trusted({"0.0.0.0/0"}).contains(hop("2001:db8::1")));
  EXPECT_TRUE(TrustedFronts().empty());
  EXPECT_FALSE(trusted({"unix:"}).empty());
}

TEST(TrustedFronts, SayWhatIsWrongWithAnEntry) {
  for (const std::string_view entry : {"", "nginx", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/",
                                       "2001:db8::/129", "10.0.0.0/8x", "unix", "[::1]", "*"}) {
    EXPECT_NE(front_problem(entry), "") << entry;
  }
  EXPECT_EQ(front_problem("nginx"),
            "\"nginx\" is neither an address nor a network; write \"192.0.2.1\", \"10.0.0.0/8\" or "
            "\"2001:db8::/32\"; \"loopback\", \"private\" and \"unix:\" stand for such peers");
}

}  // namespace
}  // namespace fanfare::policy
