// Probes of publishers' certificates: whose count, which were revoked, and what they grant.
#include <fmt/format.h>

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/cli/console.h"
#include "tests/cli/reload_probes.h"
#include "tests/server/tls_peer.h"
#include "tests/wire/tls/authority.h"

namespace fanfare::cli {
namespace {

using server::testing::SmallBroker;
using server::testing::TlsPeer;
using tls::Authority;

// Two authorities, a publisher of the first, and their files.
struct Publishers {
  Authority ours{"Ours"};
  Authority others{"Others"};
  tls::Issued issued = ours.issue({.subject = "orders"});
  tls::Identity identity = Authority::identity_of(issued);
  TemporaryFolder folder;
  std::string ours_file = folder.file("ours.pem", ours.certificate());
  std::string others_file = folder.file("others.pem", others.certificate());
  std::string none_revoked = folder.file("none.pem", ours.revocations({}));
  std::string ours_revoked = folder.file("revoked.pem", ours.revocations({&issued}));
};
Publishers& publishers() {
  static Publishers all;
  return all;
}

std::string_view kept(std::string text) {
  static std::deque<std::string> texts;
  return texts.emplace_back(std::move(text));
}

std::string_view with(const std::string& trust, std::string_view names = "\"orders\"",
                      std::string_view channels = "\"a\"") {
  return kept(
      fmt::format("{}[publish]\nlisten_tls = [\"127.0.0.1:1\"]\n{}\n"
                  "[[publish.client]]\nnames = [{}]\nchannels = [{}]\n",
                  tls_section_text(), trust, names, channels));
}
std::string authority(const std::string& file) {
  return fmt::format("client_ca = \"{}\"\n", file);
}
std::string_view revoking(const std::string& file) {
  return with(authority(publishers().ours_file) + fmt::format("client_crl = \"{}\"\n", file));
}

// "taken", the first word of the refusal, or "no handshake".
std::string publishes(SmallBroker& broker) {
  TlsPeer peer(broker, {.identity = &publishers().identity}, sim::Door::tls_publishers);
  peer.shake_hands();
  peer.say("PUBLISH a x\r\n");
  const std::string heard = peer.take();
  const bool failed = peer.client().failed();
  peer.peer().hang_up();
  broker.pass();
  if (failed) return "no handshake";
  return heard.starts_with(':') ? "taken" : heard.substr(0, heard.find(' '));
}

See newly(SmallBroker& broker) {
  return [&broker] { return publishes(broker); };
}

}  // namespace

std::vector<Probe> certificate_probes() {
  const std::string ours = authority(publishers().ours_file);
  return {
      {"publish.client_ca", with(authority(publishers().others_file)), with(ours), newly,
       "no handshake", "taken"},
      {"publish.client_crl", revoking(publishers().none_revoked),
       revoking(publishers().ours_revoked), newly, "taken", "no handshake"},
      {"publish.client.names", with(ours, "\"stock\""), with(ours), newly, "-NOAUTH", "taken"},
      {"publish.client.channels", with(ours, "\"*\"", "\"b\""), with(ours, "\"*\""), newly,
       "-NOPERM", "taken"},
  };
}

}  // namespace fanfare::cli
