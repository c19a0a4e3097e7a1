// The keys, the part about publishing over TCP.

#include <array>

#include "broker/config/key_sections.h"
#include "broker/config/keys.h"
#include "broker/config/member_key.h"

namespace fanfare::config {
namespace {

using server::Options;
using server::PublishOptions;

template <auto kMember>
constexpr Key<Options> publish(Facts facts) {
  return key<Options, &Options::publish, kMember>(facts);
}

constexpr std::array kPublish{
    publish<&PublishOptions::listen>(
        {.name = "listen",
         .at_most = 16,
         .restart = true,
         .help = "Where publishers connect over TCP, besides the ingest socket: addresses with a "
                 "port, \"10.0.0.5:7600\". The same three dialects are spoken there, and each "
                 "publisher has to present a token. Tokens and events travel in the clear: use a "
                 "private network, or put a proxy that speaks TLS before it. Empty: nowhere."}),
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

}  // namespace

Section<Options> publish_section() {
  return {.name = "publish",
          .help =
              "Publishing over TCP: only where it listens, and only with a publisher's token "
              "(JWT) that is signed with one of these keys and grants the channel.",
          .keys = kPublish};
}

}  // namespace fanfare::config
