#include "tests/sim/key_checker.h"

#include <fmt/format.h>

#include <algorithm>

namespace fanfare::sim {
namespace {

using Key = LatestOfKeys::Key;

std::string text_of(const Key& key, const Ledger& ledger) {
  return fmt::format("key \"{}\" of {}", key.second, ledger.channels()[key.first]);
}

// What a client makes of what it is sent: a map, which it forgets when it is told to begin anew.
class View {
 public:
  View(const Transcript& transcript, const Ledger& ledger)
      : transcript_(transcript), ledger_(ledger) {
    for (const Heard& heard : transcript.heard) enter(heard);
  }

  // The publication that it has of the key; none: it has none.
  std::optional<std::uint32_t> at(const Key& key) const {
    const auto known = values_.find(key);
    return known == values_.end() ? std::nullopt : std::optional(known->second);
  }
  const std::map<Key, std::uint32_t>& values() const { return values_; }
  const Problems& problems() const { return problems_; }
  // What publications it began before it may lack; 0: none.
  std::uint32_t owed_from() const { return owed_from_; }

 private:
  void enter(const Heard& heard) {
    if (heard.kind == Heard::Kind::opened && !heard.cursor && !holds_id_) {
      const bool all =
          heard.asked == Asked::now || (heard.asked == Asked::cursor && transcript_.has_ids);
      begin_anew();
      owed_from_ = all ? 0 : heard.ledger_count;
    }
    if (heard.kind == Heard::Kind::gap && heard.begins_anew()) {
      begin_anew();
      owed_from_ = 0;
    }
    if (heard.place) holds_id_ = true;
    if (heard.kind == Heard::Kind::event) enter_event(ledger_[heard.number]);
  }
  void begin_anew() {
    values_.clear();
    stands_.clear();
    cleared_.clear();
  }
  void enter_event(const Publication& publication) {
    if (!publication.key || !publication.place) return;
    if (publication.clears) return clear(publication);
    const Key key{publication.channel, *publication.key};
    const auto cleared = cleared_.find(key.first);
    if (cleared != cleared_.end() && *publication.place < cleared->second) {
      complain(key, publication, cleared->second);
    }
    const auto [known, first] = stands_.try_emplace(key, *publication.place);
    if (*publication.place < known->second) complain(key, publication, known->second);
    known->second = *publication.place;
    if (publication.removes) {
      values_.erase(key);
    } else {
      values_[key] = publication.number;
    }
  }
  void clear(const Publication& publication) {
    cleared_[publication.channel] = *publication.place;
    std::erase_if(values_, [&](const auto& one) { return one.first.first == publication.channel; });
  }
  void complain(const Key& key, const Publication& publication, Position before) {
    problems_.push_back(fmt::format("conflated: {} was sent publication {} at {} for {}, after {}",
                                    transcript_.name, publication.number, publication.place->text(),
                                    text_of(key, ledger_), before.text()));
  }

  const Transcript& transcript_;
  const Ledger& ledger_;
  std::map<Key, std::uint32_t> values_;
  std::map<Key, Position> stands_;             // the newest of each key, removals too
  std::map<std::uint32_t, Position> cleared_;  // by channel
  std::uint32_t owed_from_ = 0;
  bool holds_id_ = false;
  Problems problems_;
};

}  // namespace

LatestOfKeys::LatestOfKeys(const Ledger& ledger) : ledger_(ledger) {
  std::map<Key, const Publication*> last;
  for (const Publication& publication : ledger.publications()) {
    if (!publication.key || !publication.place) continue;
    const Position place = *publication.place;
    if (publication.clears) {
      Position& cleared = cleared_[{place.life, publication.channel}];
      cleared = std::max(cleared, place);
      continue;
    }
    const Key key{publication.channel, *publication.key};
    Position& newest = newest_[{place.life, key}];
    newest = std::max(newest, place);
    if (place.life != ledger.life()) continue;
    const Publication*& known = last[key];
    if (known == nullptr || *known->place < place) known = &publication;
  }
  for (const auto& [key, publication] : last) {
    const auto cleared = cleared_.find({ledger.life(), key.first});
    if (cleared != cleared_.end() && *publication->place < cleared->second) continue;
    if (!publication->removes) values_[key] = publication->number;
  }
}

bool LatestOfKeys::superseded(const Publication& publication) const {
  if (!publication.key || !publication.place) return false;
  const Position place = *publication.place;
  const auto cleared = cleared_.find({place.life, publication.channel});
  if (cleared != cleared_.end() && place < cleared->second) return true;
  if (publication.clears) return false;
  return place < newest_.at({place.life, Key{publication.channel, *publication.key}});
}

bool LatestOfKeys::may_be_cleared(const Publication& publication) const {
  return std::ranges::any_of(ledger_.publications(), [&](const Publication& one) {
    return one.clears && one.channel == publication.channel && !one.place &&
           (!one.cleared_before || publication.number < *one.cleared_before);
  });
}

Problems keys_missing_yet(const Transcript& transcript, const Ledger& ledger) {
  if (!ledger.keeps_keys() || transcript.ended()) return {};
  const View view(transcript, ledger);
  const LatestOfKeys latest(ledger);
  Problems problems;
  for (const auto& [key, number] : latest.values()) {
    if (!transcript.matches(ledger.channels()[key.first])) continue;
    const std::optional<std::uint32_t> has = view.at(key);
    if (has == number) continue;
    const Publication& due = ledger[number];
    if (!has && (number < view.owed_from() || latest.may_be_cleared(due))) continue;
    problems.push_back(fmt::format("{} has {} for {}, which is publication {} at {}",
                                   transcript.name,
                                   has ? fmt::format("publication {}", *has) : "nothing",
                                   text_of(key, ledger), number, due.place->text()));
  }
  // A raw stream has no removals.
  for (const auto& [key, number] : view.values()) {
    if (!transcript.has_ids || latest.values().contains(key)) continue;
    problems.push_back(fmt::format("{} has publication {} for {}, which was removed",
                                   transcript.name, number, text_of(key, ledger)));
  }
  return problems;
}

Problems check_conflated(const Transcript& transcript, const Ledger& ledger) {
  if (!ledger.keeps_keys()) return {};
  Problems problems = View(transcript, ledger).problems();
  if (!transcript.live) return problems;
  for (const std::string& problem : keys_missing_yet(transcript, ledger))
    problems.push_back("conflated: " + problem);
  return problems;
}

}  // namespace fanfare::sim
