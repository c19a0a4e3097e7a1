#include "broker/server/shard/inheritance.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fanfare::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// The descriptors lead nowhere: only names and addresses decide.
class InheritanceTest : public testing::Test {
 protected:
  void pass_on(std::string_view name, std::string_view address) {
    sockets_.push_back({.descriptor = io::Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
                        .name = std::string(name),
                        .address = std::string(address)});
  }
  Inheritance inheritance() { return Inheritance(std::move(sockets_)); }

 private:
  std::vector<io::InheritedSocket> sockets_;
};

TEST_F(InheritanceTest, ANamedSocketStandsInForTheAddressesOfItsKey) {
  pass_on("http", "127.0.0.1:80");
  pass_on("http", "[::1]:80");
  pass_on("http", "127.0.0.1:80");
  Inheritance inherited = inheritance();
  EXPECT_THAT(inherited.addresses("http", {"0.0.0.0:8080"}),
              ElementsAre("127.0.0.1:80", "[::1]:80"));
  EXPECT_THAT(inherited.addresses("https", {"0.0.0.0:8443"}), ElementsAre("0.0.0.0:8443"));
  EXPECT_THAT(inherited.take("https", "127.0.0.1:80"), SizeIs(0)) << "it is another key's";
  EXPECT_THAT(inherited.take("http", "127.0.0.1:80"), SizeIs(2)) << "SO_REUSEPORT";
  EXPECT_THAT(inherited.take("http", "[::1]:80"), SizeIs(1));
  EXPECT_EQ(inherited.left_over(), std::nullopt);
}

TEST_F(InheritanceTest, ASocketWithoutAKeysNameIsFoundByItsAddress) {
  pass_on("fanfare.socket", "127.0.0.1:8080");
  pass_on("unknown", "/run/fanfare/ingest.sock");
  Inheritance inherited = inheritance();
  EXPECT_THAT(inherited.addresses("http", {"localhost:8080"}), ElementsAre("localhost:8080"));
  EXPECT_THAT(inherited.take("http", "localhost:8080"), SizeIs(1));
  EXPECT_THAT(inherited.take("ingest", "/run/fanfare/ingest.sock"), SizeIs(1));
  EXPECT_THAT(inherited.take("ingest", "/run/fanfare/ingest.sock"), SizeIs(0));
}

TEST_F(InheritanceTest, AKeyThatIsSwitchedOffStaysSo) {
  pass_on("https", "127.0.0.1:443");
  const Inheritance inherited = inheritance();
  EXPECT_THAT(inherited.addresses("https", {}), SizeIs(0));
  EXPECT_THAT(inherited.left_over().value_or(""),
              HasSubstr("give [listen] https an address in broker.toml"));
  const auto unused = [this](const char* name) {
    pass_on(name, "127.0.0.1:443");
    return inheritance().left_over().value_or("");
  };
  EXPECT_THAT(unused("publish"), HasSubstr("give [publish] listen an address"));
  EXPECT_THAT(unused("publish_tls"), HasSubstr("give [publish] listen_tls an address"));
}

TEST_F(InheritanceTest, ASocketThatNobodyTookIsExplained) {
  pass_on("fanfare.socket", "127.0.0.1:9999");
  EXPECT_THAT(inheritance().left_over().value_or(""),
              HasSubstr("on 127.0.0.1:9999, which is no address in broker.toml"));
}

TEST_F(InheritanceTest, FewerSocketsThanShardsAreShared) {
  const auto sockets_for = [this](int made, std::size_t shards) {
    for (int i = 0; i < made; ++i) pass_on("http", "127.0.0.1:80");
    return shared_out(inheritance().take("http", "127.0.0.1:80"), shards);
  };
  EXPECT_THAT(sockets_for(1, 3), SizeIs(3));
  EXPECT_THAT(sockets_for(2, 2), SizeIs(2));
  EXPECT_THAT(sockets_for(4, 2), SizeIs(4)) << "none is left without a shard";
}

}  // namespace
}  // namespace fanfare::server
