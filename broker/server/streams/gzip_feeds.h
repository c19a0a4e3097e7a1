// GzipFeeds: the feeds of one shard whose members are sent their events compressed. A feed has one
// compressor, whatever the number of its members: what a round brings is compressed once, and all
// of them get the same bytes (docs/decisions/0022-compressed-once.md).
//
//   shared   to all members of the feed: each round's text, which may refer back to earlier rounds
//   own      to one stream: what it is behind with, gaps, heartbeats, its end; not compressed
//
// Back references count bytes. So a member never gets anything of its own between two rounds: it
// leaves the feed for that, and joins it again where the next round refers to nothing before it
// (may_join). Such a restart makes one round's bytes several times as many, hence it takes place
// only if somebody wants to join, and not after each round. A stream that waits for it gets the
// rounds meanwhile as they are: Delivery sees to that.
//
// Sixteen bytes for each stream that is compressed (and for the places of others below it in the
// table), nothing for anybody else; nothing is done for each member and event.
//
// Thread: the shard's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/fanout/span.h"
#include "broker/fanout/stock.h"
#include "broker/server/base/counters.h"
#include "broker/server/sockets/connection.h"
#include "broker/server/streams/subscriber.h"
#include "broker/wire/http/gzip.h"

namespace fanfare::server {

class GzipFeeds {
 public:
  using Number = std::uint32_t;  // a feed's

  explicit GzipFeeds(Counters& counters) : counters_(counters) {}

  // ---- streams
  // One more in this feed, which leave() follows. False: it would be the first one, and there are
  // `feeds_max` others.
  bool enter(Number feed, std::uint32_t feeds_max);
  void leave(Number feed);
  // It was sent this at its beginning.
  void begin(Member member, const http::TextSum& said);

  // ---- what is a stream's own; it is not a member now
  // Appends `text` as it is, in chunks or not; it will be sent, or nothing after it.
  void append(std::string& out, Member member, fanout::Framing framing, std::string_view text);
  // A text that append_stored() has made of this.
  void note(Member member, std::string_view text);
  // The end of a body that is complete.
  void append_end(std::string& out, Member member, fanout::Framing framing);

  // ---- members
  // Whether one may join now; then the next round is a restart.
  bool may_join(Number feed, Tick tick);
  // Whatever it costs.
  void restart_next(Number feed) { shared(feed).restart = true; }
  void join(Number feed, Member member);
  // `at`: where it stood.
  void left(Number feed, Member member, fanout::Sequence at);
  std::uint32_t members(Number feed) const { return shared(feed).members; }
  // Numbers of the owner's: those that would like to join.
  std::vector<std::uint32_t>& waiting(Number feed) { return shared(feed).waiting; }

  // ---- rounds
  // This span, of one of its rounds, has not been compressed yet. (Those of a feed become newer.)
  bool is_new(Number feed, const fanout::Span& text) const { return text.last > shared(feed).last; }
  // The same for somebody who is no member.
  fanout::Span stored(fanout::Framing framing, const fanout::Span& text);
  // For the members: compressed the first time.
  const fanout::Span& packed(Number feed, fanout::Framing framing, const fanout::Span& text,
                             Tick tick);

 private:
  struct Shared {
    http::Deflater deflater;
    http::TextSum before;     // of all rounds but the last one
    http::TextSum now;        // and with it
    fanout::Span last_round;  // compressed
    fanout::Sequence last = 0;
    std::uint32_t streams = 0;
    std::uint32_t members = 0;
    std::uint32_t rounds = 0;  // since the last restart
    Tick restarted = 0;
    bool restart = true;  // the next round is one
    std::vector<std::uint32_t> waiting;
  };

  Shared& shared(Number feed) { return *feeds_.find(feed)->second; }
  const Shared& shared(Number feed) const { return *feeds_.find(feed)->second; }
  fanout::Span span_of(const std::string& bytes, const fanout::Span& text);

  Counters& counters_;
  std::unordered_map<Number, std::unique_ptr<Shared>> feeds_;
  // By Member. One that is not joined has a sum of its own, and follows nothing.
  std::vector<http::FollowingSum> sums_;
  fanout::SegmentStock buffers_{16};
  std::string scratch_;
};

}  // namespace fanfare::server
