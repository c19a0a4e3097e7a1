// The checker of keys, and what the others make of keys, on transcripts written by hand.
#include "tests/sim/key_checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace fanfare::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// k: 1 sets a, 2 sets b, 3 sets a, 4 removes b, 6 sets c; news: 5.
class KeyCheckerTest : public testing::Test {
 protected:
  KeyCheckerTest() {
    ledger_.begin_life("aaaaaaa");
    set("a");
    set("b");
    set("a");
    learn(ledger_.begin_removal("k", "b"));
    learn(ledger_.begin("news", 0, random_));
    set("c");
    transcript_ = {.name = "reader", .topics = {"k", "news"}};
    heard(Heard::Kind::opened).ledger_count = 0;
    transcript_.live = true;
  }
  void set(std::string_view key) { learn(ledger_.begin("k", key, 0, random_)); }
  void learn(Publication& publication) {
    publication.fate = Publication::Fate::acked;
    ledger_.learn(publication.number, {0, publication.number + 1U});
  }
  Heard& heard(Heard::Kind kind) {
    Heard entry{.kind = kind};
    entry.ledger_count = ledger_.count();
    return transcript_.heard.emplace_back(std::move(entry));
  }
  void events(std::initializer_list<std::uint64_t> sequences) {
    for (const std::uint64_t sequence : sequences) {
      Heard& entry = heard(Heard::Kind::event);
      entry.place = Position{0, sequence};
      entry.number = static_cast<std::uint32_t>(sequence - 1);
    }
  }
  Heard& gap(std::string_view reason, std::uint64_t after, std::uint64_t resumed,
             std::uint64_t id) {
    Heard& entry = heard(Heard::Kind::gap);
    entry.reason = reason;
    entry.after = Position{0, after};
    entry.resumed = {0, resumed};
    entry.place = Position{0, id};
    return entry;
  }
  void opened(std::uint64_t cursor) {
    Heard& entry = heard(Heard::Kind::opened);
    entry.asked = Asked::cursor;
    entry.cursor = Position{0, cursor};
  }
  // It was there from the beginning, or came when all had been published.
  void is_newcomer() { transcript_.heard[0].ledger_count = ledger_.count(); }
  Problems all() const {
    Problems problems;
    for (const auto check : {check_order, check_gap, check_ack, check_conflated}) {
      for (std::string& problem : check(transcript_, ledger_)) problems.push_back(problem);
    }
    return problems;
  }

  Random random_{1};
  Ledger ledger_;
  Transcript transcript_;
};

TEST_F(KeyCheckerTest, AcceptsEveryEvent) {
  events({1, 2, 3, 4, 5, 6});
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(KeyCheckerTest, AcceptsTheLatestOfEachKeyForANewcomer) {
  is_newcomer();
  events({3, 6});
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(KeyCheckerTest, SeesAKeyThatANewcomerIsNotGiven) {
  is_newcomer();
  events({6});
  EXPECT_THAT(all(), ElementsAre(HasSubstr("conflated: reader has nothing for key \"a\" of k")));
}

TEST_F(KeyCheckerTest, OwesANewcomerWhatFollows) {
  is_newcomer();
  events({3, 6});
  learn(ledger_.begin("news", 0, random_));
  EXPECT_THAT(all(), ElementsAre(HasSubstr("ack: reader has not received publication 6")));
}

TEST_F(KeyCheckerTest, SeesASupersededValueThatIsMissingWithoutAWord) {
  events({2, 3, 4, 5, 6});
  EXPECT_THAT(all(), ElementsAre(HasSubstr("gap: reader never received publication 0 on k")));
}

TEST_F(KeyCheckerTest, AcceptsThatWhereStreamsAreConflated) {
  transcript_.conflates = true;
  events({3, 4, 5, 6});
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(KeyCheckerTest, SeesAConflatedStreamThatLacksTheLatestValue) {
  transcript_.conflates = true;
  events({1, 4, 5, 6});
  EXPECT_THAT(all(), testing::Contains(
                         HasSubstr("conflated: reader has publication 0 for key \"a\" of k")));
}

TEST_F(KeyCheckerTest, SeesARemovalThatIsNotSentToAClientThatHasTheKey) {
  transcript_.conflates = true;
  events({2, 3, 5, 6});
  EXPECT_THAT(all(), testing::Contains(HasSubstr("publication 1 for key \"b\" of k, which was "
                                                 "removed")));
}

TEST_F(KeyCheckerTest, SeesAPlainEventThatOnlyAConflatedGapCovers) {
  events({1, 2});
  gap("conflated", 2, 5, 2);
  events({3, 4, 6});
  EXPECT_THAT(all(), ElementsAre(HasSubstr("gap: reader never received publication 4 on news")));
}

TEST_F(KeyCheckerTest, AcceptsASupersededValueThatAConflatedGapCovers) {
  gap("conflated", 0, 1, 0);
  events({2, 3, 4, 5, 6});
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(KeyCheckerTest, AcceptsAllKeysAgainForAClientThatIsToldToBeginAnew) {
  events({1, 2, 3});
  opened(3);
  gap("evicted", 3, 4, 2);
  events({3, 5, 6});
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(KeyCheckerTest, SeesAKeyThatDoesNotComeAgainThen) {
  events({1, 2, 3});
  opened(3);
  gap("evicted", 3, 4, 4);
  events({5, 6});
  EXPECT_THAT(all(), ElementsAre(HasSubstr("conflated: reader has nothing for key \"a\" of k")));
}

TEST_F(KeyCheckerTest, SeesAPlainEventThatComesAgainThen) {
  events({1, 2, 3, 4, 5});
  opened(5);
  gap("evicted", 5, 6, 2);
  events({3, 5, 6});
  EXPECT_THAT(all(), testing::Contains(HasSubstr("order: reader received publication 4 on news")));
}

TEST_F(KeyCheckerTest, AcceptsALossOfAnotherChannelThatLeavesTheKeysAlone) {
  events({1, 2, 3, 4});
  gap("slow", 4, 5, 5).keys_kept = true;
  events({6});
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(KeyCheckerTest, SeesAnOldValueAfterANewOne) {
  events({1, 2, 4, 3, 5, 6});
  ledger_[2].key = "b";
  EXPECT_THAT(check_conflated(transcript_, ledger_),
              testing::Contains(HasSubstr("was sent publication 2 at life 0 sequence 3 for key "
                                          "\"b\" of k, after life 0 sequence 4")));
}

TEST_F(KeyCheckerTest, TakesARemovalWithoutAKeyForOneOfAllKeys) {
  learn(ledger_.begin_clear("k"));
  set("b");
  events({1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_THAT(all(), IsEmpty());
  transcript_.heard.erase(transcript_.heard.end() - 2);
  EXPECT_THAT(check_conflated(transcript_, ledger_),
              ElementsAre(HasSubstr("key \"a\" of k, which was removed"),
                          HasSubstr("key \"c\" of k, which was removed")));
}

TEST_F(KeyCheckerTest, AcceptsThatKeysMayBeGoneWithADeletionOfWhichNobodyWasTold) {
  is_newcomer();
  events({6});
  Publication& deletion = ledger_.begin_clear("k");
  EXPECT_THAT(all(), IsEmpty()) << "it may lie behind a, as long as it is not answered";
  deletion.cleared_before = 3;
  EXPECT_THAT(all(), IsEmpty());
  deletion.cleared_before = 2;
  EXPECT_THAT(all(), ElementsAre(HasSubstr("conflated: reader has nothing for key \"a\" of k")))
      << "a was set after its answer";
}

TEST_F(KeyCheckerTest, ALostBrokersKeysAreGone) {
  events({1, 2, 3, 4, 5, 6});
  ledger_.begin_life("bbbbbbb");
  EXPECT_THAT(check_conflated(transcript_, ledger_), testing::SizeIs(2));
  Heard& restarted = gap("restarted", 6, 0, 0);
  restarted.resumed = {1, 0};
  restarted.place = Position{1, 0};
  EXPECT_THAT(all(), IsEmpty());
}

TEST(LedgerOfKeys, FindsARemovalByItsChannelAndKey) {
  Ledger ledger;
  ledger.begin_life("aaaaaaa");
  const std::uint32_t number = ledger.begin_removal("k", "a").number;
  EXPECT_TRUE(ledger.removal_adrift("k", "a"));
  EXPECT_EQ(ledger.learn_removal("k", "b", {0, 1}), std::nullopt);
  EXPECT_EQ(ledger.learn_removal("k", std::nullopt, {0, 1}), std::nullopt);
  EXPECT_EQ(ledger.learn_removal("k", "a", {0, 1}), number);
  EXPECT_FALSE(ledger.removal_adrift("k", "a"));
  EXPECT_EQ(ledger.learn_removal("k", "a", {0, 1}), number);
  EXPECT_EQ(ledger.learn_removal("k", "a", {0, 2}), std::nullopt);
}

}  // namespace
}  // namespace fanfare::sim
