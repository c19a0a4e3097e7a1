// Presence: which subscribers there are on this shard, for publishers that watch ({"op":"watch"}).
// Streams that begin and end are reported while a publisher watches. Those that were there before
// are reported by a census, one for each watcher:
//
//   lead                                shards
//   ── begins (Switchboard::census) ──▶ all: from here on it hears of comings and goings
//   ── part ─────────────────────────▶  one: looks on from place to place, tells of those it finds
//   ◀─ notices, and how far it came ──  that began before the census did; then the next part
//
// The lead asks for a part when the watcher has room for it, so nothing piles up however many
// streams there are. A stream that ends before a census has come to its place is reported when
// it ends: each is reported once, none after it has ended.
//
// Reporting a stream's query costs no memory if its topics say the same: only other queries are
// kept, and each subject once, up to [limits] queries_bytes.
//
// A list of one channel's subscribers is made when it is asked for (take(RollCallMessage)), from
// the table of subscribers: nothing is kept for that.
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

#include "broker/fanout/replica.h"
#include "broker/server/base/counters.h"
#include "broker/server/base/settings.h"
#include "broker/server/base/switchboard.h"
#include "broker/server/streams/arrivals.h"
#include "broker/server/streams/subjects.h"
#include "broker/server/streams/subscriber.h"

namespace fanfare::server {

// The id by which publishers that watch tell streams apart: no two that are there at a time have
// the same one, and JavaScript's numbers hold it.
std::uint64_t stream_id(std::uint32_t shard, std::uint32_t shards, Member member,
                        std::uint32_t members_max, std::uint32_t began);

// As a request would name them: channel=a&channel=b.
std::string query_of(const std::vector<std::string>& topics);
// The query with those of the topics that it does not name before it: they were in the body.
std::string full_query(std::string_view query, const std::vector<std::string>& topics);

class Presence {
 public:
  struct Parts {
    std::uint32_t shard = 0;
    const Settings& settings;
    Subscribers& subscribers;
    fanout::Replica& replica;
    Counters& counters;
    Switchboard& switchboard;
  };
  explicit Presence(const Parts& parts) : parts_(parts), subjects_(parts.subscribers.capacity()) {}

  // What its request says of a stream that begins.
  struct Arrival {
    std::string_view query;
    std::string_view cursor;
    std::string_view subject;
  };

  // The time of day, and this tick's number: at least once a tick.
  void tell_time(Tick tick, std::int64_t unix_ms) {
    tick_ = tick;
    unix_ms_ = unix_ms;
  }
  // A stream began, or ends: it still has its feed.
  void came(Member member, const Arrival& arrival);
  void went(Member member, CloseReason reason);
  // The lead's orders.
  void take(const CensusMessage& order);
  void take(const RollCallMessage& order) const;

  // For operators; not of live pages. Its number, whose it is (empty: nobody has said), what its
  // request's query was, and for how long it has been there.
  std::uint64_t id_of(Member member) const;
  std::string_view subject_of(Member member) const { return subjects_.of(member); }
  std::string known_query(Member member) const;
  Duration age(Member member) const;

 private:
  using Filter = std::shared_ptr<const std::vector<std::string>>;
  struct Census {
    std::uint32_t number = 0;
    std::uint32_t start = 0;  // streams from this one on came later
    Member next = 0;          // those before it have been reported
    Filter of = {};           // as far as its order has arrived
  };
  // A query that its stream's topics do not say; ends with a zero.
  using Query = std::unique_ptr<char[]>;

  void begin_censuses();
  bool counts(Member member) const;
  bool owed(const Census& census, Member member) const;
  void count_part(Census& census);
  std::size_t tell_present(const Census& census, Member member);
  NoticeMessage notice(Member member, NoticeMessage::Kind kind, std::uint32_t census) const;
  bool room_for(std::uint64_t bytes);
  void keep_query(Member member, std::string_view query);
  void keep_subject(Member member, std::string_view subject);
  void forget(Member member);
  std::int64_t since_ms(Member member) const;
  ingest::RollEntry entry_of(Member member, std::string_view channel) const;

  Parts parts_;
  std::uint32_t streams_ = 1;  // the number of the next to begin, modulo 2^32
  std::uint32_t newest_ = 0;   // the last census that began
  std::vector<Census> censuses_;
  std::unordered_map<Member, Query> queries_;
  Subjects subjects_;
  Arrivals arrivals_;
  Tick tick_ = 0;
  std::int64_t unix_ms_ = 0;
};

// Whether a stream of these topics has to do with the channels and patterns of a list: it gets
// events of a channel that one of them matches.
bool concerns(const std::vector<std::string>& list, const fanout::Topics& topics);

}  // namespace fanfare::server
