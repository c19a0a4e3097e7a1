// Listings: questions of operators about connections and channels, while they are answered. Every
// shard is asked at once for the rows that come first on it; of all these the page is chosen, and
// the shards that have its rows put them into words. Channels are the lead's own: it looks through
// them here, so many places in a turn.
//
// How long an exchange waits is its port's business: forget() follows.
//
// Thread: the lead shard's.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "broker/server/base/listing.h"
#include "broker/server/base/switchboard.h"
#include "broker/server/sockets/routes.h"

namespace fanfare::server {

class Listings {
 public:
  Listings(Switchboard& switchboard, ChannelSource& channels)
      : switchboard_(switchboard), channels_(channels) {}

  template <class Listing>
  struct Answered {
    ExchangeId exchange;
    Listing listing;
  };

  void ask(ExchangeId exchange, WalkOrder order);
  void ask(ExchangeId exchange, ChannelOrder order);
  // Nobody waits for the answer any more.
  void forget(ExchangeId exchange);

  // What a shard says. An answer, if it was the last that was waited for.
  std::optional<Answered<ConnectionListing>> take(WalkedMessage message);
  std::optional<Answered<ConnectionListing>> take(DescribedMessage message);

  bool work_waiting() const { return !channel_calls_.empty(); }
  // A slice of what there is to do about channels.
  std::optional<Answered<ChannelListing>> walk_on();

 private:
  struct Call {
    ExchangeId exchange;
    ConnectionListing listing;
    std::vector<FoundConnection> found;              // first of all shards, then of the page
    std::vector<std::vector<std::uint32_t>> places;  // by shard: which of the page's rows it has
    std::vector<std::optional<ConnectionRow>> rows;  // of the page
    std::uint32_t waiting = 0;                       // shards that have not answered
  };
  struct ChannelCall {
    ExchangeId exchange;
    ChannelListing listing;  // its rows are a heap until it is complete
    std::uint32_t next = 0;
  };

  void choose(Call& call) const;
  Answered<ConnectionListing> complete(std::uint64_t number);
  void consider(ChannelCall& call, const ChannelSource::Seen& seen);
  void complete(ChannelCall& call);

  Switchboard& switchboard_;
  ChannelSource& channels_;
  std::unordered_map<std::uint64_t, Call> calls_;
  std::deque<ChannelCall> channel_calls_;  // they take turns
  std::uint64_t numbered_ = 0;
};

}  // namespace fanfare::server
