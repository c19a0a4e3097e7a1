// Roster: how many streams there are over all shards, by what they subscribe to, as the shards have
// reported it to the lead. Answers PUBLISH's receivers, PUBSUB NUMSUB and the live page. Exact but
// for reports that are still in the mail.
//
// A stream counts once for an event, however many of its topics match the channel. A name is not
// counted for it where one of its own patterns matches that name; and streams with the same several
// patterns are a group, so that a stream whose patterns match a channel twice can be subtracted
// again. Most channels match one pattern at most, and nothing has to be subtracted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/fanout/name_hash.h"
#include "broker/fanout/topics.h"

#include "common/pattern_index.h"
#include "common/postings.h"

namespace fanfare::server {

class Roster {
 public:
  explicit Roster(fanout::NameHash hash);
  ~Roster();

  // Streams of exactly these topics have come, or gone: never more than had come.
  void change(const fanout::Topics& topics, std::int64_t delta);

  // Streams that subscribe to exactly this name, whatever patterns they also have.
  std::uint64_t subscribers(std::string_view name) const;
  // Streams that an event of this channel goes to.
  std::uint64_t receivers(std::string_view channel);
  // Every name that has subscribers, until `visit` returns false.
  template <class Visit>
  void for_each_name(const Visit& visit) const {
    for (const auto& [name, entry] : names_) {
      if (!visit(std::string_view(name))) return;
    }
  }
  // Names that have got their first subscriber, or lost their last, in this order; noted while
  // somebody wants to know.
  struct Turn {
    std::string name;
    bool occupied = false;
  };
  void note_turns(bool note) { noting_ = note; }
  std::vector<Turn> take_turns() { return std::exchange(turns_, {}); }
  // Different patterns.
  std::size_t pattern_count() const { return index_.count(); }

 private:
  using Id = PatternIndex::Id;
  struct Name {
    std::uint64_t streams = 0;
    std::uint64_t alone = 0;  // of these: none of its patterns matches the name
  };
  // Streams that have the same patterns, two or more of them.
  struct Group {
    std::vector<Id> patterns;              // in order
    std::vector<std::uint32_t> listed_at;  // among the groups of each of them
    std::uint64_t streams = 0;
    std::uint64_t seen = 0;  // the last count that came here
  };
  struct Pattern {
    std::uint64_t streams = 0;
    Postings<Group> groups;
  };
  struct IdsHash {
    std::size_t operator()(const std::vector<Id>& ids) const;
  };
  // For the channels looked up last: how many streams their patterns add.
  struct Known {
    std::uint64_t generation = 0;
    std::uint64_t receivers = 0;
    std::string channel;
  };
  // A power of two. Two channels with one place evict each other: 3 % of 1,000 do; with 4,096
  // places a fifth did, and their patterns were counted anew for each event.
  static constexpr std::size_t kKnownMax = 32'768;

  void change_names(const fanout::Topics& topics, std::int64_t delta);
  void change_group(std::int64_t delta);
  std::uint64_t by_patterns(std::string_view channel);
  std::uint64_t count_by_patterns(std::string_view channel);
  std::uint64_t counted_twice();

  fanout::NameHash hash_;
  fanout::NameMap<Name> names_;
  PatternIndex index_;
  std::vector<Pattern> patterns_;  // by the index's number
  std::unordered_map<std::vector<Id>, std::unique_ptr<Group>, IdsHash> groups_;
  std::uint64_t generation_ = 1;  // of the patterns
  std::vector<Known> known_;      // by hash; none before there is a pattern
  std::uint64_t counts_ = 0;      // so far, for Group::seen
  bool noting_ = false;
  std::vector<Turn> turns_;
  std::vector<Id> ids_;  // kept for their memory
  std::vector<Id> matched_;
};

}  // namespace fanfare::server
