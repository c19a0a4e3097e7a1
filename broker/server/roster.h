// Roster: how many subscribers every topic has over all shards, as the lead shard has been told.
// Answers PUBLISH's receivers, PUBSUB NUMSUB and the live page. Exact up to what is in the mail.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fanfare::server {

class Roster {
 public:
  void change(std::string_view topic, std::int64_t delta);

  // Subscribers of exactly this name, without patterns.
  std::uint64_t subscribers(std::string_view channel) const;
  // Whoever would get an event of this channel. A subscriber with several matching topics counts
  // once for each.
  std::uint64_t receivers(std::string_view channel) const;
  std::uint64_t pattern_subscribers() const;

 private:
  struct Hash {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard's name
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  // Signed: of two shards, the one's loss may arrive before the other's gain.
  std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> names_;
  struct Pattern {
    std::string text;
    std::int64_t count = 0;
  };
  std::vector<Pattern> patterns_;  // few; scanned for each publish only while there are some
};

}  // namespace fanfare::server
