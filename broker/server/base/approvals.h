// Approvals: what applications have lately allowed, on all shards: for a request, the channels to
// which it was attached. A client that lost its stream and makes the same request again, with a
// cursor, is attached again without asking (docs/decisions/0014-asking-the-application.md).
//
// A request is the same if it is the same to the byte, with everything by which a client can prove
// who it is: its whole text is kept and compared, and no digest of it. Two streams to which the
// same request led, but with different channels, cannot be told apart by it: such a request is
// asked again.
//
// Bounded in bytes, oldest first, and each for a time. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/time.h"

namespace fanfare::server {

struct Approval {
  std::vector<std::string> channels;
  std::optional<Duration> heartbeat;
  // When the stream ends, and the application is to be asked again: it comes back then, or is
  // complete.
  std::optional<TimePoint> ends;
  bool ends_complete = false;
};

class Approvals {
 public:
  // `request` is a text for which no other request has the same.
  void remember(std::string request, const Approval& approval, TimePoint until,
                std::size_t bytes_max);
  // Nothing: it is to be asked.
  std::optional<Approval> find(std::string_view request, TimePoint now);

  std::size_t bytes() const;

 private:
  struct Entry {
    std::string request;
    Approval approval;
    TimePoint until;
    bool ambiguous = false;
    std::size_t bytes = 0;
  };
  using Entries = std::list<Entry>;
  void forget(Entries::iterator entry);

  mutable std::mutex mutex_;
  Entries entries_;                                           // oldest first
  std::map<std::string_view, Entries::iterator> by_request_;  // views of Entry::request
  std::size_t bytes_ = 0;
};

}  // namespace fanfare::server
