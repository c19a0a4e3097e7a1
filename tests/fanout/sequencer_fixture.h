// A Sequencer whose clock and limits the test holds, and what it makes of a turn in words.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "broker/fanout/sequencer.h"

namespace fanfare::fanout {

inline const Epoch kEpoch = *Epoch::parse("0123abc");

class SequencerTest : public ::testing::Test {
 protected:
  void start(SequencerOptions options) {
    options.history = [this](std::string_view) { return limits_; };
    options.limits = &log_limits_;
    sequencer_.emplace(options);
  }
  void SetUp() override { start({.epoch = kEpoch, .history = nullptr}); }

  std::expected<Sequence, PublishError> try_publish(std::string_view channel,
                                                    std::string_view data = "x",
                                                    std::string_view key = "") {
    const auto published = publish_under(channel, key, data);
    if (!published) return std::unexpected(published.error());
    return published->sequence;
  }
  std::expected<Sequencer::Publication, PublishError> publish_under(std::string_view channel,
                                                                    std::string_view key,
                                                                    std::string_view data = "x") {
    return sequencer_->publish(channel, {.type = "", .data = data, .retry_ms = {}}, key, now_);
  }
  // "7", "7 duplicate", "7 duplicate evicted", or why not.
  std::string told(std::string_view channel, std::string_view key, std::string_view data = "x") {
    const auto published = publish_under(channel, key, data);
    if (!published)
      return published.error() == PublishError::channel_finished ? "finished" : "too many";
    return fmt::format("{}{}{}", published->sequence, published->duplicate ? " duplicate" : "",
                       published->evicted ? " evicted" : "");
  }
  Sequence publish(std::string_view channel, std::string_view data = "x") {
    return *try_publish(channel, data);
  }
  // The commands of the turn, one word each.
  std::string seal() {
    const BatchPtr batch = sequencer_->seal(now_);
    if (!batch) return "nothing";
    std::string words;
    for (const Effect& effect : batch->effects) {
      if (!words.empty()) words += ' ';
      std::visit([&](const auto& what) { words += word(what); }, effect);
    }
    return words;
  }
  void pass(Duration time) {
    now_ = now_ + time;
    while (sequencer_->expire(now_)) {
    }
  }
  Sequencer::ChannelState state(std::string_view channel) { return *sequencer_->find(channel); }

  static std::string word(const ChannelAppeared& c) {
    return "appeared:" + c.name + "=" + std::to_string(c.channel);
  }
  static std::string word(const BlockAppended& c) {
    return (c.segment ? "block:" : "more:") + std::to_string(c.channel) + "x" +
           std::to_string(c.block.count) + "to" + std::to_string(c.block.last);
  }
  static std::string word(const Evicted& c) {
    return "evicted:" + std::to_string(c.channel) + "to" + std::to_string(c.through);
  }
  static std::string word(const ChannelFinished& c) {
    return "finished:" + std::to_string(c.channel);
  }
  static std::string word(const ChannelReopened& c) {
    return "reopened:" + std::to_string(c.channel);
  }
  static std::string word(const ChannelForgotten& c) {
    return "forgotten:" + std::to_string(c.channel);
  }
  static std::string word(const FloorRaised& c) { return "floor:" + std::to_string(c.floor); }

  static std::string word(const KeysChanged& c) {
    std::string word = "keys:" + std::to_string(c.channel);
    for (const KeyChange& change : c.news->changes) {
      word +=
          fmt::format("{}{}after{}", change.removes ? '-' : '+', change.sequence, change.previous);
    }
    return word;
  }

  HistoryLimits limits_;
  LogLimits log_limits_;
  std::optional<Sequencer> sequencer_;
  TimePoint now_{Duration(1'000s).count()};
};

}  // namespace fanfare::fanout
