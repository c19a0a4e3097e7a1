#include "broker/client/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfare::client {
namespace {

using testing::HasSubstr;

TEST(Endpoint, UnderstandsHostAndPort) {
  const auto endpoint = Endpoint::parse("http://localhost:8080/events?channel=a");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->host, "localhost");
  EXPECT_EQ(endpoint->port, 8080);
  EXPECT_EQ(endpoint->target, "/events?channel=a");
  EXPECT_EQ(endpoint->name(), "localhost:8080");
}

TEST(Endpoint, NeedsNoScheme) {
  const auto endpoint = Endpoint::parse("127.0.0.1:9180");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->name(), "127.0.0.1:9180");
  EXPECT_EQ(endpoint->target, "");
}

TEST(Endpoint, TakesPort80WhenNoneIsGiven) {
  const auto endpoint = Endpoint::parse("http://example.org");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->port, 80);
}

TEST(Endpoint, UnderstandsAQueryWithoutAPath) {
  const auto endpoint = Endpoint::parse("http://example.org?channel=a");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->target, "/?channel=a");
}

TEST(Endpoint, UnderstandsBracketedAddresses) {
  const auto endpoint = Endpoint::parse("http://[::1]:8080/x");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->host, "::1");
  EXPECT_EQ(endpoint->name(), "[::1]:8080");
}

TEST(Endpoint, UnderstandsUnixSockets) {
  for (const char* text : {"/run/x.sock", "unix:/run/x.sock"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->unix_path, "/run/x.sock");
    EXPECT_EQ(endpoint->name(), "/run/x.sock");
  }
}

TEST(Endpoint, SaysWhatIsWrongAndWhatWouldBeRight) {
  const auto problem = [](const char* text) {
    const auto endpoint = Endpoint::parse(text);
    EXPECT_FALSE(endpoint) << text;
    if (endpoint) return std::string();
    EXPECT_EQ(endpoint.error().fault, Fault::address);
    EXPECT_THAT(endpoint.error().message, HasSubstr("http://127.0.0.1:8080"));
    return endpoint.error().message;
  };
  EXPECT_THAT(problem(""), HasSubstr("there is no host"));
  EXPECT_THAT(problem("http://:80"), HasSubstr("there is no host"));
  EXPECT_THAT(problem("localhost:"), HasSubstr("the port is missing"));
  EXPECT_THAT(problem("localhost:0"), HasSubstr("1 to 65535"));
  EXPECT_THAT(problem("localhost:65536"), HasSubstr("1 to 65535"));
  EXPECT_THAT(problem("localhost:8080x"), HasSubstr("1 to 65535"));
  EXPECT_THAT(problem("[::1"), HasSubstr("bracket"));
  EXPECT_THAT(problem("[::1]80"), HasSubstr("begins with ':'"));
  EXPECT_THAT(problem("https://example.org"), HasSubstr("TLS"));
  EXPECT_THAT(problem("my host:80"), HasSubstr("no spaces"));
  EXPECT_THAT(problem("ftp://localhost/x"), HasSubstr("only http:// is supported"));
  EXPECT_THAT(problem("htp://localhost:8080"), HasSubstr("only http:// is supported"));
  EXPECT_THAT(problem("8080"), HasSubstr("a number alone is not a host"));
  EXPECT_THAT(problem("::1"), HasSubstr("[::1]:8080"));
  EXPECT_THAT(problem("http://me:secret@localhost:80"), HasSubstr("what follows the @"));
}

TEST(PercentEncode, KeepsWhatChannelNamesAndPatternsAreMadeOf) {
  EXPECT_EQ(percent_encode("metrics/**"), "metrics/**");
  EXPECT_EQ(percent_encode("a.b_c~d:e@f-1"), "a.b_c~d:e@f-1");
  EXPECT_EQ(percent_encode("a b&c=d+e%\xc3\xa9"), "a%20b%26c%3Dd%2Be%25%C3%A9");
}

}  // namespace
}  // namespace fanfare::client
