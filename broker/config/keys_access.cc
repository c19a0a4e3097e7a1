// The keys, the part about who may do what.

#include <array>

#include "broker/config/key_sections.h"
#include "broker/config/keys.h"
#include "broker/config/member_key.h"

namespace fanfare::config {
namespace {

using server::CorsOptions;
using server::Options;
using server::SubscribeOptions;
using server::TokenOptions;

template <auto kMember>
constexpr Key<Options> cors(Facts facts) {
  return key<Options, &Options::cors, kMember>(facts);
}

template <auto kMember>
constexpr Key<Options> subscribe(Facts facts) {
  return key<Options, &Options::subscribe, kMember>(facts);
}

template <auto kMember>
constexpr Key<Options> token(Facts facts) {
  return key<Options, &Options::token, kMember>(facts);
}

constexpr std::uint64_t ns(Duration duration) {
  return static_cast<std::uint64_t>(duration.count());
}

constexpr std::array kCors{
    cors<&CorsOptions::origins>(
        {.name = "origins",
         .at_most = 10'000,
         .help = "Web origins whose pages may subscribe: \"https://app.example.com\", "
                 "\"https://*.example.com\" for all names below example.com (at any depth, but "
                 "not its own), or \"*\" for all. A page served from the broker's own origin needs "
                 "no entry. \"null\" is the "
                 "origin of sandboxed frames and files: as open as \"*\"."}),
    cors<&CorsOptions::credentials>(
        {.name = "credentials",
         .help = "Whether requests of those pages may carry cookies (withCredentials). Not "
                 "together with \"*\" or \"null\"."}),
};

constexpr std::array kSubscribe{
    subscribe<&SubscribeOptions::events>(
        {.name = "events",
         .help = "Whether /events is served. If not, there are only the paths of [[route]]."}),
    subscribe<&SubscribeOptions::module>(
        {.name = "module",
         .help =
             "Whether /fanfare.js is served: the browser module, which pages may import to share "
             "one stream between tabs and to resume over page loads."}),
    subscribe<&SubscribeOptions::selftest>(
        {.name = "selftest",
         .help = "Whether /selftest is served: a page that finds out, from inside its visitor's "
                 "browser, what the proxies on the way do to event streams, and what to change in "
                 "them. \"token\": its measurements need a token where /events needs one "
                 "(/selftest?token=…, or the cookie). \"open\": they need none."}),
    subscribe<&SubscribeOptions::allow>(
        {.name = "allow",
         .at_least = 1,
         .at_most = 10'000,
         .help = "The channels and patterns that clients may name. A pattern is allowed if one of "
                 "these covers everything it can match. The channels that a [[route]] fixes need "
                 "not be among them."}),
};

constexpr std::array kToken{
    token<&TokenOptions::need>(
        {.name = "need",
         .help = "Whether a subscriber needs a token, on /events and where a [[route]] does not "
                 "say. \"required\": one that grants every channel of the stream. \"optional\": "
                 "none, but one that is presented must be good, and ends the stream when it "
                 "expires. \"none\": tokens are not looked at. \"auto\": required if there are "
                 "keys."}),
    token<&TokenOptions::keys>(
        {.name = "keys",
         .at_most = 32,
         .help =
             "Files with the keys that tokens are signed with: public keys in PEM (Ed25519, EC "
             "P-256, RSA of 2048 bits or more), or the raw bytes of an HMAC secret, 32 or more. "
             "Absolute paths. They are read at the start and at each SIGHUP; if one is bad then, "
             "the keys before it stay in force."}),
    token<&TokenOptions::jwks>(
        {.name = "jwks",
         .help = "A file with a JSON Web Key Set (RFC 7517), read like keys. Its keys that are "
                 "for something else are left out, which the log says. Empty: none."}),
    token<&TokenOptions::algorithms>(
        {.name = "algorithms",
         .at_least = 1,
         .at_most = 4,
         .help =
             "The algorithms that tokens may be signed with. A key is used with the one "
             "algorithm of its kind: \"EdDSA\" (Ed25519), \"ES256\" (EC P-256), \"RS256\" (RSA), "
             "\"HS256\" (a secret)."}),
    token<&TokenOptions::issuer>({.name = "issuer",
                                  .at_most = 1024,
                                  .help = "What the claim iss of a token must be. Empty: it does "
                                          "not count."}),
    token<&TokenOptions::audience>(
        {.name = "audience",
         .at_most = 1024,
         .help = "What the claim aud of a token must be, or hold. Empty: tokens that have one are "
                 "for somebody else and are refused."}),
    token<&TokenOptions::claim>(
        {.name = "claim",
         .at_least = 1,
         .at_most = 255,
         .help = "The claim that lists the channels and patterns that a token grants: its name, or "
                 "a path to it inside others, as in \"fanfare.subscribe\"."}),
    token<&TokenOptions::leeway>(
        {.name = "leeway",
         .at_most = ns(10min),
         .help = "How far the issuer's clock may differ from this one: tokens count this much "
                 "longer, and this much earlier."}),
    token<&TokenOptions::cookie>(
        {.name = "cookie",
         .at_most = 64,
         .help = "The cookie in which a token may come, besides the Authorization field. Empty: in "
                 "none."}),
    token<&TokenOptions::query>(
        {.name = "query",
         .at_most = 64,
         .help = "The query parameter in which a token may come. A URL is seen in more places than "
                 "a header field: the broker shows it nowhere, proxies may. Empty: in none."}),
};

}  // namespace

Section<Options> cors_section() {
  return {
      .name = "cors", .help = "Which web pages from other origins may subscribe.", .keys = kCors};
}

Section<Options> subscribe_section() {
  return {.name = "subscribe",
          .help = "What clients may subscribe to when they name the channels themselves.",
          .keys = kSubscribe};
}

Section<Options> token_section() {
  return {
      .name = "token",
      .help =
          "The tokens that let a client subscribe (JWT, RFC 7519): signed with one of these keys, "
          "each for the channels that it grants. Without keys, everybody may subscribe. "
          "docs/PROTOCOL.md describes the tokens.",
      .keys = kToken};
}

}  // namespace fanfare::config
