// The writing end's rules for publishers: what is checked once is not checked for less.
#include "broker/server/lead/lead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "broker/server/base/admin_surface.h"
#include "broker/wire/ingest/ndjson_session.h"
#include "tests/server/late_gate.h"

namespace fanfare::server {
namespace {

using ::testing::HasSubstr;
using testing::LateGate;
using ::testing::StartsWith;

class LeadTest : public ::testing::Test {
 protected:
  // What each is answered: the number of its receivers, or why not.
  std::vector<std::string> publish_all(const std::vector<ingest::Publish>& events) {
    std::vector<std::string> answers;
    lead_.publish_all(events, [&](const auto& published) {
      answers.push_back(published ? std::to_string(published->receivers)
                                  : published.error().message);
    });
    return answers;
  }

  Switchboard switchboard_{1};
  Counters counters_;
  Settings settings_{std::make_shared<const Options>()};
  OpenGate gate_;
  Heads heads_;
  Lead lead_{*fanout::Epoch::parse("0123abc"), settings_, switchboard_, counters_, gate_, heads_};
};

TEST_F(LeadTest, PublishersCannotPublishToTheBrokersOwnChannelsThatAreThere) {
  lead_.publish_own(kAdminChannel, "ours");
  const ingest::Publish theirs{.channel = kAdminChannel, .data = "theirs"};
  const auto alone = lead_.publish(theirs);
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().kind, ingest::Refusal::invalid);
  EXPECT_THAT(alone.error().message, HasSubstr("reserved for the broker"));
  for (const std::string& answer : publish_all({theirs, theirs})) {
    EXPECT_THAT(answer, HasSubstr("reserved for the broker"));
  }
  EXPECT_EQ(lead_.sequencer().head(), 1U);
  EXPECT_EQ(counters_.ingest_errors_total, 3U);
}

TEST(Lead, ItsOwnEventsGoOnWhenPublishersHaveAsManyChannelsAsTheyMay) {
  Options options;
  options.limits.channels = 1;
  const Settings settings(std::make_shared<const Options>(options));
  Switchboard switchboard(1);
  Counters counters;
  OpenGate gate;
  Heads heads;
  Lead lead(*fanout::Epoch::parse("0123abc"), settings, switchboard, counters, gate, heads);
  EXPECT_TRUE(lead.publish({.channel = "news", .data = "x"}));
  lead.publish_own(kAdminChannel, "a second has passed");
  EXPECT_EQ(lead.sequencer().head(), 2U);
  EXPECT_TRUE(lead.publish({.channel = "news", .data = "x"}));
  EXPECT_FALSE(lead.publish({.channel = "more", .data = "x"}));
  EXPECT_EQ(lead.sequencer().channel_count(), 1U);
}

TEST_F(LeadTest, ChecksEachOfSeveralEvents) {
  const auto answers = publish_all({{.channel = "news", .data = "first"},
                                    {.channel = "no good", .data = "x"},
                                    {.channel = "news", .data = "not \xff UTF-8"},
                                    {.channel = "news", .data = "second"}});
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_EQ(answers[0], "0");
  EXPECT_THAT(answers[1], HasSubstr("not 0x20 (byte 2)"));
  EXPECT_THAT(answers[2], HasSubstr("not UTF-8"));
  EXPECT_EQ(answers[3], "0");
  EXPECT_EQ(lead_.find("news")->events, 2U);
  EXPECT_EQ(lead_.sequencer().head(), 2U);
}

using Kind = ingest::Change::Kind;

TEST_F(LeadTest, RehearsesChangesOneAfterAnotherAndMakesNone) {
  ASSERT_TRUE(lead_.publish({.channel = "news", .data = "1"}));
  ASSERT_TRUE(lead_.finish("over"));
  const auto rehearsal = lead_.rehearse();
  const auto answer = [&](Kind kind, std::string_view channel, std::string_view data = "x") {
    const auto refused = rehearsal->add({kind, {.channel = channel, .data = data}});
    return refused ? refused->message : "taken";
  };
  EXPECT_EQ(answer(Kind::publish, "news"), "taken");
  EXPECT_THAT(answer(Kind::publish, "over"), HasSubstr("channel over was finished"));
  EXPECT_THAT(answer(Kind::publish_if_there, "over"), HasSubstr("channel over was finished"));
  EXPECT_EQ(answer(Kind::erase, "over"), "taken");
  EXPECT_EQ(answer(Kind::publish, "over"), "taken") << "it would have been deleted before";
  EXPECT_EQ(answer(Kind::finish, "news"), "taken");
  EXPECT_EQ(answer(Kind::finish, "news"), "taken") << "twice does no harm";
  EXPECT_THAT(answer(Kind::publish, "news"), HasSubstr("channel news was finished"));
  EXPECT_EQ(answer(Kind::publish_if_there, "nowhere"), "taken") << "nothing would be done";
  EXPECT_EQ(answer(Kind::erase, "nowhere"), "taken");
  EXPECT_THAT(answer(Kind::publish, "news", "\xff"), HasSubstr("UTF-8"));
  EXPECT_THAT(answer(Kind::erase, "no name"), HasSubstr("not 0x20"));
  EXPECT_EQ(lead_.sequencer().head(), 1U);
  EXPECT_EQ(lead_.sequencer().channel_count(), 2U);
  EXPECT_TRUE(lead_.publish({.channel = "news", .data = "2"}));
}

TEST_F(LeadTest, CountsTheChannelsThatARehearsalWouldMake) {
  Options options;
  options.limits.channels = 3;
  const Settings settings{std::make_shared<const Options>(options)};
  OpenGate gate;
  Heads heads;
  Lead lead{*fanout::Epoch::parse("0123abc"), settings, switchboard_, counters_, gate, heads};
  ASSERT_TRUE(lead.publish({.channel = "a", .data = "1"}));
  const auto rehearsal = lead.rehearse();
  const auto taken = [&](Kind kind, std::string_view channel) {
    return !rehearsal->add({kind, {.channel = channel, .data = "x"}});
  };
  EXPECT_TRUE(taken(Kind::publish, "b"));
  EXPECT_TRUE(taken(Kind::finish, "c"));
  EXPECT_TRUE(taken(Kind::publish, "b")) << "it would be there";
  EXPECT_FALSE(taken(Kind::publish, "d"));
  EXPECT_FALSE(taken(Kind::finish, "d"));
  EXPECT_TRUE(taken(Kind::publish_if_there, "d"));
  EXPECT_TRUE(taken(Kind::publish, "a"));
}

TEST_F(LeadTest, ChecksAChangeWhateverTheLogHolds) {
  ASSERT_TRUE(lead_.finish("over"));
  const auto refused = [&](Kind kind, std::string_view channel, std::string_view data = "x") {
    return lead_.check({kind, {.channel = channel, .data = data}}).has_value();
  };
  EXPECT_FALSE(refused(Kind::publish, "over")) << "it may be deleted before it comes to that";
  EXPECT_TRUE(refused(Kind::publish, "~own"));
  EXPECT_TRUE(refused(Kind::publish, "a", std::string(70'000, 'x')));
  EXPECT_TRUE(refused(Kind::publish_if_there, "a", "\xff"));
  EXPECT_TRUE(refused(Kind::finish, "no name"));
  EXPECT_EQ(counters_.ingest_errors_total, 4U);
  lead_.stop_publishing();
  EXPECT_TRUE(refused(Kind::publish, "a"));
  EXPECT_TRUE(refused(Kind::finish, "a")) << "it would be forgotten with the history";
  EXPECT_TRUE(refused(Kind::erase, "a"));
  EXPECT_TRUE(lead_.rehearse()->add({Kind::publish, {.channel = "a", .data = "x"}}));
}

// ---- keys

TEST_F(LeadTest, AKeyIsRefusedWhereNoneAreKept) {
  for (const std::string_view there : {"", "a"}) {
    if (!there.empty()) {
      ASSERT_TRUE(lead_.publish({.channel = there, .data = "x"}));
    }
    const auto refused = lead_.publish({.channel = "a", .data = "181", .key = "oven 3"});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ingest::Refusal::invalid);
    EXPECT_THAT(refused.error().message, HasSubstr("keep = \"latest\""));
    EXPECT_TRUE(
        lead_.rehearse()->add({Kind::publish, {.channel = "a", .data = "181", .key = "oven 3"}}));
  }
  EXPECT_THAT(lead_.publish({.channel = "a", .data = "x", .key = "a\nb"}).error().message,
              HasSubstr("the key contains a control character"));
}

// ---- idempotency keys

TEST_F(LeadTest, ARepeatIsAnsweredWithTheFirstIdAndCountsAsNoEvent) {
  const ingest::Publish event{.channel = "a", .data = "one", .idempotency_key = "k"};
  const auto first = lead_.publish(event);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->id, "0123abc-1");
  EXPECT_FALSE(first->duplicate);
  const auto second = lead_.publish({.channel = "a", .data = "two", .idempotency_key = "k"});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->id, "0123abc-1");
  EXPECT_TRUE(second->duplicate);
  EXPECT_FALSE(second->evicted);
  EXPECT_EQ(counters_.ingest_events_total, 1U);
  EXPECT_EQ(counters_.ingest_bytes_total, 3U);
}

TEST_F(LeadTest, ADeletedChannelStartsAgainUnderItsOldKeys) {
  const ingest::Publish event{.channel = "a", .data = "one", .idempotency_key = "k"};
  ASSERT_TRUE(lead_.publish(event));
  ASSERT_TRUE(lead_.finish("a"));
  const auto repeated = lead_.publish(event);
  ASSERT_TRUE(repeated) << "the ack of what was published before the finish may have been lost";
  EXPECT_TRUE(repeated->duplicate);
  const auto late = lead_.publish({.channel = "a", .data = "late", .idempotency_key = "l"});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ingest::Refusal::finished);
  ASSERT_TRUE(lead_.erase("a"));
  const auto again = lead_.publish(event);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->duplicate);
  EXPECT_EQ(again->id, "0123abc-2");
  EXPECT_EQ(lead_.find("a")->events, 1U);
}

TEST_F(LeadTest, ARehearsalTakesARepeatOnAFinishedChannel) {
  ASSERT_TRUE(lead_.publish({.channel = "a", .data = "one", .idempotency_key = "k"}));
  ASSERT_TRUE(lead_.finish("a"));
  const auto rehearsal = lead_.rehearse();
  const auto taken = [&](std::string_view key) {
    return !rehearsal->add({Kind::publish, {.channel = "a", .data = "x", .idempotency_key = key}});
  };
  EXPECT_TRUE(taken("k"));
  EXPECT_FALSE(taken("other"));
  EXPECT_FALSE(taken(""));
  EXPECT_EQ(lead_.sequencer().counters().duplicates_total, 0U);
}

TEST_F(LeadTest, AListWhoseNewKeyPushesOutTheOldestIsStillTakenWhole) {
  ingest::NdjsonSession session(lead_, {});
  std::string out;
  const auto answer = [&](std::string_view line) {
    out.clear();
    session.receive(std::string(line) + "\n", out);
    return out;
  };
  constexpr int kKeys = 100'000;
  answer(R"({"channel":"over","data":1,"id":"k"})");
  answer(R"({"op":"finish","channel":"over"})");
  answer(R"({"channel":"open","data":1,"id":"k"})");
  for (int i = 2; i < kKeys; ++i) {
    ASSERT_TRUE(
        lead_.publish({.channel = "fill", .data = "x", .idempotency_key = std::to_string(i)}));
  }
  EXPECT_EQ(answer(R"({"channel":["a","b","over","open"],"data":1,"id":"k"})"),
            R"({"ok":true,"ids":["0123abc-100001","0123abc-100002","0123abc-1","0123abc-2"],)"
            R"("duplicate":true,"duplicates":["over","open"]})"
            "\n");
  EXPECT_EQ(lead_.find("open")->events, 1U);
}

TEST_F(LeadTest, AChannelThatWasDroppedIsNotThere) {
  const auto listed = [this] {
    std::vector<std::string> names;
    lead_.for_each_channel(
        [&](std::string_view name, const auto&) { return names.emplace_back(name), true; });
    return names;
  };
  ASSERT_TRUE(lead_.publish({.channel = "a", .data = "x"}));
  ASSERT_TRUE(lead_.finish("b"));
  EXPECT_EQ(listed(), (std::vector<std::string>{"a", "b"}));
  for (const char* channel : {"a", "b"}) {
    EXPECT_TRUE(*lead_.erase(channel));
    EXPECT_FALSE(*lead_.erase(channel)) << "it was dropped before";
    EXPECT_FALSE(lead_.find(channel));
  }
  EXPECT_TRUE(listed().empty());
  ASSERT_TRUE(lead_.publish({.channel = "a", .data = "x"}));
  EXPECT_EQ(listed(), std::vector<std::string>{"a"});
  EXPECT_TRUE(*lead_.erase("a"));
}

// ---- appended, durable, told

// A lead with two shards beside it.
class LeadBatches : public ::testing::Test {
 protected:
  LeadBatches() {
    switchboard_.post = [this](std::uint32_t shard, const Message& message) {
      posted_[shard].push_back(std::get<LogMessage>(message).batch->head);
    };
  }
  void publish(Lead& lead, std::string_view data = "x") {
    ASSERT_TRUE(lead.publish({.channel = "a", .data = data}));
  }
  static std::vector<fanout::Sequence> tell_all(Lead& lead) {
    std::vector<fanout::Sequence> told;
    while (const fanout::BatchPtr batch = lead.tell()) told.push_back(batch->head);
    return told;
  }
  using Sequences = std::vector<fanout::Sequence>;

  Switchboard switchboard_{3, 1};
  std::vector<Sequences> posted_{3};  // heads, by shard
  Counters counters_;
  Options options_;
  Heads heads_;
};

TEST_F(LeadBatches, AreInEveryOtherShardsMailboxWhenTheyHaveBeenTold) {
  const Settings settings{std::make_shared<const Options>()};
  OpenGate gate;
  Lead lead{*fanout::Epoch::parse("0123abc"), settings, switchboard_, counters_, gate, heads_};
  Sequences sealed;
  for (std::uint64_t event = 1; event <= 3; ++event) {
    publish(lead);
    EXPECT_EQ(posted_, (std::vector<Sequences>{sealed, {}, sealed}));
    lead.seal();
    EXPECT_EQ(tell_all(lead), Sequences{event});
    sealed.push_back(event);
    EXPECT_EQ(posted_, (std::vector<Sequences>{sealed, {}, sealed})) << "its own is handed to it";
    EXPECT_EQ(switchboard_.head.load(), event);
    for (const Head& head : {heads_.appended, heads_.durable, heads_.told}) {
      EXPECT_EQ(head.sequence, event) << "without a journal the three are one";
      EXPECT_EQ(head.batches, event);
    }
  }
  lead.seal();
  EXPECT_FALSE(lead.tell());
  EXPECT_EQ(heads_.appended.batches, 3U) << "nothing happened";
}

TEST_F(LeadBatches, AreToldInTheirOrderAndNoneBeforeItIsDurable) {
  const Settings settings{std::make_shared<const Options>()};
  LateGate gate;
  Lead lead{*fanout::Epoch::parse("0123abc"), settings, switchboard_, counters_, gate, heads_};
  for (int batch = 0; batch < 4; ++batch) {
    publish(lead);
    publish(lead);
    lead.seal();
    EXPECT_FALSE(lead.tell());
  }
  EXPECT_EQ(gate.heads(), (Sequences{2, 4, 6, 8})) << "handed to the gate at once";
  EXPECT_EQ(heads_.appended.sequence, 8U);
  EXPECT_EQ(heads_.told.batches, 0U);
  EXPECT_EQ(switchboard_.head.load(), 0U) << "its ids are nobody's yet";
  gate.write(3);
  const fanout::BatchPtr first = lead.tell();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->head, 2U);
  EXPECT_EQ(heads_.durable.batches, 3U);
  EXPECT_EQ(heads_.durable.sequence, 6U);
  EXPECT_EQ(heads_.told.sequence, 2U);
  EXPECT_EQ(tell_all(lead), (Sequences{4, 6}));
  EXPECT_EQ(heads_.told.sequence, 6U);
  EXPECT_EQ(switchboard_.head.load(), 6U);
  EXPECT_EQ(posted_[0], (Sequences{2, 4, 6}));
  EXPECT_EQ(posted_[2], (Sequences{2, 4, 6}));
  gate.write(4);
  EXPECT_EQ(tell_all(lead), Sequences{8});
}

// What has no event in it, an ack waits for all the same.
TEST_F(LeadBatches, CountAFinishedChannelAsAPlaceInTheLog) {
  const Settings settings{std::make_shared<const Options>()};
  LateGate gate;
  Lead lead{*fanout::Epoch::parse("0123abc"), settings, switchboard_, counters_, gate, heads_};
  publish(lead);
  lead.seal();
  ASSERT_TRUE(lead.finish("a"));
  lead.seal();
  EXPECT_EQ(heads_.appended.batches, 2U);
  EXPECT_EQ(heads_.appended.sequence, 1U);
  gate.write(1);
  EXPECT_EQ(tell_all(lead), Sequences{1});
  EXPECT_EQ(heads_.told.batches, 1U);
  EXPECT_EQ(heads_.told.sequence, heads_.appended.sequence);
}

TEST_F(LeadBatches, ThatWaitForTheGateSlowPublishers) {
  options_.limits.ingest_pending_bytes = 1'000;
  const Settings settings{std::make_shared<const Options>(options_)};
  LateGate gate;
  Lead lead{*fanout::Epoch::parse("0123abc"), settings, switchboard_, counters_, gate, heads_};
  publish(lead, std::string(400, 'x'));
  lead.seal();
  EXPECT_FALSE(lead.overrun());
  publish(lead, std::string(700, 'x'));
  lead.seal();
  EXPECT_TRUE(lead.overrun());
  gate.write(1);
  EXPECT_EQ(tell_all(lead).size(), 1U);
  switchboard_.gauges[0].in_mail_bytes = switchboard_.gauges[2].in_mail_bytes = 0;  // applied
  EXPECT_FALSE(lead.overrun());
  EXPECT_FALSE(lead.tell());
  gate.write(2);
  EXPECT_EQ(tell_all(lead).size(), 1U);
  switchboard_.gauges[0].in_mail_bytes = switchboard_.gauges[2].in_mail_bytes = 0;
  EXPECT_FALSE(lead.overrun());
}

// ---- stopping

TEST_F(LeadTest, TakesNothingMoreWhileTheBrokerStops) {
  ASSERT_TRUE(lead_.publish({.channel = "a", .data = "x", .idempotency_key = "k"}));
  lead_.stop_publishing();
  const auto refused = [](const auto& result) {
    EXPECT_FALSE(result);
    if (result) return std::string("taken");
    EXPECT_EQ(result.error().kind, ingest::Refusal::unavailable);
    return result.error().message;
  };
  EXPECT_EQ(refused(lead_.publish({.channel = "a", .data = "x"})),
            "the broker is stopping; publish again when it is back");
  EXPECT_THAT(refused(lead_.publish({.channel = "a", .data = "x", .idempotency_key = "k"})),
              HasSubstr("is stopping"))
      << "its history ends with it: only a publish to the next one keeps the event";
  EXPECT_THAT(refused(lead_.finish("a")), HasSubstr("finish the channel again"));
  EXPECT_THAT(refused(lead_.erase("a")), HasSubstr("delete the channel again"));
  for (const std::string& answer : publish_all({{.channel = "a", .data = "x"}})) {
    EXPECT_THAT(answer, HasSubstr("is stopping"));
  }
  EXPECT_EQ(lead_.sequencer().head(), 1U);
  EXPECT_FALSE(lead_.find("a")->finished);
}

}  // namespace
}  // namespace fanfare::server
