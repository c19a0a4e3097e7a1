// Pages of connections over several shards, which the test plays, and pages of channels.
#include "broker/server/requests/listings.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/random.h"

namespace fanfare::server {
namespace {

class Channels final : public ChannelSource {
 public:
  explicit Channels(std::uint32_t count) : names_(count) {
    for (std::uint32_t i = 0; i < count; ++i) names_[i] = fmt::format("c/{:05}", i);
  }
  std::uint32_t places() const override { return static_cast<std::uint32_t>(names_.size()); }
  std::optional<Seen> at(std::uint32_t place) const override {
    if (place % 3 == 2) return std::nullopt;  // free
    ++looked_at;
    return Seen{.name = names_[place],
                .state = {.events = place % 7, .published_total = place * 7919 % 1000},
                .rate = place % 10};
  }
  std::uint64_t subscribers_of(std::string_view channel) override {
    ++counted;
    return channel.size();
  }
  std::string_view epoch() const override { return "ep0ch00"; }

  mutable std::uint32_t looked_at = 0;
  std::uint32_t counted = 0;

 private:
  std::vector<std::string> names_;
};

// Shards with rows of their own, which do what they are asked in an order of the test's.
class Shards {
 public:
  explicit Shards(std::vector<std::vector<std::uint64_t>> keys) : keys_(std::move(keys)) {
    switchboard_.post = [this](std::uint32_t shard, Message message) {
      asked_.emplace_back(shard, std::move(message));
    };
  }
  Listings listings() { return {switchboard_, channels_}; }

  ConnectionListing page(Listings& listings, const WalkOrder& order) {
    listings.ask({.index = 1}, order);
    for (int rounds = 0; rounds < 10 && !asked_.empty(); ++rounds) {
      auto asked = std::exchange(asked_, {});
      shuffle(asked);
      for (auto& [shard, message] : asked) {
        const auto answered = answer(listings, shard, message);
        if (answered) return answered->listing;
      }
    }
    ADD_FAILURE() << "no end";
    return {};
  }

  // This row has ended when it is to be described.
  std::uint64_t gone = UINT64_MAX;
  std::size_t described = 0;

 private:
  template <class List>
  void shuffle(List& list) {
    for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[random_.below(i)]);
  }

  std::optional<Listings::Answered<ConnectionListing>> answer(Listings& listings,
                                                              std::uint32_t shard,
                                                              Message& message) {
    if (const auto* const walk = std::get_if<WalkMessage>(&message)) {
      WalkedMessage walked{
          .call = walk->call, .shard = shard, .total = keys_[shard].size(), .found = {}};
      for (std::uint32_t i = 0; i < keys_[shard].size(); ++i) {
        walked.found.push_back({.key = {keys_[shard][i], 0}, .shard = shard, .place = i});
      }
      std::ranges::sort(walked.found, [&](const auto& a, const auto& b) {
        return a.before(b, walk->order->descending);
      });
      if (walked.found.size() > walk->order->wanted()) walked.found.resize(walk->order->wanted());
      return listings.take(std::move(walked));
    }
    const auto& describe = std::get<DescribeMessage>(message);
    DescribedMessage rows{.call = describe.call, .shard = shard, .rows = {}};
    for (const FoundConnection& found : describe.found) {
      ++described;
      EXPECT_EQ(found.shard, shard);
      std::optional<ConnectionRow>& row = rows.rows.emplace_back();
      if (found.key[0] == gone) continue;
      row.emplace();
      row->lag_events = found.key[0];
    }
    return listings.take(std::move(rows));
  }

  std::vector<std::vector<std::uint64_t>> keys_;
  std::vector<std::pair<std::uint32_t, Message>> asked_;
  Switchboard switchboard_{static_cast<std::uint32_t>(keys_.size())};
  Channels channels_{0};
  Random random_{3};
};

std::vector<std::uint64_t> lags(const ConnectionListing& listing) {
  std::vector<std::uint64_t> lags;
  for (const ConnectionRow& row : listing.rows) lags.push_back(row.lag_events);
  return lags;
}

TEST(Listings, PagesOverAllShardsAreInOneOrderAndOverlapNowhere) {
  for (const bool descending : {true, false}) {
    Random random(5);
    std::vector<std::vector<std::uint64_t>> keys(4);
    std::vector<std::uint64_t> all;
    for (std::size_t shard = 0; shard < 3; ++shard) {
      for (int i = 0; i < 50; ++i) all.push_back(keys[shard].emplace_back(random.below(30)));
    }
    std::ranges::sort(all);
    if (descending) std::ranges::reverse(all);
    Shards shards(keys);
    Listings listings = shards.listings();
    std::vector<std::uint64_t> listed;
    for (std::uint32_t offset = 0; offset < 160; offset += 17) {
      const ConnectionListing page =
          shards.page(listings, {.descending = descending, .offset = offset, .limit = 17});
      EXPECT_EQ(page.total, 150U);
      for (const std::uint64_t lag : lags(page)) listed.push_back(lag);
    }
    EXPECT_EQ(listed, all);
    EXPECT_EQ(shards.described, 150U) << "only what is shown is put into words";
  }
}

TEST(Listings, ARowThatEndsMeanwhileIsLeftOutAndCounted) {
  Shards shards({{5, 9}, {7}});
  shards.gone = 7;
  Listings listings = shards.listings();
  const ConnectionListing page = shards.page(listings, {.limit = 10});
  EXPECT_EQ(lags(page), (std::vector<std::uint64_t>{9, 5}));
  EXPECT_EQ(page.gone, 1U);
  EXPECT_EQ(page.total, 3U);
}

TEST(Listings, NoRowsAreAnAnswerToo) {
  Shards shards({{}, {}});
  Listings listings = shards.listings();
  EXPECT_EQ(shards.page(listings, {}).total, 0U);
  Shards others({{1}, {2}});
  Listings of_others = others.listings();
  EXPECT_EQ(others.page(of_others, {.limit = 0}).total, 2U) << "only counted";
  EXPECT_EQ(others.described, 0U);
}

TEST(Listings, WhatNobodyWaitsForIsForgotten) {
  Switchboard switchboard{1};
  std::vector<WalkMessage> asked;
  switchboard.post = [&](std::uint32_t, Message message) {
    asked.push_back(std::get<WalkMessage>(message));
  };
  Channels channels(10);
  Listings listings(switchboard, channels);
  listings.ask({.index = 1}, WalkOrder{});
  listings.ask({.index = 2}, WalkOrder{});
  listings.ask({.index = 1}, ChannelOrder{});
  listings.forget({.index = 1});
  EXPECT_FALSE(listings.work_waiting());
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_FALSE(listings.take(WalkedMessage{.call = asked[0].call, .found = {}}));
  const auto answered = listings.take(WalkedMessage{.call = asked[1].call, .found = {}});
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->exchange.index, 2U);
}

ChannelListing channels_page(Channels& channels, const ChannelOrder& order, int& slices) {
  Switchboard switchboard{1};
  Listings listings(switchboard, channels);
  listings.ask({}, order);
  for (slices = 1;; ++slices) {
    if (auto answered = listings.walk_on()) return answered->listing;
    EXPECT_TRUE(listings.work_waiting());
  }
}

TEST(Listings, LooksAtSoManyChannelsInATurn) {
  Channels channels(20'000);
  int slices = 0;
  const ChannelListing page = channels_page(channels, {.limit = 5}, slices);
  EXPECT_EQ(page.total, 13'334U);
  EXPECT_GE(slices, 9);
  EXPECT_EQ(channels.looked_at, 13'334U);
  EXPECT_EQ(channels.counted, 5U) << "subscribers are counted of what is shown";
  EXPECT_EQ(page.epoch, "ep0ch00");
  for (const ChannelRow& row : page.rows) EXPECT_EQ(row.rate, 9U);
  channels_page(channels, {.sort = ChannelSort::subscribers, .limit = 5}, slices);
  EXPECT_GE(slices, 70) << "or of all, a few in a turn";
}

TEST(Listings, FiltersAndPagesChannels) {
  Channels channels(300);
  int slices = 0;
  const ChannelListing named = channels_page(
      channels, {.contains = "0012", .sort = ChannelSort::name, .descending = false}, slices);
  ASSERT_EQ(named.rows.size(), 8U);
  EXPECT_EQ(named.rows[0].name, "c/00012") << "00120 and so on follow";
  EXPECT_EQ(named.rows[1].name, "c/00120");
  EXPECT_EQ(channels_page(channels, {.match = "d/*"}, slices).total, 0U);
  std::vector<std::uint64_t> published;
  for (std::uint32_t offset = 0; offset < 200; offset += 30) {
    const auto page = channels_page(
        channels, {.sort = ChannelSort::published, .offset = offset, .limit = 30}, slices);
    EXPECT_EQ(page.total, 200U);
    for (const ChannelRow& row : page.rows) published.push_back(row.state.published_total);
  }
  EXPECT_EQ(published.size(), 200U);
  EXPECT_TRUE(std::ranges::is_sorted(published, std::greater{}));
}

}  // namespace
}  // namespace fanfare::server
