// By which names a listener may be called, when names are looked at.
#include "broker/policy/hosts.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fanfare::policy {
namespace {

const std::vector<std::string> kNames = {"app.example.com", "*.internal"};

TEST(Hosts, AddressesAndLocalhostNeedNoName) {
  for (const char* host : {"127.0.0.1", "127.0.0.1:9180", "10.1.2.3:80", "[::1]", "[::1]:9180",
                           "[fe80::1]:1", "localhost", "localhost:9180", "LocalHost", "localhost.",
                           "a.localhost:80", "127.1", "2130706433", "0x7f000001", ""}) {
    EXPECT_TRUE(host_allowed(host, {})) << host;
  }
}

// A page whose name was made to resolve to this machine still says its name.
TEST(Hosts, RefuseUnlistedNames) {
  for (const char* host : {"evil.com", "evil.com:9180", "localhost.evil.com", "127.0.0.1.evil.com",
                           "evillocalhost", "1.evil", "0xyz", "evil.", "%6cocalhost", "x"}) {
    EXPECT_FALSE(host_allowed(host, {})) << host;
    EXPECT_FALSE(host_allowed(host, kNames)) << host;
  }
}

TEST(Hosts, AcceptListedNames) {
  for (const char* host : {"app.example.com", "App.Example.com:8080", "app.example.com.",
                           "a.internal", "a.b.internal:1"}) {
    EXPECT_TRUE(host_allowed(host, kNames)) << host;
    EXPECT_FALSE(host_allowed(host, {})) << host;
  }
  for (const char* host : {"example.com", "x.app.example.com", "internal", ".internal",
                           "app.example.com.evil.com", "notinternal"}) {
    EXPECT_FALSE(host_allowed(host, kNames)) << host;
  }
  EXPECT_TRUE(host_allowed("evil.com", std::vector<std::string>{"*"}));
}

TEST(Hosts, KnowsWhichListenersAreThisMachinesAlone) {
  for (const char* address : {"127.0.0.1:9180", "127.8.9.1:0", "[::1]:9180", "localhost:9180"}) {
    EXPECT_TRUE(is_loopback(address)) << address;
  }
  for (const char* address : {"0.0.0.0:9180", "[::]:9180", "10.0.0.1:1", "[::2]:1", ""}) {
    EXPECT_FALSE(is_loopback(address)) << address;
  }
}

TEST(Hosts, ExplainsNamesThatAreNone) {
  for (const char* name : {"a.example", "*.a.example", "*", "localhost", "a_b-c", "10.0.0.1"}) {
    EXPECT_EQ(host_name_problem(name), "") << name;
  }
  for (const char* name : {"https://App.example.com/x", "app.example.com:8080", "App.example.com",
                           "app.example.com."}) {
    EXPECT_NE(host_name_problem(name).find("\"app.example.com\""), std::string::npos) << name;
  }
  for (const char* name : {"", "a b", "*a", "a.*.b", "*.", "..", "[::1]", "é"}) {
    EXPECT_NE(host_name_problem(name), "") << name;
  }
}

TEST(Hosts, NamesTheKeyThatWouldLetAHostIn) {
  EXPECT_EQ(refused_host_sentence("evil.com:80", "admin_hosts"),
            "this listener does not answer to the host \"evil.com:80\": use its IP address or "
            "localhost, or add the name to [listen] admin_hosts in broker.toml");
}

}  // namespace
}  // namespace fanfare::policy
