// The keys, the part about reverse proxies and balancers in front of the broker.

#include <array>

#include "broker/config/key_sections.h"
#include "broker/config/keys.h"
#include "broker/config/member_key.h"

namespace fanfare::config {
namespace {

using server::FrontOptions;
using server::Options;

template <auto kMember>
constexpr Key<Options> fronts(Facts facts) {
  return key<Options, &Options::fronts, kMember>(facts);
}

constexpr std::array kFronts{
    fronts<&FrontOptions::trusted>(
        {.name = "trusted",
         .at_most = 10'000,
         .help = "Fronts that are believed about the addresses of clients: addresses and networks "
                 "(\"192.0.2.1\", \"10.0.0.0/8\", \"2001:db8::/32\"), \"loopback\" (this machine), "
                 "\"private\" (RFC 1918, RFC 4193 and link-local addresses), \"unix:\" (peers "
                 "behind a Unix socket). Empty: nobody, and each client has the address from which "
                 "it connects."}),
    fronts<&FrontOptions::proxy_protocol>(
        {.name = "proxy_protocol",
         .help =
             "Whether connections on [listen] http may begin with the PROXY protocol, version "
             "1 or 2. \"off\": one that does is refused. \"accept\": trusted fronts may use it. "
             "\"require\": each connection comes from a trusted front and begins with it; "
             "others are refused."}),
    fronts<&FrontOptions::forwarded>(
        {.name = "forwarded",
         .help = "The field in which trusted fronts say for whom they ask: \"x-forwarded-for\", or "
                 "\"forwarded\" (RFC 7239). It is read from its end, and the first address that is "
                 "not a trusted front is the client's. The front has to write this field: one that "
                 "it passes on unchanged is the client's own. \"off\": neither is read."}),
};

}  // namespace

Section<Options> fronts_section() {
  return {.name = "fronts",
          .help =
              "Reverse proxies and balancers in front of the broker, and how they say whose "
              "requests they pass on.",
          .keys = kFronts};
}

}  // namespace fanfare::config
