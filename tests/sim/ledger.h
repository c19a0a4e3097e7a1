// Ledger: what publishers sent in one world, what they were told about it, and where in the log it
// turned out to lie. The truth that the checkers hold every transcript against. Nothing here comes
// from inside the broker: places are learnt from acknowledgements and from what readers received.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"

namespace fanfare::sim {

// A place in the log over all lives of the broker: each life has its own epoch.
struct Position {
  std::uint32_t life = 0;
  std::uint64_t sequence = 0;

  friend auto operator<=>(const Position&, const Position&) = default;
  std::string text() const;  // "life 0 sequence 17"
};

struct Publication {
  enum class Fate : std::uint8_t {
    open,     // on its way
    acked,    // its publisher was told that it is in the log
    refused,  // its publisher was told why not
    lost,     // its publisher lost the connection and does not know
  };

  std::uint32_t number =
      0;  // its index in the ledger, and (but for `again`) what `data` begins with
  std::uint32_t channel = 0;  // index in Ledger::channels()
  std::string type;
  std::string data;   // as published
  std::string heard;  // as it must be received: CR and CRLF have become LF
  Fate fate = Fate::open;
  std::optional<Position> place;
  std::optional<std::uint32_t> again;  // of what was published anew: the number in its data
  // Where the latest event of each key is kept: whose value it is.
  std::optional<std::string> key;
  bool removes = false;  // it says that the key has none any more; it has no number in its data
  bool clears = false;   // removes: all keys of the channel, if it had any
  // clears: what was begun from then on lies behind it; none: it was not answered.
  std::optional<std::uint32_t> cleared_before{};
};

// What subscribers are told when a key goes.
inline constexpr std::string_view kRemovedEvent = "removed";

class Ledger {
 public:
  // A broker with this epoch begins; what follows is published to it.
  void begin_life(std::string epoch);
  std::uint32_t life() const { return static_cast<std::uint32_t>(epochs_.size()) - 1; }
  // "<epoch>-<sequence>" of any life; what follows a comma is another's to judge.
  std::optional<Position> place_of(std::string_view id) const;
  std::string id_of(Position place) const;

  // Makes up an event that carries its number. The data has about `size` bytes of everything that
  // is hard to carry: line breaks of each kind, colons, spaces, characters of several bytes.
  Publication& begin(std::string_view channel, std::size_t size, Random& random);
  // The same, of a channel that keeps the latest event of each key; or a removal.
  Publication& begin(std::string_view channel, std::string_view key, std::size_t size,
                     Random& random);
  Publication& begin_removal(std::string_view channel, std::string_view key);
  // Somebody asked to drop a channel with all its keys.
  Publication& begin_clear(std::string_view channel);
  // A removal of this key may come to lie anywhere: it must be the only one, or the next could not
  // be told from it.
  bool removal_adrift(std::string_view channel, std::string_view key) const;
  // The removal of it, or of all, that lies there, as somebody was told; none: there is none.
  std::optional<std::uint32_t> learn_removal(std::string_view channel,
                                             const std::optional<std::string>& key, Position place);
  Publication& operator[](std::uint32_t number) { return publications_.at(number); }
  const Publication& operator[](std::uint32_t number) const { return publications_.at(number); }
  const std::vector<std::string>& channels() const { return channels_; }
  // Whether any channel keeps the latest event of each key; or this one, by its index.
  bool keeps_keys() const { return !keyed_.empty(); }
  bool keeps_keys(std::uint32_t channel) const { return keyed_.contains(channel); }
  const std::string& channel_of(const Publication& publication) const {
    return channels_[publication.channel];
  }
  // How many were begun: a moment in the ledger's own time.
  std::uint32_t count() const { return static_cast<std::uint32_t>(publications_.size()); }
  const std::vector<Publication>& publications() const { return publications_; }

  // Publication `number` lies there, as somebody was told: the number to know it by, which is that
  // of a second publication if it was sent again after its channel had been dropped (the channel's
  // keys are forgotten with it, and it is published anew). None: it was said to lie elsewhere.
  std::optional<std::uint32_t> learn(std::uint32_t number, Position place);
  // What a stream that tells no places means by a number: of what was published anew, the first
  // that lies after the place where the stream stands.
  std::uint32_t next_of(std::uint32_t number, const std::optional<Position>& stands) const;
  // The number of what was published last under this one.
  std::uint32_t newest_of(std::uint32_t number) const;
  // A publisher began to finish the channel: from now on a stream of it may be complete.
  void begin_finish(std::string_view channel) { finished_.emplace_back(channel); }
  bool finish_begun(std::string_view channel) const;
  // Somebody asked to drop a channel that may be finished: it may be published to again.
  void begin_reopen(std::string_view channel) { reopened_.emplace_back(channel); }
  bool reopen_begun(std::string_view channel) const;

  // Somebody asked to drop the channel.
  void begin_erase(std::string_view channel) { erased_.push_back({std::string(channel), count()}); }

  // The number that data begins with, if there is such a publication.
  std::optional<std::uint32_t> number_in(std::string_view data) const;

 private:
  Publication& add(std::string_view channel);
  void name_key(Publication& publication, std::string_view key);

  std::vector<std::string> epochs_;
  std::vector<std::string> channels_;
  std::set<std::uint32_t> keyed_;  // of these, by index
  std::vector<std::string> finished_;
  std::vector<std::string> reopened_;
  struct Erased {
    std::string channel;
    std::uint32_t moment;  // in the ledger's time
  };
  std::vector<Erased> erased_;
  std::vector<Publication> publications_;
};

}  // namespace fanfare::sim
