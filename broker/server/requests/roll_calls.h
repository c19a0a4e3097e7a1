// RollCalls: questions of publishers about who subscribes to one channel, while the shards answer
// them. Every shard is asked at once: how many it has, and for as much of the list as fits on the
// page. A shard looks at so many places of its table at a time; where that did not fill the page,
// it is asked again.
//
// The list is in the order of shards and of their tables. A stream that is there all the while is
// on one page, once; one that begins or ends meanwhile may be on none.
//
// How long an exchange waits is its transport's business: forget() follows. A session waits until
// take_late().
//
// Thread: the lead shard's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/server/base/counters.h"
#include "broker/server/base/settings.h"
#include "broker/server/base/switchboard.h"
#include "broker/server/sockets/routes.h"
#include "broker/wire/ingest/roll.h"

namespace fanfare::server {

// What waits for the answer: an exchange of one of the publishers' HTTP ports, or, by the same
// numbers, a connection that speaks lines of JSON.
struct RollAsker {
  enum class Kind : std::uint8_t { ingest, publish, session };
  Kind kind = Kind::ingest;
  ExchangeId id = {};
};

class RollCalls {
 public:
  struct Answered {
    RollAsker asker;
    ingest::RollRequest request;
    std::uint64_t subscribers = 0;
    std::vector<ingest::RollEntry> entries = {};
    std::optional<ingest::RollPlace> next = {};

    // As it was at that time of day; its views are of this.
    ingest::Roll page(std::int64_t at_ms) const {
      return {.channel = request.channel,
              .subscribers = subscribers,
              .at_ms = at_ms,
              .entries = entries,
              .next = next};
    }
  };

  RollCalls(Switchboard& switchboard, const Settings& settings, Counters& counters)
      : switchboard_(switchboard), settings_(settings), counters_(counters) {}

  void ask(const RollAsker& asker, ingest::RollRequest request, TimePoint until = {});
  // Nobody waits for the answer any more.
  void forget(const RollAsker& asker);
  // Sessions whose time is up; forgotten from now on.
  std::vector<RollAsker> take_late(TimePoint now);
  // One was waited for in vain: what its asker is told.
  std::string late();
  // What a shard says. An answer, if it was the last that was waited for.
  std::optional<Answered> take(RollMessage message);

 private:
  struct Part {
    std::uint64_t subscribers = 0;
    std::vector<RollMessage::Entry> entries;
    std::uint32_t next = 0;
    bool complete = false;
  };
  struct Call {
    RollAsker asker;
    TimePoint until;  // of a session
    ingest::RollRequest request;
    std::shared_ptr<const std::string> channel;
    std::vector<Part> parts;    // by shard
    std::uint32_t waiting = 0;  // shards that have not answered
  };

  void ask(std::uint64_t number, Call& call, std::uint32_t shard, std::uint32_t most);
  std::optional<std::uint32_t> too_short(const Call& call) const;
  Answered page_of(Call& call) const;

  Switchboard& switchboard_;
  const Settings& settings_;
  Counters& counters_;
  std::unordered_map<std::uint64_t, Call> calls_;
  std::uint64_t numbered_ = 0;
};

}  // namespace fanfare::server
