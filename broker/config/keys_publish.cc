// The keys, the part about publishing over TCP: [publish] and [[publish.client]].

#include <array>

#include "broker/config/key_sections.h"
#include "broker/config/keys.h"
#include "broker/config/member_key.h"
#include "broker/policy/grants.h"

namespace fanfare::config {
namespace {

using server::Options;
using server::PublishClientRule;
using server::PublishOptions;

template <auto kMember>
constexpr Key<Options> publish(Facts facts) {
  return key<Options, &Options::publish, kMember>(facts);
}

template <auto kMember>
constexpr Key<PublishClientRule> client(Facts facts) {
  return key<PublishClientRule, kMember>(facts);
}

constexpr std::array kPublish{
    publish<&PublishOptions::listen>(
        {.name = "listen",
         .at_most = 16,
         .restart = true,
         .help = "Where publishers connect over TCP, besides the ingest socket: addresses with a "
                 "port, \"10.0.0.5:7600\". The same three dialects are spoken there, and each "
                 "publisher has to present a token. Tokens and events travel in the clear: use a "
                 "private network, or listen_tls. Empty: nowhere."}),
    publish<&PublishOptions::listen_tls>(
        {.name = "listen_tls",
         .at_most = 16,
         .restart = true,
         .help = "The same over TLS, with the certificates of [tls]: \"0.0.0.0:7643\". Each "
                 "publisher has to present a token, or a certificate that a [[publish.client]] "
                 "names. Empty: nowhere."}),
    publish<&PublishOptions::client_ca>(
        {.name = "client_ca",
         .help = "A file in PEM, with the certificates of those who issue publishers' "
                 "certificates: clients of listen_tls have to show one of theirs (mutual TLS), or "
                 "the handshake fails. Read like those of [tls]; it counts for connections that "
                 "begin from then on. Empty: clients are asked for no certificate."}),
    publish<&PublishOptions::client_crl>(
        {.name = "client_crl",
         .help = "A file in PEM, with the lists of revoked certificates (CRL) of each of them. A "
                 "list that is out of date refuses everybody: renew it in time. Read like "
                 "client_ca. Empty: none are revoked; take a name out of [[publish.client]]."}),
    publish<&PublishOptions::keys>(
        {.name = "keys",
         .at_most = 32,
         .help = "Files with the keys that publishers' tokens are signed with, as in [token] keys. "
                 "Absolute paths, read at the start and at each SIGHUP."}),
    publish<&PublishOptions::jwks>(
        {.name = "jwks",
         .help = "A file with a JSON Web Key Set (RFC 7517), read like keys. Empty: none."}),
    publish<&PublishOptions::algorithms>(
        {.name = "algorithms",
         .at_least = 1,
         .at_most = 4,
         .help = "The algorithms that publishers' tokens may be signed with, as in [token]."}),
    publish<&PublishOptions::issuer>(
        {.name = "issuer",
         .at_most = 1024,
         .help = "What the claim iss of such a token must be. Empty: it does not count."}),
    publish<&PublishOptions::audience>(
        {.name = "audience",
         .at_most = 1024,
         .help = "What the claim aud of such a token must be, or hold. Empty: tokens that have one "
                 "are for somebody else and are refused."}),
    publish<&PublishOptions::claim>(
        {.name = "claim",
         .at_least = 1,
         .at_most = 255,
         .help = "The claim that lists the channels and patterns that the bearer may publish to. "
                 "Subscribers' tokens do not have it, and so do not let anybody publish."}),
    publish<&PublishOptions::leeway>(
        {.name = "leeway",
         .at_most = static_cast<std::uint64_t>(Duration(10min).count()),
         .help = "How far the issuer's clock may differ from this one."}),
};

constexpr std::array kClient{
    client<&PublishClientRule::names>(
        {.name = "names",
         .at_least = 1,
         .at_most = 1000,
         .help = "Names of certificates, exactly as they stand there: the alternative names (hosts "
                 "in lower case, URIs such as SPIFFE's, e-mail addresses), or the common name of a "
                 "certificate without those. \"*\": any certificate of client_ca. Required; the "
                 "first entry that has one of a certificate's names counts."}),
    client<&PublishClientRule::channels>(
        {.name = "channels",
         .at_least = 1,
         .at_most = policy::kGrantedChannelsMax,
         .help = "The channels and patterns that their bearers may publish to, as a token's claim "
                 "lists them. Required."}),
};

}  // namespace

const Section<PublishClientRule>& publish_client_section() {
  static const Section<PublishClientRule> kSection{
      .name = "publish.client",
      .help =
          "Publishers' certificates that stand for a token, by the names in them. A SIGHUP counts "
          "at once, also for connections that are open. A publisher that presents a token is held "
          "to that; one without an entry needs a token.",
      .keys = kClient};
  return kSection;
}

Section<Options> publish_section() {
  return {
      .name = "publish",
      .help =
          "Publishing over TCP: only where it listens, and only with a publisher's token "
          "(JWT) that is signed with one of these keys and grants the channel, or over TLS with "
          "a certificate that a [[publish.client]] names.",
      .keys = kPublish};
}

}  // namespace fanfare::config
