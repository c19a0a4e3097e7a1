// The keys, the part about the log of requests.

#include <array>

#include "broker/config/key_sections.h"
#include "broker/config/keys.h"
#include "broker/config/member_key.h"

namespace fanfare::config {
namespace {

using server::AccessOptions;
using server::Options;

template <auto kMember>
constexpr Key<Options> access(Facts facts) {
  return key<Options, &Options::access, kMember>(facts);
}

constexpr std::array kAccess{
    access<&AccessOptions::log>(
        {.name = "log",
         .help = "Where a line of JSON is written for each request of a subscriber that was "
                 "answered, and for each event stream when it has ended: an absolute path, "
                 "\"stderr\" or \"stdout\". The file is opened anew on SIGHUP, for logrotate. "
                 "Tokens and tickets are not in it. Empty: nowhere."}),
    access<&AccessOptions::buffer>(
        {.name = "buffer",
         .at_least = 4U << 10U,
         .at_most = 1U << 30U,
         .help = "Lines of each shard that wait to be written. If the disk cannot keep up, further "
                 "lines are left out, and a line says how many; no client waits for it."}),
};

}  // namespace

Section<Options> access_section() {
  return {.name = "access",
          .help = "The log of what subscribers asked and what became of it, off by default.",
          .keys = kAccess};
}

}  // namespace fanfare::config
