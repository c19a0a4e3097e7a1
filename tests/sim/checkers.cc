#include "tests/sim/checkers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

namespace fanfare::sim {
namespace {

// What a transcript says was owed to its client, and what came.
class Account {
 public:
  Account(const Transcript& transcript, const Ledger& ledger)
      : transcript_(transcript), ledger_(ledger) {
    for (const std::string& channel : ledger.channels())
      wanted_.push_back(transcript.matches(channel));
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
    return std::ranges::any_of(transcript_.heard, [&](const Heard& heard) {
      return heard.kind == Heard::Kind::gap &&
             (!publication.place || covers(heard, *publication.place));
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
  bool wanted(const Publication& publication) const { return wanted_[publication.channel]; }
  // The newest event it received.
  const std::optional<Position>& newest() const { return newest_; }

 private:
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
        if (!floor_ && !suffix_only_) floor_ = heard.place;
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
  if (*gap.place < *gap.after) return complain("goes back");
  if (stands && *gap.after < *stands) return complain("begins before what was received");
  for (const Publication& publication : ledger.publications()) {
    if (account.unplaced(publication)) return;
    if (account.wanted(publication) && publication.place && !account.received(publication) &&
        Account::covers(gap, *publication.place))
      return;
  }
  complain("hides nothing");
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
  for (const Heard& heard : transcript.heard) {
    if (heard.kind == Heard::Kind::opened && heard.cursor) stands = heard.cursor;
    if (heard.kind == Heard::Kind::position) advance(heard, false, "a position");
    if (heard.kind == Heard::Kind::gap) advance(heard, false, "a gap");
    if (heard.kind != Heard::Kind::event) continue;
    const Publication& publication =
        ledger[heard.place ? heard.number : ledger.next_of(heard.number, stands)];
    Heard placed = heard;
    placed.place = publication.place;  // raw streams carry no id
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
