// The keys, the part about TLS: [tls] and [[tls.sni]].

#include <array>

#include "broker/config/key_sections.h"
#include "broker/config/keys.h"
#include "broker/config/member_key.h"

namespace fanfare::config {
namespace {

using server::Options;
using server::SniRule;
using server::TlsOptions;

template <auto kMember>
constexpr Key<Options> tls(Facts facts) {
  return key<Options, &Options::tls, kMember>(facts);
}

template <auto kMember>
constexpr Key<SniRule> sni(Facts facts) {
  return key<SniRule, kMember>(facts);
}

constexpr std::array kTls{
    tls<&TlsOptions::certificate>(
        {.name = "certificate",
         .help =
             "A file in PEM: the certificate that listen.https and publish.listen_tls show to "
             "clients that ask for no name, or for one that no [[tls.sni]] has; behind it those "
             "that issued it, without the root. It is read again on SIGHUP, and some two "
             "seconds after it, or what a link leads to, has changed; a pair that does not fit "
             "changes nothing. Connections that are open keep theirs."}),
    tls<&TlsOptions::key>({.name = "key",
                           .help = "A file in PEM: its private key, in clear. Nobody but the "
                                   "broker should be able to read it."}),
};

constexpr std::array kSni{
    sni<&SniRule::names>(
        {.name = "names",
         .at_least = 1,
         .at_most = 1000,
         .help = "The names for which clients may ask: \"events.example.org\", or "
                 "\"*.example.org\", in which the star stands for one label. Required; a name goes "
                 "before a star, and the first entry with it counts."}),
    sni<&SniRule::certificate>(
        {.name = "certificate", .at_least = 1, .help = "As tls.certificate, for them. Required."}),
    sni<&SniRule::key>({.name = "key", .at_least = 1, .help = "As tls.key, for them. Required."}),
};

}  // namespace

Section<Options> tls_section() {
  return {.name = "tls",
          .help =
              "What [listen] https and [publish] listen_tls show to their clients: TLS 1.2 and "
              "1.3. `fanfare cert` makes files for a first try.",
          .keys = kTls};
}

const Section<SniRule>& sni_section() {
  static const Section<SniRule> kSection{
      .name = "tls.sni",
      .help = "Further certificates, by the name for which a client asks (SNI).",
      .keys = kSni};
  return kSection;
}

}  // namespace fanfare::config
