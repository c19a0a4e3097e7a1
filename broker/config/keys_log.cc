// The keys, the part about what the broker writes to disks: the journal, the log of requests.

#include <array>

#include "broker/config/key_sections.h"
#include "broker/config/keys.h"
#include "broker/config/member_key.h"

namespace fanfare::config {
namespace {

using server::AccessOptions;
using server::JournalOptions;
using server::Options;

template <auto kMember>
constexpr Key<Options> journal(Facts facts) {
  facts.restart = true;
  return key<Options, &Options::journal, kMember>(facts);
}

constexpr std::uint64_t ns(Duration duration) {
  return static_cast<std::uint64_t>(duration.count());
}

constexpr std::array kJournal{
    journal<&JournalOptions::path>(
        {.name = "path",
         .help =
             "The folder in which the history is kept on disk, so that it outlives the process: "
             "an absolute path. It is made if it is not there, and belongs to one broker. "
             "Empty: the history is in memory only."}),
    journal<&JournalOptions::level>(
        {.name = "level",
         .help = "What an acknowledgement means. \"always\": the event is on the disk, and no "
                 "subscriber sees it before. \"interval\": it is with the operating system, and "
                 "outlives the process but not the machine; it is on the disk within sync. If the "
                 "machine fails, the history gets a new epoch."}),
    journal<&JournalOptions::sync>(
        {.name = "sync",
         .at_least = ns(10ms),
         .at_most = ns(1h),
         .help = "With level = \"interval\": how long what was acknowledged may take to reach the "
                 "disk."}),
    journal<&JournalOptions::rewrite>(
        {.name = "rewrite",
         .at_least = 1U << 20U,
         .at_most = std::uint64_t{1} << 40U,
         .help = "When so much has been written, and more than the history takes, the journal is "
                 "written anew in the background: what has left the history is not in it any more. "
                 "For that time the history is in memory once more."}),
};

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

Section<Options> journal_section() {
  return {.name = "journal",
          .help =
              "The history on a disk, off by default: what was acknowledged outlives the broker "
              "([JOURNAL.md](JOURNAL.md)).",
          .keys = kJournal};
}

Section<Options> access_section() {
  return {.name = "access",
          .help = "The log of what subscribers asked and what became of it, off by default.",
          .keys = kAccess};
}

}  // namespace fanfare::config
