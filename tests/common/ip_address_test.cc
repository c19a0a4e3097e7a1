#include "common/ip_address.h"

#include <gtest/gtest.h>

namespace fanfare {
namespace {

TEST(IpAddress, TheTwoSpellingsOfAnIpv4AddressAreTheSame) {
  const auto address = IpAddress::parse("192.0.2.1");
  ASSERT_TRUE(address);
  EXPECT_EQ(address, IpAddress::parse("::ffff:192.0.2.1"));
  EXPECT_EQ(address, IpAddress::parse("::FFFF:c000:0201"));
  EXPECT_TRUE(address->is_v4());
  EXPECT_EQ(address->text(), "192.0.2.1");
  EXPECT_EQ(IpAddress::parse("2001:DB8::0:1")->text(), "2001:db8::1");
  EXPECT_FALSE(IpAddress::parse("::192.0.2.1")->is_v4()) << "deprecated, and another address";
}

TEST(IpAddress, NothingElseIsOne) {
  using std::string_view_literals::operator""sv;
  for (const std::string_view text :
       {""sv, " 192.0.2.1"sv, "192.0.2.1 "sv, "192.0.2"sv, "192.0.2.256"sv, "192.0.2.1:80"sv,
        "[::1]"sv, "::1%lo"sv, "localhost"sv, "0300.0.2.1"sv, "1:2:3:4:5:6:7:8:9"sv,
        "192.0.2.1\0x"sv, "1111:1111:1111:1111:1111:1111:111.111.111.1111111"sv}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(IpAddress, APrefixIsItsFirstBits) {
  const IpAddress address = *IpAddress::parse("2001:db8:1234:5678:9abc::1");
  EXPECT_EQ(address.prefix(64).text(), "2001:db8:1234:5678::");
  EXPECT_EQ(address.prefix(61).text(), "2001:db8:1234:5678::");
  EXPECT_EQ(address.prefix(60).text(), "2001:db8:1234:5670::");
  EXPECT_EQ(address.prefix(128), address);
  EXPECT_EQ(address.prefix(0), IpAddress{});
}

TEST(IpNetwork, ContainsWhatBeginsAlike) {
  const auto network = IpNetwork::parse("192.0.2.128/25");
  ASSERT_TRUE(network);
  EXPECT_TRUE(network->contains(*IpAddress::parse("192.0.2.255")));
  EXPECT_FALSE(network->contains(*IpAddress::parse("192.0.2.127")));
  EXPECT_EQ(network, IpNetwork::parse("::ffff:192.0.2.128/121"));
  EXPECT_TRUE(IpNetwork::parse("::/0")->contains(*IpAddress::parse("192.0.2.1")));
}

TEST(IpNetwork, SaysWhatWouldBeRight) {
  EXPECT_EQ(IpNetwork::parse("10.0.0.0/33").error(),
            "\"10.0.0.0/33\": the length of a prefix is a number from 0 to 32");
  EXPECT_EQ(IpNetwork::parse("10.1.2.3/8").error(),
            "\"10.1.2.3/8\" has bits behind its prefix; write \"10.0.0.0/8\" for the network, or "
            "the address alone");
  EXPECT_EQ(IpNetwork::parse("front.example").error(),
            "\"front.example\" is neither an address nor a network; write \"192.0.2.1\", "
            "\"10.0.0.0/8\" or \"2001:db8::/32\"");
}

}  // namespace
}  // namespace fanfare
