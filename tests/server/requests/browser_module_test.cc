// /fanfare.js: how pages get the browser module. What it does there is tests/clients' business.
#include "broker/server/requests/browser_module.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using testing::body_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

std::string asked(SmallBroker& broker, std::string_view method, std::string_view fields = {}) {
  Peer& peer = broker.subscriber();
  peer.say(fmt::format("{} /fanfare.js HTTP/1.1\r\nHost: a\r\n{}\r\n", method, fields));
  broker.pass();
  return peer.take();
}

TEST(BrowserModule, HasAtMost2048Bytes) {
  EXPECT_LE(browser_module().bytes.size(), 2048U);
  EXPECT_LT(browser_module().gzip.size(), browser_module().bytes.size());
  EXPECT_THAT(std::string(browser_module().bytes), HasSubstr("export let fanfare="));
}

TEST(BrowserModule, IsServedToPagesOfEveryOrigin) {
  SmallBroker broker;
  const std::string answer = asked(broker, "GET", "Origin: http://stranger.example.com\r\n");
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                            HasSubstr("Content-Type: text/javascript; charset=utf-8\r\n"),
                            HasSubstr("Access-Control-Allow-Origin: *\r\n"),
                            HasSubstr("Cross-Origin-Resource-Policy: cross-origin\r\n"),
                            HasSubstr("X-Content-Type-Options: nosniff\r\n"),
                            HasSubstr("Cache-Control: no-cache\r\n")));
  EXPECT_EQ(body_of(answer), browser_module().bytes);
}

TEST(BrowserModule, IsCompressedOnlyForClientsThatAcceptThat) {
  SmallBroker broker;
  const std::string answer = asked(broker, "GET", "Accept-Encoding: gzip, deflate, br\r\n");
  EXPECT_THAT(answer, AllOf(HasSubstr("Content-Encoding: gzip\r\n"),
                            HasSubstr("Vary: Accept-Encoding\r\n")));
  EXPECT_EQ(body_of(answer), browser_module().gzip);
  EXPECT_THAT(asked(broker, "GET"), Not(HasSubstr("Content-Encoding")));
}

TEST(BrowserModule, ToHeadIsItsHeadAlone) {
  SmallBroker broker;
  const std::string answer = asked(broker, "HEAD");
  EXPECT_THAT(answer,
              HasSubstr(fmt::format("Content-Length: {}\r\n", browser_module().bytes.size())));
  EXPECT_EQ(body_of(answer), "");
}

TEST(BrowserModule, IsNotSentAgainToPagesThatHaveIt) {
  SmallBroker broker;
  const std::string_view etag = browser_module().etag;
  for (const std::string& current : {std::string(etag), fmt::format("\"other\", {}", etag),
                                     std::string(etag.substr(2)), std::string("*")}) {
    const std::string answer = asked(broker, "GET", fmt::format("If-None-Match: {}\r\n", current));
    EXPECT_THAT(answer,
                AllOf(StartsWith("HTTP/1.1 304 "), HasSubstr(fmt::format("ETag: {}\r\n", etag)),
                      HasSubstr("Access-Control-Allow-Origin: *\r\n")))
        << current;
    EXPECT_EQ(body_of(answer), "");
  }
  for (const std::string_view stale : {"\"other\"", "W/\"other\"", "", "other"}) {
    EXPECT_THAT(asked(broker, "GET", fmt::format("If-None-Match: {}\r\n", stale)),
                StartsWith("HTTP/1.1 200 OK\r\n"))
        << stale;
  }
}

TEST(BrowserModule, IsReadWithGetAlone) {
  SmallBroker broker;
  for (const std::string_view method : {"POST", "DELETE"}) {
    EXPECT_THAT(asked(broker, method, "Content-Length: 0\r\n"),
                AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD\r\n")));
  }
  EXPECT_EQ(broker.reported().requests_refused_total, 2U);
}

TEST(BrowserModule, IsNotThereWhereTheOperatorDoesNotWantIt) {
  Options options;
  options.subscribe.module = false;
  SmallBroker broker(options);
  EXPECT_THAT(asked(broker, "GET"), StartsWith("HTTP/1.1 404 "));
}

}  // namespace
}  // namespace fanfare::server
