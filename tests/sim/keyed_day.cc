#include "tests/sim/keyed_day.h"

#include <array>
#include <optional>
#include <string_view>

#include "tests/sim/day_plan.h"

namespace fanfare::sim {
namespace {

// Such as are written differently behind an id, and such as are not.
constexpr std::array<std::string_view, 8> kKeys = {"",    "a",        "b/1", "c d",
                                                   "e,f", "\xc3\xbc", "g%h", "i.j"};

}  // namespace

KeyedDay::KeyedDay(std::uint64_t seed, const std::vector<std::string>& channels)
    : draw_(seed * 0xbf58476d1ce4e5b9U + 13) {
  using server::SlowPolicy;
  for (const std::string& channel : channels) {
    if (draw_.chance(0.5)) channels_.push_back(channel);
  }
  if (channels_.empty()) channels_.push_back(channels[draw_.below(channels.size())]);
  keys_.assign(kKeys.begin(), kKeys.begin() + 2 + static_cast<std::ptrdiff_t>(draw_.below(7)));

  const auto slow = one_of<std::optional<SlowPolicy>>(
      draw_, {std::nullopt, SlowPolicy::latest, SlowPolicy::latest, SlowPolicy::skip});
  const std::uint32_t rate = draw_.chance(0.3) ? static_cast<std::uint32_t>(1 + draw_.below(5)) : 0;
  const bool few_keys = draw_.chance(0.3);
  const bool few_bytes = draw_.chance(0.2);
  for (const std::string& channel : channels_) {
    server::ChannelRule rule;
    rule.match = channel;
    rule.slow = slow;
    rule.keep = server::Keep::latest;
    if (rate > 0) rule.rate = rate;
    if (few_keys) rule.keys_max = 3;
    if (few_bytes) rule.keys_bytes = 2'000;
    rules_.push_back(rule);
  }
  latest_for_all_ = draw_.chance(0.2);
  conflates_ = latest_for_all_ || slow == SlowPolicy::latest || rate > 0;
  if (draw_.chance(0.5)) removals_max_ = static_cast<std::uint32_t>(1 + draw_.below(3));
}

void KeyedDay::configure(server::Options& broker) const {
  broker.channels = rules_;
  if (latest_for_all_) broker.delivery.slow = server::SlowPolicy::latest;
}

void KeyedDay::furnish(ReaderPlan& plan) {
  if (draw_.chance(0.2)) plan.max_rate = static_cast<std::uint32_t>(1 + draw_.below(5));
  if (plan.raw) return;
  plan.with_channel = draw_.chance(0.3);
  plan.with_key = draw_.chance(0.4);
}

}  // namespace fanfare::sim
