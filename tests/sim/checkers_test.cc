// Each checker on transcripts written by hand.
#include "tests/sim/checkers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfare::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CheckersTest : public testing::Test {
 protected:
  CheckersTest() {
    ledger_.begin_life("aaaaaaa");
    for (int i = 1; i <= 6; ++i) publish(i % 2 == 1 ? "odd" : "even");
    transcript_ = {.name = "reader", .topics = {"odd", "even"}};
    heard(Heard::Kind::opened).ledger_count = 0;
  }
  void publish(std::string_view channel) {
    Publication& publication = ledger_.begin(channel, 0, random_);
    publication.fate = Publication::Fate::acked;
    ledger_.learn(publication.number, {0, publication.number + 1U});
  }
  Heard& heard(Heard::Kind kind) {
    Heard entry{.kind = kind};
    entry.ledger_count = ledger_.count();
    return transcript_.heard.emplace_back(std::move(entry));
  }
  void event(std::uint64_t sequence) {
    Heard& entry = heard(Heard::Kind::event);
    entry.place = Position{0, sequence};
    entry.number = static_cast<std::uint32_t>(sequence - 1);
  }
  void gap(std::uint64_t after, std::uint64_t resumed, std::uint64_t id) {
    Heard& entry = heard(Heard::Kind::gap);
    entry.after = Position{0, after};
    entry.resumed = {0, resumed};
    entry.place = Position{0, id};
  }
  Problems all() const {
    Problems problems;
    for (const auto check : {check_order, check_gap, check_ack}) {
      for (std::string& problem : check(transcript_, ledger_)) problems.push_back(problem);
    }
    return problems;
  }

  Random random_{1};
  Ledger ledger_;
  Transcript transcript_;
};

TEST_F(CheckersTest, AcceptEverythingInOrder) {
  for (std::uint64_t sequence = 1; sequence <= 6; ++sequence) event(sequence);
  transcript_.live = true;
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(CheckersTest, SeeARepeatedEvent) {
  event(1);
  event(1);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("order: ")));
}

TEST_F(CheckersTest, SeeAHole) {
  event(1);
  event(3);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("gap: reader never received publication 1")));
}

TEST_F(CheckersTest, AcceptAHoleThatAGapNames) {
  event(1);
  gap(1, 2, 2);
  event(3);
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(CheckersTest, AcceptOlderEventsOfAQuietChannelAfterAGap) {
  event(1);
  gap(1, 5, 1);
  event(2);
  event(4);
  event(6);
  transcript_.live = true;
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(CheckersTest, SeeAGapThatHidesNothing) {
  event(1);
  event(2);
  gap(2, 3, 2);
  event(3);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("hides nothing")));
}

TEST_F(CheckersTest, SeeAnAcknowledgedEventThatALiveReaderNeverGot) {
  for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) event(sequence);
  transcript_.live = true;
  EXPECT_THAT(all(), ElementsAre(HasSubstr("ack: reader has not received publication 5")));
}

TEST_F(CheckersTest, OweNothingToAReaderThatLeft) {
  event(1);
  heard(Heard::Kind::cut);
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(CheckersTest, OweWhatFollowsAPresentedCursor) {
  Heard& opened = transcript_.heard[0];
  opened.asked = Asked::cursor;
  opened.cursor = Position{0, 2};
  event(4);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("never received publication 2")));
}

TEST_F(CheckersTest, OweToANewcomerOnlyWhatBeganAfterItsAnswer) {
  transcript_.heard[0].ledger_count = 4;
  event(6);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("never received publication 4")));
}

// A raw stream does not say which of two events of one number it has received.
TEST_F(CheckersTest, OweToARawNewcomerNothingBetweenAnEventAndTheSameOneAnew) {
  ledger_.begin_erase("odd");
  ledger_.learn(0, {0, 7});
  transcript_.has_ids = false;
  transcript_.heard[0].ledger_count = 6;
  heard(Heard::Kind::event).number = 0;
  transcript_.live = true;
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(CheckersTest, AcceptARawReplayThatGoesOnWithTheSameEventsAnew) {
  ledger_.begin_erase("odd");
  ledger_.learn(0, {0, 7});
  ledger_.learn(4, {0, 8});
  transcript_.has_ids = false;
  transcript_.heard[0].ledger_count = 6;
  transcript_.heard[0].asked = Asked::replay;
  for (const std::uint32_t number : {4U, 0U, 4U}) heard(Heard::Kind::event).number = number;
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(CheckersTest, EarliestOwesASuffixOfEachChannel) {
  transcript_.heard[0].ledger_count = 6;
  transcript_.heard[0].asked = Asked::earliest;
  event(1);
  event(4);
  event(5);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("never received publication 2")));
}

TEST_F(CheckersTest, ARestartCountsAsTheLossOfEverythingBeforeIt) {
  event(1);
  ledger_.begin_life("bbbbbbb");
  Heard& restarted = heard(Heard::Kind::gap);
  restarted.after = Position{0, 1};
  restarted.resumed = {1, 0};
  restarted.place = Position{1, 0};
  transcript_.live = true;
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(CheckersTest, SeeACompleteStreamOfAChannelThatWasNotFinished) {
  for (std::uint64_t sequence = 1; sequence <= 6; ++sequence) event(sequence);
  ledger_.begin_finish("odd");
  heard(Heard::Kind::ended);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("even was never finished")));
}

}  // namespace
}  // namespace fanfare::sim
