#include <algorithm>
#include <iterator>

#include "tests/sim/reader.h"

namespace fanfare::sim {
namespace {

// A pattern that `channel` matches.
std::string pattern_for(const std::string& channel, Random& random) {
  const std::size_t slash = channel.rfind('/');
  if (slash == std::string::npos) return "*";
  if (random.chance(0.4)) return channel.substr(0, channel.find('/')) + "/**";
  return channel.substr(0, slash) + "/*";
}

double rate(Random& random, double off, double max) {
  return random.chance(off) ? 0 : max * static_cast<double>(1 + random.below(100)) / 100;
}

}  // namespace

ReaderPlan ReaderPlan::drawn(const std::vector<std::string>& channels, Random& random) {
  ReaderPlan plan;
  const std::size_t topics = random.chance(0.6) ? 1 : 1 + random.below(5);
  for (std::size_t i = 0; i < topics; ++i) {
    const std::string& channel = channels[random.below(channels.size())];
    plan.topics.push_back(random.chance(0.25) ? pattern_for(channel, random) : channel);
  }
  plan.http10 = random.chance(0.1);
  plan.post = !plan.http10 && random.chance(0.15);
  plan.raw = random.chance(0.07);
  plan.browser = random.chance(0.3);
  constexpr Cursor kCursors[] = {Cursor::header, Cursor::header, Cursor::query, Cursor::body};
  plan.cursor_by = kCursors[random.below(std::size(kCursors))];
  constexpr Asked kFirst[] = {Asked::now, Asked::now, Asked::earliest, Asked::replay};
  plan.first = kFirst[random.below(std::size(kFirst))];
  plan.replay = static_cast<std::uint32_t>(1 + random.below(30));
  if (random.chance(0.3)) plan.heartbeat_s = static_cast<std::uint32_t>(1 + random.below(30));
  constexpr Before kBefore[] = {Before::nothing, Before::nothing, Before::nothing,
                                Before::head,    Before::options, Before::not_found};
  plan.before = kBefore[random.below(std::size(kBefore))];
  plan.half_closes = random.chance(0.03);
  plan.cuts = rate(random, 0.6, 0.1);
  plan.forgets = rate(random, 0.8, 0.3);
  plan.sleeps = rate(random, 0.7, 0.05);
  plan.presents_nonsense = rate(random, 0.9, 0.5);
  plan.comes_back_after = Duration(static_cast<std::int64_t>(random.below(5'000'000'000)));
  return plan;
}

}  // namespace fanfare::sim
