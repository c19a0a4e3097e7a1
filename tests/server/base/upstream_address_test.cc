#include "broker/server/base/upstream_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace fanfare::server {
namespace {

using ::testing::HasSubstr;

std::string place(std::string_view text) {
  const auto address = parse_upstream(text);
  if (!address) return "problem: " + address.error();
  return (address->kind == UpstreamAddress::Kind::path ? "path " : "tcp ") + address->place;
}

TEST(UpstreamAddress, UnderstandsPathsAndAddresses) {
  EXPECT_EQ(place("unix:/run/app.sock"), "path /run/app.sock");
  EXPECT_EQ(place("http://127.0.0.1:3000"), "tcp 127.0.0.1:3000");
  EXPECT_EQ(place("http://127.0.0.1:3000/"), "tcp 127.0.0.1:3000");
  EXPECT_EQ(place("http://10.0.0.7"), "tcp 10.0.0.7:80");
  EXPECT_EQ(place("http://localhost:3000"), "tcp 127.0.0.1:3000");
  EXPECT_EQ(place("http://[::1]:3000"), "tcp [::1]:3000");
  EXPECT_EQ(place("http://[::1]"), "tcp [::1]:80");
}

TEST(UpstreamAddress, SaysWhatWouldBeRight) {
  EXPECT_THAT(place("/run/app.sock"), HasSubstr("neither unix: nor http://"));
  EXPECT_THAT(place("unix:run/app.sock"), HasSubstr("no absolute path"));
  EXPECT_THAT(place("unix:/" + std::string(200, 'x')), HasSubstr("at most 107 bytes"));
  EXPECT_THAT(place("https://127.0.0.1"), HasSubstr("neither"));
  EXPECT_THAT(place("http://app:3000"), HasSubstr("names are not looked up"));
  EXPECT_THAT(place("http://127.0.0.1:3000/api"), HasSubstr("the path of the request"));
  EXPECT_THAT(place("http://user@127.0.0.1"), HasSubstr("more than an address"));
  EXPECT_THAT(place("http://127.0.0.1:0"), HasSubstr("no port"));
  EXPECT_THAT(place("http://127.0.0.1:99999"), HasSubstr("no port"));
  EXPECT_THAT(place("http://"), HasSubstr("no address"));
  EXPECT_THAT(place("http://::1:3000"), HasSubstr("no address"));
}

std::string hook(std::string_view text) {
  const auto url = parse_hook_url(text);
  if (!url) return "problem: " + url.error();
  return url->upstream + " " + url->host + " " + url->path;
}

TEST(HookUrl, HasAnUpstreamAndAPath) {
  EXPECT_EQ(hook("http://127.0.0.1:3000/hooks?x=1"),
            "http://127.0.0.1:3000 127.0.0.1:3000 /hooks?x=1");
  EXPECT_EQ(hook("http://[::1]:3000"), "http://[::1]:3000 [::1]:3000 /");
  EXPECT_EQ(hook("http://localhost/"), "http://localhost localhost /");
  EXPECT_EQ(hook("unix:/run/app.sock:/hooks"), "unix:/run/app.sock localhost /hooks");
  EXPECT_EQ(hook("unix:/run/app.sock"), "unix:/run/app.sock localhost /");
  EXPECT_THAT(hook("unix:app.sock:/hooks"), HasSubstr("no absolute path"));
  EXPECT_THAT(hook("https://127.0.0.1/hooks"), HasSubstr("neither unix: nor http://"));
  EXPECT_THAT(hook("http://app/hooks"), HasSubstr("names are not looked up"));
  EXPECT_THAT(hook("http://127.0.0.1/\r\nX: y"), HasSubstr("visible ASCII"));
}

}  // namespace
}  // namespace fanfare::server
