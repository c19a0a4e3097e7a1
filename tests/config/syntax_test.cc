#include "broker/config/syntax.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fanfare::config {
namespace {

using testing::HasSubstr;

// The text between the last two quotes of a sentence.
std::string proposed_in(const std::string& sentence) {
  const std::size_t end = sentence.rfind('"');
  const std::size_t begin = sentence.rfind('"', end - 1) + 1;
  return end == std::string::npos ? std::string() : sentence.substr(begin, end - begin);
}

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

TEST(Syntax, TakesUnixSocketsForSubscribers) {
  for (const char* right : {"127.0.0.1:8080", "unix:/run/fanfare/http.sock", "unix:/x"}) {
    EXPECT_EQ(subscriber_address_problem(right), "") << right;
  }
  const std::initializer_list<std::pair<const char*, const char*>> cases = {
      {"/run/http.sock", "unix:/run/http.sock"},
      {"unix:///run/http.sock", "unix:/run/http.sock"},
      {"unix:http.sock", "unix:/run/fanfare/http.sock"},
      {"unix:../x/http.sock", "unix:/run/fanfare/http.sock"},
      {"unix:", "unix:/run/fanfare/http.sock"},
      {"unix:x/", "unix:/run/fanfare/http.sock"},
      {"unix:@name", "unix:/run/fanfare/@name"}};
  for (const auto& [wrong, right] : cases) {
    EXPECT_EQ(proposed_in(subscriber_address_problem(wrong)), right) << wrong;
    EXPECT_EQ(subscriber_address_problem(right), "");
  }
  EXPECT_THAT(subscriber_address_problem("unix:/run/"), HasSubstr("is a directory"));
  EXPECT_THAT(subscriber_address_problem("unix:/" + std::string(107, 'x')), HasSubstr("107 bytes"));
  EXPECT_THAT(subscriber_address_problem("http://127.0.0.1:1/x"), HasSubstr("is a URL"));
}

TEST(Syntax, TakesSocketPathsThatCanBeBound) {
  EXPECT_EQ(socket_path_problem(""), "");
  EXPECT_EQ(socket_path_problem("/run/fanfare/ingest.sock"), "");
  EXPECT_EQ(socket_path_problem("/" + std::string(106, 'x')), "");
  EXPECT_THAT(socket_path_problem("/" + std::string(107, 'x')), HasSubstr("107 bytes"));
  EXPECT_THAT(socket_path_problem("@name"), HasSubstr("no permissions"));
  EXPECT_THAT(socket_path_problem("/run/fanfare/"), HasSubstr("is a directory"));
  EXPECT_THAT(socket_path_problem(std::string("a\0b", 3)), HasSubstr("NUL"));
}

// A URL was called an IPv6 address without brackets.
TEST(Syntax, ProposesAnAddressThatIsThenAccepted) {
  EXPECT_EQ(listen_address_problem("http://127.0.0.1:8080"),
            "\"http://127.0.0.1:8080\" is a URL; write the address alone, \"127.0.0.1:8080\"");
  const std::initializer_list<std::pair<const char*, const char*>> cases = {
      {"http://127.0.0.1:8080/events", "127.0.0.1:8080"},
      {"https://[::1]:8443", "[::1]:8443"},
      {"http://localhost", "localhost:8080"},
      {"http://example.com:80", "127.0.0.1:8080"},
      {"tcp://0.0.0.0:80", "0.0.0.0:80"},
      {"127.0.0.1:8080/", "127.0.0.1:8080"},
      {" 127.0.0.1:8080", "127.0.0.1:8080"},
      {"127.0.0.1:8080 ", "127.0.0.1:8080"},
      {"8080", "127.0.0.1:8080"},
      {"10.0.0.1", "10.0.0.1:8080"},
      {"[::1]", "[::1]:8080"},
      {"::1", "[::1]:8080"},
      {"::1:8080", "[::1]:8080"},
      {"fe80::1:9000", "[fe80::1]:9000"},
      {"fe80::1", "[fe80::1]:8080"},
      {"1:2:3:4:5:6:7:8:9000", "[1:2:3:4:5:6:7:8]:9000"}};
  for (const auto& [wrong, right] : cases) {
    EXPECT_EQ(proposed_in(listen_address_problem(wrong)), right) << wrong;
    EXPECT_EQ(listen_address_problem(right), "");
  }
  for (const char* path : {"/run/fanfare.sock", "unix:/run/x.sock", "@name"}) {
    EXPECT_THAT(listen_address_problem(path), HasSubstr("listen.ingest")) << path;
  }
}

// Both made a socket of that name in the folder where the broker was started.
TEST(Syntax, TakesNoAddressAndNoRelativePathForASocket) {
  for (const char* address : {"127.0.0.1:9999", "localhost:80", "[::1]:80", ":9999", "9999",
                              "http://127.0.0.1:80/x", "tcp://a:1"}) {
    EXPECT_THAT(socket_path_problem(address), HasSubstr("is an address; applications publish"));
    EXPECT_EQ(socket_path_problem(proposed_in(socket_path_problem(address))), "");
  }
  for (const char* path : {"rel.sock", "./rel.sock", "../run/rel.sock", "~/rel.sock"}) {
    EXPECT_EQ(proposed_in(socket_path_problem(path)), "/run/fanfare/rel.sock") << path;
  }
  EXPECT_EQ(proposed_in(socket_path_problem("unix:///run/x.sock")), "/run/x.sock");
  EXPECT_EQ(proposed_in(socket_path_problem("unix:/run/x.sock")), "/run/x.sock");
  EXPECT_EQ(proposed_in(socket_path_problem("unix:x")), "/run/fanfare/ingest.sock");
}

TEST(Syntax, ProposesThePathOfARoute) {
  EXPECT_EQ(proposed_in(route_path_problem("prices")), "/prices");
  EXPECT_EQ(proposed_in(route_path_problem("http://x/v1/p")), "/v1/p");
  EXPECT_EQ(proposed_in(route_path_problem("")), "/prices");
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
