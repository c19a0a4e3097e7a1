#include "broker/config/syntax.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fanfare::config {
namespace {

using testing::HasSubstr;

TEST(Syntax, TakesAddressesOfThisMachine) {
  for (const char* right :
       {"127.0.0.1:8080", "0.0.0.0:0", "[::]:80", "[::1]:65535", "localhost:1"}) {
    EXPECT_EQ(listen_address_problem(right), "") << right;
  }
}

TEST(Syntax, ExplainsAddressesThatAreNone) {
  EXPECT_THAT(listen_address_problem(""), HasSubstr("has no port"));
  EXPECT_THAT(listen_address_problem("127.0.0.1"), HasSubstr("has no port"));
  EXPECT_THAT(listen_address_problem("[::1]"), HasSubstr("has no port"));
  EXPECT_THAT(listen_address_problem("127.0.0.1:"), HasSubstr("0 to 65535"));
  EXPECT_THAT(listen_address_problem("127.0.0.1:65536"), HasSubstr("0 to 65535"));
  EXPECT_THAT(listen_address_problem("127.0.0.1:-1"), HasSubstr("0 to 65535"));
  EXPECT_THAT(listen_address_problem(":8080"), HasSubstr("[::]:8080"));
  EXPECT_THAT(listen_address_problem("*:8080"), HasSubstr("0.0.0.0:8080"));
  EXPECT_THAT(listen_address_problem("::1:8080"), HasSubstr("without brackets"));
  EXPECT_THAT(listen_address_problem("[::g]:80"), HasSubstr("not an IPv6 address"));
  EXPECT_THAT(listen_address_problem("example.com:80"), HasSubstr("not looked up"));
  EXPECT_THAT(listen_address_problem("300.1.1.1:80"), HasSubstr("not an IP address"));
}

TEST(Syntax, TakesSocketPathsThatCanBeBound) {
  EXPECT_EQ(socket_path_problem(""), "");
  EXPECT_EQ(socket_path_problem("/run/fanfare/ingest.sock"), "");
  EXPECT_EQ(socket_path_problem(std::string(107, 'x')), "");
  EXPECT_THAT(socket_path_problem(std::string(108, 'x')), HasSubstr("107 bytes"));
  EXPECT_THAT(socket_path_problem("@name"), HasSubstr("no permissions"));
  EXPECT_THAT(socket_path_problem("/run/fanfare/"), HasSubstr("is a folder"));
  EXPECT_THAT(socket_path_problem(std::string("a\0b", 3)), HasSubstr("NUL"));
}

TEST(Syntax, TakesPathsWithoutAQuery) {
  EXPECT_EQ(route_path_problem("/prices"), "");
  EXPECT_EQ(route_path_problem("/v1/prices.eur~x@y"), "");
  EXPECT_THAT(route_path_problem("/a#b"), HasSubstr("characters"));
  EXPECT_THAT(route_path_problem("/a b"), HasSubstr("characters"));
  EXPECT_THAT(route_path_problem("/" + std::string(2000, 'a')), HasSubstr("1024"));
}

TEST(Syntax, TakesEventNamesOfOneVisibleWord) {
  EXPECT_EQ(event_name_problem("", 8), "");
  EXPECT_EQ(event_name_problem("gap", 8), "");
  EXPECT_THAT(event_name_problem("a\nb", 8), HasSubstr("visible"));
  EXPECT_THAT(event_name_problem("\xc3\xa9", 8), HasSubstr("visible"));
  EXPECT_THAT(event_name_problem("open", 8), HasSubstr("own event"));
  EXPECT_THAT(event_name_problem("123456789", 8), HasSubstr("longer"));
}

}  // namespace
}  // namespace fanfare::config
