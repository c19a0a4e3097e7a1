#include "broker/io/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fanfare::io {
namespace {

std::string again(std::string_view text) {
  const auto address = parse_address(text);
  return address ? format_address(*address) : address.error().message;
}

TEST(Address, ReadsWhatItWrites) {
  for (const char* text : {"127.0.0.1:8080", "0.0.0.0:0", "[::1]:8080", "[2001:db8::1]:65535"}) {
    EXPECT_EQ(again(text), text);
  }
}

TEST(Address, KnowsNamesAndEveryAddress) {
  EXPECT_THAT(again("localhost:80"), testing::AnyOf("127.0.0.1:80", "[::1]:80"));
  EXPECT_THAT(again(":80"), testing::AnyOf("0.0.0.0:80", "[::]:80"));
}

TEST(Address, ShowsIpv4InsideIpv6AsIpv4) {
  EXPECT_EQ(again("[::ffff:192.0.2.1]:443"), "192.0.2.1:443");
  EXPECT_EQ(format_host(parse_address("[::ffff:192.0.2.1]:443").value()), "192.0.2.1");
  EXPECT_EQ(format_host(parse_address("[2001:db8::1]:443").value()), "2001:db8::1");
}

TEST(Address, ShowsAUnixSocketAsSuch) {
  EXPECT_EQ(format_address({}), "unix");
  EXPECT_EQ(format_host({}), "unix");
}

TEST(Address, SaysWhatIsWrongWithAText) {
  EXPECT_EQ(again("127.0.0.1"), "\"127.0.0.1\" has no port: write it as \"127.0.0.1:8080\"");
  EXPECT_EQ(again(""), "\"\" has no port: write it as \"127.0.0.1:8080\"");
  EXPECT_EQ(again("1.2.3.4:http"), "\"http\" in \"1.2.3.4:http\" is not a port: 0 to 65535");
  EXPECT_EQ(again("1.2.3.4:65536"), "\"65536\" in \"1.2.3.4:65536\" is not a port: 0 to 65535");
  EXPECT_EQ(again("1.2.3.4:"), "\"\" in \"1.2.3.4:\" is not a port: 0 to 65535");
  EXPECT_EQ(again("::1:80"), "\"::1:80\" is ambiguous: write IPv6 in brackets, as \"[::1]:8080\"");
  EXPECT_EQ(again("[::1:80"), "\"[::1:80\" has only one bracket: write IPv6 as \"[::1]:8080\"");
  EXPECT_THAT(
      again("no.such.host.invalid:80"),
      testing::HasSubstr("\"no.such.host.invalid\" is neither an address nor a known name"));
}

}  // namespace
}  // namespace fanfare::io
