// Tickets: what an application gives a client that can send no header and shall have no token, an
// EventSource: a word in the URL that opens one stream, once. Issued over the ingest socket, good
// on every shard, kept until it is used or its time is up. Bounded in number and in age.
//
// Thread: any; the shards share one, and ask it only about requests that bring a ticket.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "broker/policy/grants.h"

#include "common/time.h"

namespace fanfare::server {

class Tickets {
 public:
  // A new one, 22 characters that nobody guesses; nothing if `count_max` are kept.
  std::optional<std::string> issue(policy::Grants grants, Duration life, TimePoint now,
                                   std::size_t count_max);
  // What it grants; then it is gone. Nothing: it was never issued, was used, or is too old.
  std::optional<policy::Grants> take(std::string_view ticket, TimePoint now);

  std::size_t size() const;

 private:
  struct Kept {
    policy::Grants grants;
    TimePoint until;
  };
  void forget_old(TimePoint now);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Kept> kept_;
  std::set<std::pair<TimePoint, std::string>> by_age_;  // those of kept_, the oldest first
};

}  // namespace fanfare::server
