#include "broker/policy/origin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace fanfare::policy {
namespace {

using testing::HasSubstr;

TEST(Origin, OfAnEntryIsComparedToTheByte) {
  EXPECT_TRUE(origin_matches("https://a.example", "https://a.example"));
  EXPECT_TRUE(origin_matches("null", "null"));
  for (const char* origin : {"https://A.example", "https://a.example:443", "https://a.example.",
                             "http://a.example", "https://b.a.example", "https://a.exampl", ""}) {
    EXPECT_FALSE(origin_matches("https://a.example", origin)) << origin;
  }
}

TEST(Origin, WildcardMeansNamesBelowAtAnyDepth) {
  for (const char* origin :
       {"https://a.example.com", "https://a.b.example.com", "https://x-1_y.example.com",
        "https://xn--bcher-kva.example.com", "https://example.com.example.com"}) {
    EXPECT_TRUE(origin_matches("https://*.example.com", origin)) << origin;
  }
}

// Each of these was let in by somebody's wildcard somewhere.
TEST(Origin, WildcardMeansNothingElse) {
  for (const char* origin : {"https://example.com",
                             "https://.example.com",
                             "https://evilexample.com",
                             "https://a..example.com",
                             "https://..example.com",
                             "http://a.example.com",
                             "https://a.example.com:8443",
                             "https://a.example.com:443",
                             "https://a.example.com.",
                             "https://A.example.com",
                             "https://a.example.com.evil",
                             "https://evil/.example.com",
                             "https://evil?.example.com",
                             "https://evil#.example.com",
                             "https://evil:1.example.com",
                             "https://user@.example.com",
                             "https://[::1].example.com",
                             "https://b\xc3\xbc.example.com",
                             "https://%61.example.com",
                             "https://a b.example.com",
                             "https://*.example.com",
                             "null",
                             "*",
                             "https://",
                             ".example.com",
                             ""}) {
    EXPECT_FALSE(origin_matches("https://*.example.com", origin)) << origin;
  }
}

TEST(Origin, WildcardHasThePortOfItsEntry) {
  EXPECT_TRUE(origin_matches("http://*.example.com:8080", "http://a.example.com:8080"));
  for (const char* origin : {"http://a.example.com", "http://a.example.com:80",
                             "http://a.example.com:80800", "https://a.example.com:8080"}) {
    EXPECT_FALSE(origin_matches("http://*.example.com:8080", origin)) << origin;
  }
}

TEST(Origin, WildcardStandsBeforeANameThatIsSomebodys) {
  for (const char* entry :
       {"https://*.example.com", "http://*.example.com:8080", "https://*.a.b.example.com",
        "https://*.xn--bcher-kva.example", "http://*.localhost:3000", "https://*.example.co.uk",
        "https://*.a_b.example"}) {
    EXPECT_EQ(origin_problem(entry), "") << entry;
  }
  for (const auto& [entry, problem] : {
           std::pair("https://*", "stands for whole labels before a host"),
           std::pair("https://*:8080", "stands for whole labels before a host"),
           std::pair("https://*example.com", "stands for whole labels before a host"),
           std::pair("https://a.*.com", "stands for whole labels before a host"),
           std::pair("https://a*.example.com", "stands for whole labels before a host"),
           std::pair("*.example.com", "stands for whole labels before a host"),
           std::pair("*://a.example.com", "stands for whole labels before a host"),
           std::pair("https://a.example.com:*", "stands for whole labels before a host"),
           std::pair("**", "stands for whole labels before a host"),
           std::pair("https://*.*.example.com", "write only the first"),
           std::pair("https://*.com", "anybody can have a name"),
           std::pair("https://*.co.uk", "anybody can have a name"),
           std::pair("https://*.COM/", "anybody can have a name"),
           std::pair("https://*.", "not a name in ASCII"),
           std::pair("https://*.example.com.", "dot at the end"),
           std::pair("https://*..example.com", "not a name in ASCII"),
           std::pair("https://*.b\xc3\xbc.example", "xn--"),
           std::pair("https://*.127.0.0.1", "an IP address has no names below it"),
           std::pair("https://*.[::1]", "an IP address has no names below it"),
           std::pair("https://*.[::1]:8080", "an IP address has no names below it"),
           std::pair("https://*.example.com:*", "write the port as a number"),
           std::pair("https://*.example.com:65536", "write the port as a number"),
           std::pair("chrome-extension://*.abc.example", "for http and https"),
       }) {
    EXPECT_THAT(origin_problem(entry), HasSubstr(problem)) << entry;
  }
  EXPECT_EQ(origin_problem("https://*.example.com:443"),
            R"("https://*.example.com:443": browsers leave out the default port, write )"
            R"("https://*.example.com")");
  EXPECT_EQ(origin_problem("https://*.Example.com/app"),
            R"("https://*.Example.com/app" is more than an origin: browsers do not send a path, )"
            R"(write "https://*.example.com")");
}

TEST(Origin, FindsOriginsThatNoBrowserWouldSend) {
  for (const char* origin :
       {"*", "null", "https://a.example", "http://localhost:3000", "http://[::1]:8080",
        "chrome-extension://abc", "http://a.example:443"}) {
    EXPECT_EQ(origin_problem(origin), "") << origin;
  }
  EXPECT_THAT(origin_problem("NULL"), testing::HasSubstr("browsers write it \"null\""));
  EXPECT_EQ(origin_problem("a.example"),
            R"("a.example" is not an origin: write the scheme too, as in "https://a.example")");
  EXPECT_EQ(origin_problem("https://a.example/"),
            R"("https://a.example/" is more than an origin: browsers do not send a path, write )"
            R"("https://a.example")");
  EXPECT_EQ(origin_problem("https://A.example"),
            R"("https://A.example": browsers send origins in lower case, write )"
            R"("https://a.example")");
  EXPECT_EQ(origin_problem("https://a.example:443"),
            R"("https://a.example:443": browsers leave out the default port, write )"
            R"("https://a.example")");
  EXPECT_EQ(origin_problem("http://a:80"),
            R"("http://a:80": browsers leave out the default port, write "http://a")");
  EXPECT_NE(origin_problem("file:///home/me/page.html").find("\"null\""), std::string::npos);
  for (const char* origin : {"", "https://", "://a", "https://a b", "https://é", "https://a:port",
                             "https://a:65536", "https://[::1", "https://a]", "a b"}) {
    EXPECT_NE(origin_problem(origin), "") << origin;
  }
}

// The host of a path was proposed in upper case once, and refused in turn.
TEST(Origin, ProposesWhatIsThenAccepted) {
  for (const char* origin :
       {"https://App.example.com/", "HTTPS://App.Example.com:443/a?b#c", "http://a:080/",
        "https://a:", "https://user:secret@a.example", "App.example.com", "a.example:8443/",
        "localhost:3000", "https://[::1]:443", "HTTP://[::AB]/", "chrome-extension://ABC/",
        "https://*.App.example.com/", "HTTPS://*.example.com:443", "http://*.a.example:080"}) {
    const std::string problem = origin_problem(origin);
    const std::size_t end = problem.rfind('"');
    const std::size_t begin = problem.rfind('"', end - 1) + 1;
    ASSERT_NE(end, std::string::npos) << origin;
    const std::string proposed = problem.substr(begin, end - begin);
    EXPECT_NE(proposed, origin) << problem;
    EXPECT_EQ(origin_problem(proposed), "") << problem;
  }
  EXPECT_EQ(origin_problem("https://App.example.com/"),
            "\"https://App.example.com/\" is more than an origin: browsers do not send a path, "
            "write \"https://app.example.com\"");
}

}  // namespace
}  // namespace fanfare::policy
