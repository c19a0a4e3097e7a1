// What is only considered gets the same verdicts as what is then published.
#include "broker/fanout/key_trial.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/fanout/sequencer_fixture.h"

namespace fanfare::fanout {
namespace {

class KeyTrialTest : public SequencerTest {
 protected:
  void SetUp() override {
    log_limits_.total_bytes = 8'192;  // a quarter of which may be latest values
    options_ = {.epoch = kEpoch, .history = nullptr};
    options_.limits = &log_limits_;
    options_.history = [this](std::string_view channel) {
      return HistoryLimits{.keep_latest = channel[0] == 'k' || (later_ && channel[0] == 'l'),
                           .keys_max = 3,
                           .keys_bytes = 900};
    };
    sequencer_.emplace(options_);
  }
  std::optional<PublishError> publish_keyed(std::string_view channel, std::string_view key,
                                            std::string_view data, std::string_view type) {
    const auto done = sequencer_->publish(
        channel, {.type = type, .data = data, .retry_ms = {}, .key = key}, "", now_);
    if (done) return std::nullopt;
    return done.error();
  }

  SequencerOptions options_;
  bool later_ = false;  // channels that begin with l are to keep keys when they begin anew
};

TEST_F(KeyTrialTest, SaysOfEachEventWhatPublishingItWouldSay) {
  std::mt19937 random(7);
  const auto draw = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  constexpr std::array kChannels = {"k1", "k2", "k3", "plain", "later"};
  constexpr std::array kKeys = {"", "a", "b", "c", "d", "e"};
  struct Planned {
    std::string_view channel, key, type;
    std::string data;
    bool erases = false;
  };
  std::map<std::optional<PublishError>, int> seen;
  for (int round = 0; round < 3'000; ++round) {
    later_ = round > 1'500;  // noticed at once by channels that appear
    if (round == 2'000) {    // and then by those that were there
      ++log_limits_.revision;
      pass(1s);
    }
    std::vector<Planned> plans(1 + draw(8));
    KeyTrial trial(*sequencer_);
    std::vector<std::optional<PublishError>> verdicts;
    verdicts.reserve(plans.size());
    for (Planned& plan : plans) {
      plan = {.channel = kChannels[draw(kChannels.size())],
              .key = kKeys[draw(kKeys.size())],
              .type = draw(9) == 0 ? "removed" : "",
              .data = draw(4) == 0 ? "" : std::string(1 + draw(500), 'x'),
              .erases = draw(12) == 0};
      if (plan.erases) {
        trial.erase(plan.channel);
        verdicts.emplace_back();
      } else {
        verdicts.push_back(trial.publish(
            plan.channel, {.type = plan.type, .data = plan.data, .retry_ms = {}, .key = plan.key}));
      }
    }
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const Planned& plan = plans[i];
      if (plan.erases) {
        sequencer_->erase(plan.channel, now_);
        continue;
      }
      const auto error = publish_keyed(plan.channel, plan.key, plan.data, plan.type);
      ASSERT_EQ(verdicts[i], error) << "round " << round << ", event " << i << ": " << plan.channel
                                    << ' ' << plan.key << ' ' << plan.data.size();
      ++seen[error];
    }
    sequencer_->seal(now_);
  }
  using enum PublishError;
  for (const std::optional<PublishError> verdict :
       {std::optional<PublishError>(), std::optional(keeps_no_keys), std::optional(too_many_keys),
        std::optional(keys_too_large), std::optional(type_of_removals)}) {
    EXPECT_GT(seen[verdict], 50) << (verdict ? static_cast<int>(*verdict) : -1);
  }
}

}  // namespace
}  // namespace fanfare::fanout
