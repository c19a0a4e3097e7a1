// Certificates and keys that are good, and each way in which they are not.
#include "broker/wire/tls/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/wire/tls/self_signed.h"
#include "broker/wire/tls/server.h"
#include "tests/wire/tls/authority.h"

namespace fanfare::tls {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string wrong_with(const std::string& certificate, const std::string& key) {
  const auto identity = read_identity({"site.crt", certificate}, {"site.key", key}, now());
  return identity ? "nothing" : identity.error();
}

class Identities : public testing::Test {
 protected:
  Authority root{"Root"};
  Issued site = root.issue({.names = "DNS:Events.example.test,DNS:*.example.test,IP:192.0.2.7"});
  std::string certificate = pem_of(site.certificate.get());
  std::string key = pem_of(site.key.get());
};

TEST_F(Identities, SayWhichHostsTheyAreFor) {
  const auto identity = read_identity({"c", certificate}, {"k", key}, now());
  ASSERT_TRUE(identity.has_value()) << identity.error();
  EXPECT_THAT(identity->names, ElementsAre("events.example.test", "*.example.test", "192.0.2.7"));
  EXPECT_THAT(identity->warnings, IsEmpty());
  EXPECT_TRUE(identity->covers("EVENTS.example.test."));
  EXPECT_TRUE(identity->covers("other.example.test"));
  EXPECT_TRUE(identity->covers("192.0.2.7"));
  EXPECT_FALSE(identity->covers("a.b.example.test"));
  EXPECT_FALSE(identity->covers("example.test"));
}

TEST_F(Identities, AreRefusedWithoutACertificate) {
  EXPECT_THAT(wrong_with("", key), AllOf(HasSubstr("site.crt"), HasSubstr("the file is empty")));
  EXPECT_THAT(wrong_with(key, certificate), HasSubstr("the two files may be exchanged"));
  EXPECT_THAT(wrong_with("hello", key), AllOf(HasSubstr("no PEM"), HasSubstr("BEGIN CERTIFICATE")));
  EXPECT_THAT(wrong_with("\x30\x82", key), AllOf(HasSubstr("DER"), HasSubstr("openssl x509")));
  std::string damaged = certificate;
  damaged.replace(damaged.find('\n') + 9, 4, "AAAA");
  EXPECT_THAT(wrong_with(damaged, key), HasSubstr("certificate 1 of the file is damaged"));
  EXPECT_THAT(wrong_with(certificate + damaged, key), HasSubstr("certificate 2"));
  EXPECT_THAT(wrong_with(certificate.substr(0, certificate.size() / 2), key), HasSubstr("damaged"));
}

TEST_F(Identities, AreRefusedWithoutTheirKey) {
  EXPECT_THAT(wrong_with(certificate, ""), AllOf(HasSubstr("site.key"), HasSubstr("empty")));
  EXPECT_THAT(wrong_with(certificate, certificate), HasSubstr("may be exchanged"));
  const Issued other = root.issue({});
  EXPECT_THAT(wrong_with(certificate, pem_of(other.key.get())),
              AllOf(HasSubstr("site.key: the key does not belong to the certificate in site.crt"),
                    HasSubstr("CN = example.test")));
  EXPECT_THAT(wrong_with(certificate, pem_of(site.key.get(), "secret")),
              AllOf(HasSubstr("encrypted"), HasSubstr("openssl pkey -in site.key")));
  EXPECT_THAT(wrong_with(certificate, key.substr(0, key.size() / 2)), HasSubstr("damaged"));
}

TEST_F(Identities, AreRefusedIfTheFirstCertificateIsNotTheServers) {
  EXPECT_THAT(wrong_with(root.certificate() + certificate, key),
              AllOf(HasSubstr("wrong order"), HasSubstr("certificate 2 (CN = example.test)")));
}

TEST_F(Identities, WarnOfAChainThatLeadsNowhere) {
  const Authority middle(root, "Middle");
  const Issued leaf = middle.issue({.names = "DNS:a.test"});
  const auto warnings = [&](const std::string& chain) {
    const auto identity = read_identity({"site.crt", pem_of(leaf.certificate.get()) + chain},
                                        {"k", pem_of(leaf.key.get())}, now());
    EXPECT_TRUE(identity.has_value());
    return identity->warnings;
  };
  EXPECT_THAT(warnings(middle.certificate() + root.certificate()), IsEmpty());
  EXPECT_THAT(warnings(root.certificate() + middle.certificate()),
              ElementsAre(HasSubstr("certificate 2 (CN = Root) did not issue certificate 1 (CN = "
                                    "example.test)")));
}

TEST_F(Identities, WarnOfTheirDates) {
  const auto warnings = [&](const Request& request) {
    const Identity identity = root.identity(request);
    return identity.warnings;
  };
  EXPECT_THAT(warnings({.names = "DNS:a.test", .begins_in_days = -9, .ends_in_days = -2}),
              ElementsAre(HasSubstr("expired on 20")));
  EXPECT_THAT(warnings({.names = "DNS:a.test", .begins_in_days = 3}),
              ElementsAre(HasSubstr("not valid before 20")));
  EXPECT_THAT(warnings({.names = "DNS:a.test", .ends_in_days = 5}),
              ElementsAre(HasSubstr("expires on 20")));
  EXPECT_THAT(warnings({}), ElementsAre(HasSubstr("names no host (subjectAltName)")));
}

TEST_F(Identities, AreRefusedWithAKeyThatNobodyAccepts) {
  const Issued weak = root.issue({.names = "DNS:a.test", .rsa_bits = 1024});
  EXPECT_THAT(wrong_with(pem_of(weak.certificate.get()), pem_of(weak.key.get())),
              AllOf(HasSubstr("1024 bits"), HasSubstr("openssl genpkey")));
}

TEST(SelfSigned, IsAnIdentityForItsNames) {
  const auto made = make_self_signed({"localhost", "*.example.test", "192.0.2.1", "::1"}, now(),
                                     std::chrono::days(30));
  ASSERT_TRUE(made.has_value());
  auto identity = read_identity({"c", made->certificate}, {"k", made->key}, now());
  ASSERT_TRUE(identity.has_value()) << identity.error();
  EXPECT_THAT(identity->names, ElementsAre("localhost", "*.example.test", "192.0.2.1", "::1"));
  EXPECT_THAT(identity->warnings, IsEmpty());
  EXPECT_EQ(identity->ends, now() + std::chrono::days(30));
  EXPECT_TRUE(
      Server::make({.fallback = std::move(*identity)}, std::make_shared<TicketKeys>(TimePoint{}))
          .has_value());
}

TEST(SelfSigned, RefusesWhatIsNoName) {
  for (const std::string name :
       {"", "a b", "http://a.test", "a..b", ".a", "a,DNS:evil", "*", "a.*.b", "localhost:8443"}) {
    const auto made = make_self_signed({name}, now(), std::chrono::days(30));
    ASSERT_FALSE(made.has_value()) << name;
    EXPECT_THAT(made.error(), HasSubstr("no host name like"));
  }
}

}  // namespace
}  // namespace fanfare::tls
