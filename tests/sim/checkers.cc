#include "tests/sim/checkers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "tests/sim/key_checker.h"

namespace fanfare::sim {
namespace {

// Among its channels are such as keep the latest event of each key.
bool gets_keys(const Transcript& transcript, const Ledger& ledger) {
  if (!ledger.keeps_keys()) return false;
  const auto& channels = ledger.channels();
  for (std::uint32_t i = 0; i < channels.size(); ++i) {
    if (ledger.keeps_keys(i) && transcript.matches(channels[i])) return true;
  }
  return false;
}

// What a transcript says was owed to its client, and what came.
class Account {
 public:
  Account(const Transcript& transcript, const Ledger& ledger)
      : transcript_(transcript), ledger_(ledger) {
    for (const std::string& channel : ledger.channels())
      wanted_.push_back(transcript.matches(channel));
    has_keys_ = gets_keys(transcript, ledger);
    if (has_keys_) latest_.emplace(ledger);
    first_.resize(ledger.channels().size());
    received_.resize(ledger.count());
    for (const Heard& heard : transcript.heard) enter(heard);
  }

  // It is in the log, and this subscription should have had it.
  bool owed(const Publication& publication) const {
    if (!wanted_[publication.channel]) return false;
    if (publication.fate != Publication::Fate::acked && !publication.place) return false;
    if (mark_ && publication.number >= *mark_) return true;
    if (!publication.place) return false;
    const std::optional<Position>& first = first_[publication.channel];
    return (floor_ && *floor_ < *publication.place) || (first && *first < *publication.place);
  }
  bool received(const Publication& publication) const { return received_[publication.number]; }
  // A gap event covered its loss. If its place is not known, any gap may have.
  bool excused(const Publication& publication) const {
    if (publication.key && superseded_in_time(publication)) return true;
    return std::ranges::any_of(transcript_.heard, [&](const Heard& heard) {
      return heard.kind == Heard::Kind::gap &&
             (!publication.place || covers(heard, *publication.place)) &&
             (publication.key ? heard.begins_anew() || superseded(publication)
                              : heard.reason != kConflated);
    });
  }
  static bool covers(const Heard& gap, Position place) {
    return (!gap.after || *gap.after < place) && place <= gap.resumed;
  }
  // It may be anywhere: no publisher was told where.
  bool unplaced(const Publication& publication) const {
    return wanted_[publication.channel] && !publication.place &&
           publication.fate != Publication::Fate::refused;
  }
  bool has_keys() const { return has_keys_; }
  bool wanted(const Publication& publication) const { return wanted_[publication.channel]; }
  // The newest event it received.
  const std::optional<Position>& newest() const { return newest_; }

 private:
  bool superseded(const Publication& publication) const {
    return latest_ && latest_->superseded(publication);
  }
  // It is not true any more, and the client may have been sent what is: as one that is behind, as a
  // newcomer, or as one that began anew, which are given no more than the latest of each key.
  bool superseded_in_time(const Publication& publication) const {
    if (!publication.place) return false;
    const bool over = superseded(publication);
    if (over && transcript_.conflates) return true;
    if (!over && !publication.removes) return false;
    if (!over && !transcript_.has_ids) return true;  // a raw stream has no removals
    if (mark_ && publication.number < *mark_) return true;
    return over && std::ranges::any_of(transcript_.heard, [&](const Heard& heard) {
             return heard.kind == Heard::Kind::gap && heard.begins_anew() &&
                    publication.number < heard.ledger_count &&
                    (!heard.after || *heard.after < *publication.place);
           });
  }
  void enter(const Heard& heard) {
    switch (heard.kind) {
      case Heard::Kind::opened:
        if (heard.cursor) {
          if (!floor_) floor_ = heard.cursor;
        } else if (!holds_id_) {
          mark_ = heard.ledger_count;
          // Raw streams are not told of gaps, also not where they begin.
          suffix_only_ = heard.asked == Asked::earliest || heard.asked == Asked::replay ||
                         (heard.asked == Asked::cursor && !transcript_.has_ids);
        }
        break;
      case Heard::Kind::position:
        holds_id_ = true;
        // Before the latest event of each key, which may be older than all that it is owed.
        if (!floor_ && !suffix_only_ && !has_keys_) floor_ = heard.place;
        break;
      case Heard::Kind::event:
        enter_event(heard);
        break;
      case Heard::Kind::gap:
        holds_id_ = true;
        if (!floor_ && !suffix_only_) floor_ = heard.place;
        break;
      case Heard::Kind::cut:
        // Without an id the client begins anew: what it missed meanwhile is nobody's debt.
        if (!holds_id_) mark_.reset();
        break;
      case Heard::Kind::ended:
        break;
    }
  }
  // Raw streams tell no places. What is older than a stream that began with now is what was
  // published anew, if it was.
  std::uint32_t number_of(const Heard& heard) const {
    if (heard.place) return heard.number;
    const bool older = !suffix_only_ && !newest_ && mark_ && heard.number < *mark_;
    return older ? ledger_.newest_of(heard.number) : ledger_.next_of(heard.number, newest_);
  }
  void enter_event(const Heard& heard) {
    holds_id_ = transcript_.has_ids;
    const std::uint32_t number = number_of(heard);
    received_[number] = true;
    const Publication& publication = ledger_[number];
    if (!publication.place) return;
    const Position place = *publication.place;
    newest_ = std::max(newest_.value_or(place), place);
    // Old events may have left the window of one channel and not of another: what came of a channel
    // is a suffix of it.
    std::optional<Position>& first = first_[publication.channel];
    const bool may_be_old = has_keys_ && !suffix_only_ && !(mark_ && number >= *mark_);
    if (may_be_old) return;
    if (!first) first = place;
    if (!floor_ && !suffix_only_) floor_ = place;
  }

  const Transcript& transcript_;
  const Ledger& ledger_;
  std::vector<bool> wanted_;                    // by channel
  std::vector<std::optional<Position>> first_;  // by channel
  std::vector<bool> received_;                  // by publication
  std::optional<Position> floor_;               // all that lies after it is owed
  std::optional<std::uint32_t> mark_;           // all that was begun since is owed
  std::optional<Position> newest_;
  bool has_keys_ = false;
  std::optional<LatestOfKeys> latest_;  // if it has
  bool suffix_only_ = false;
  bool holds_id_ = false;
};

std::string text_of(const Publication& publication, const Ledger& ledger) {
  return fmt::format("publication {} on {} at {}", publication.number,
                     ledger.channel_of(publication),
                     publication.place ? publication.place->text() : "an unknown place");
}

void check_gap_event(const Heard& gap, const std::optional<Position>& stands,
                     const Account& account, const Transcript& transcript, const Ledger& ledger,
                     Problems& problems) {
  const auto complain = [&](std::string_view what) {
    problems.push_back(fmt::format("gap: {} was told of a gap ({}, {}] at {} that {}",
                                   transcript.name, gap.after ? gap.after->text() : "unknown",
                                   gap.resumed.text(), gap.place ? gap.place->text() : "no id",
                                   what));
  };
  if (!gap.place) return complain("carries no id");
  if (!gap.after || gap.after->life != gap.resumed.life) return;  // history was lost, or unknown
  if (gap.resumed <= *gap.after) return complain("is empty");
  const bool anew = account.has_keys() && gap.begins_anew();
  if (*gap.place < *gap.after && !anew) return complain("goes back");
  if (stands && *gap.after < *stands) return complain("begins before what was received");
  for (const Publication& publication : ledger.publications()) {
    if (account.unplaced(publication)) return;
    if (account.wanted(publication) && publication.place && !account.received(publication) &&
        Account::covers(gap, *publication.place))
      return;
  }
  // Values that have left the history may all be the latest of their keys.
  if (gap.reason != kConflated) complain("hides nothing");
}

}  // namespace

Problems check_order(const Transcript& transcript, const Ledger& ledger) {
  Problems problems;
  std::optional<Position> stands;
  const auto advance = [&](const Heard& heard, bool strictly, std::string_view what) {
    if (heard.place && stands &&
        (*heard.place < *stands || (strictly && *heard.place == *stands))) {
      problems.push_back(fmt::format("order: {} received {} at {} when it stood at {}",
                                     transcript.name, what, heard.place->text(), stands->text()));
    }
    if (heard.place) stands = heard.place;
  };
  // A client that is told to begin anew gets the latest of all keys, from the oldest on, but
  // nothing of other channels that it had before.
  const bool has_keys = gets_keys(transcript, ledger);
  std::optional<Position> had;
  for (const Heard& heard : transcript.heard) {
    if (heard.kind == Heard::Kind::opened && heard.cursor) stands = had = heard.cursor;
    if (heard.kind == Heard::Kind::position) advance(heard, false, "a position");
    if (heard.kind == Heard::Kind::gap && has_keys && heard.begins_anew()) {
      had = std::max(had, stands);
      stands = heard.place;
    } else if (heard.kind == Heard::Kind::gap) {
      advance(heard, false, "a gap");
    }
    if (heard.kind != Heard::Kind::event) continue;
    const Publication& publication =
        ledger[heard.place ? heard.number : ledger.next_of(heard.number, stands)];
    Heard placed = heard;
    placed.place = publication.place;  // raw streams carry no id
    if (!publication.key && placed.place && had && *placed.place <= *had)
      problems.push_back(fmt::format("order: {} received {} again: it stood at {}", transcript.name,
                                     text_of(publication, ledger), had->text()));
    advance(placed, true, fmt::format("publication {}", heard.number));
    if (heard.place && publication.place && *heard.place != *publication.place)
      problems.push_back(fmt::format("order: {} received {} at {}", transcript.name,
                                     text_of(publication, ledger), heard.place->text()));
    if (!transcript.matches(ledger.channel_of(publication)))
      problems.push_back(fmt::format("order: {} received {}, which it did not ask for",
                                     transcript.name, text_of(publication, ledger)));
  }
  return problems;
}

Problems check_gap(const Transcript& transcript, const Ledger& ledger) {
  Problems problems;
  const Account account(transcript, ledger);
  for (const Publication& publication : ledger.publications()) {
    if (!publication.place || !account.newest() || *account.newest() < *publication.place) continue;
    if (account.owed(publication) && !account.received(publication) &&
        !account.excused(publication)) {
      problems.push_back(fmt::format("gap: {} never received {} and was not told", transcript.name,
                                     text_of(publication, ledger)));
    }
  }
  std::optional<Position> stands;
  for (const Heard& heard : transcript.heard) {
    if (heard.kind == Heard::Kind::gap)
      check_gap_event(heard, stands, account, transcript, ledger, problems);
    if (heard.kind == Heard::Kind::opened && heard.cursor) stands = heard.cursor;
    if (heard.place) stands = heard.place;
  }
  return problems;
}

Problems missing_yet(const Transcript& transcript, const Ledger& ledger) {
  Problems problems;
  const Account account(transcript, ledger);
  for (const Publication& publication : ledger.publications()) {
    if (publication.place && account.newest() && *publication.place < *account.newest()) continue;
    // A stream that was complete is owed nothing of a later life of the broker, or of the channel.
    if (transcript.ended() &&
        (ledger.reopen_begun(ledger.channel_of(publication)) ||
         publication.number >= transcript.heard.back().ledger_count || !publication.place ||
         !account.newest() || account.newest()->life < publication.place->life))
      continue;
    if (account.owed(publication) && !account.received(publication) &&
        !account.excused(publication)) {
      problems.push_back(
          fmt::format("{} has not received {}", transcript.name, text_of(publication, ledger)));
    }
  }
  return problems;
}

Problems check_ack(const Transcript& transcript, const Ledger& ledger) {
  if (!transcript.live && !transcript.ended()) return {};
  Problems problems = missing_yet(transcript, ledger);
  for (std::string& problem : problems) problem.insert(0, "ack: ");
  if (!transcript.ended()) return problems;
  for (const std::string& topic : transcript.topics) {
    if (!ledger.finish_begun(topic))
      problems.push_back(
          fmt::format("ack: {} was told that its stream is complete, but {} was "
                      "never finished",
                      transcript.name, topic));
  }
  return problems;
}

}  // namespace fanfare::sim
