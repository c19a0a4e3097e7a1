// Probes of [tls]: which certificate a client sees that connects after the reload.
#include <fmt/format.h>

#include <deque>
#include <string>
#include <string_view>

#include "tests/cli/console.h"
#include "tests/cli/reload_probes.h"
#include "tests/server/tls_peer.h"

namespace fanfare::cli {
namespace {

using server::testing::SmallBroker;
using server::testing::TlsPeer;

// NAME.crt and NAME.key for the host NAME, in a folder that lasts as long as the program.
std::string files_for(const std::string& name) {
  static const TemporaryFolder kFolder;
  if (!std::filesystem::exists(kFolder / (name + ".crt"))) {
    const tls::SelfSigned made = tls::self_signed({name});
    kFolder.file(name + ".crt", made.certificate);
    kFolder.file(name + ".key", made.key);
  }
  return fmt::format("certificate = \"{}\"\nkey = \"{}\"\n", kFolder / (name + ".crt"),
                     kFolder / (name + ".key"));
}

std::string_view kept(std::string text) {
  static std::deque<std::string> texts;
  return texts.emplace_back("[listen]\nhttps = [\"127.0.0.1:1\"]\n" + std::move(text));
}

// What a client sees that asks for that name.
std::string shown(SmallBroker& broker, const std::string& asked) {
  TlsPeer peer(broker, {.host = asked});
  peer.shake_hands();
  for (const std::string name : {"a.test", "b.test", "c.test"}) {
    if (peer.client().sees(name)) return name;
  }
  return "nothing";
}

std::function<See(SmallBroker&)> newly(const std::string& asked) {
  return [asked](SmallBroker& broker) { return [asked, &broker] { return shown(broker, asked); }; };
}

}  // namespace

std::string tls_section_text() {
  return "[tls]\n" + files_for("a.test");
}

std::vector<Probe> tls_probes() {
  const auto own = [](const std::string& name) { return kept("[tls]\n" + files_for(name)); };
  const auto sni = [](const std::string& names, const std::string& name) {
    return kept(fmt::format("[tls]\n{}[[tls.sni]]\nnames = [\"{}\"]\n{}", files_for("a.test"),
                            names, files_for(name)));
  };
  static const std::string kOne = fmt::format("{}\n[limits]\ntls_handshakes = 1", own("a.test"));
  return {
      {"limits.tls_handshakes", own("a.test"), kOne,
       [](SmallBroker& broker) {
         return [&broker] {
           TlsPeer halfway(broker);
           halfway.say_cipher(halfway.client().receive({}));
           TlsPeer peer(broker);
           peer.shake_hands();
           return std::string(peer.client().done() ? "served" : "closed");
         };
       },
       "served", "closed"},
      {"tls.certificate", own("a.test"), own("b.test"), newly("x.test"), "a.test", "b.test"},
      {"tls.key", own("b.test"), own("a.test"), newly("x.test"), "b.test", "a.test"},
      {"tls.sni.names", sni("c.test", "b.test"), sni("*.test", "b.test"), newly("x.test"), "a.test",
       "b.test"},
      {"tls.sni.certificate", sni("*.test", "b.test"), sni("*.test", "c.test"), newly("x.test"),
       "b.test", "c.test"},
      {"tls.sni.key", sni("*.test", "c.test"), sni("*.test", "b.test"), newly("x.test"), "c.test",
       "b.test"},
  };
}

}  // namespace fanfare::cli
