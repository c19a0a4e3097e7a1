// pattern-cost: does one thing a number of times, beside a number of patterns that it has nothing
// to do with; bench/patterns/cost counts the instructions of that under callgrind, twice, and takes
// the difference.
//
//   event      how many streams get an event of a channel that was not asked for lately
//   channel    a channel appears on a shard, and is forgotten
//   subscribe  a stream with a pattern of its own comes and goes, on its shard and on the lead
//   stream     the same with 128 patterns
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "broker/fanout/directory.h"
#include "broker/fanout/replica.h"
#include "broker/server/lead/roster.h"

namespace fanfare::bench {
namespace {

fanout::Epoch epoch() {
  return *fanout::Epoch::parse("0123abc");
}

class Scene {
 public:
  explicit Scene(std::uint32_t patterns) {
    for (std::uint32_t i = 0; i < patterns; ++i) come({"users/" + std::to_string(i) + "/**"});
    for (std::uint32_t i = 0; i < kChannels; ++i) names_.push_back("orders/" + std::to_string(i));
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
  ~Scene() {
    for (fanout::Feed* const feed : feeds_) directory_.release(feed);
  }

  void event(std::uint32_t i) { receivers_ += roster_.receivers(names_[i % kChannels]); }
  void channel(std::uint32_t i) {
    directory_.appear(0, names_[i % kChannels]);
    directory_.forget(0);
  }
  void subscribe(std::uint32_t i) {
    come({"others/" + std::to_string(i) + "/**"});
    go({"others/" + std::to_string(i) + "/**"});
  }
  void stream(std::uint32_t i) {
    std::vector<std::string> topics;
    for (int n = 100; n < 228; ++n) {
      topics.push_back("x/" + std::to_string(i) + "/" + std::to_string(n) + "/*");
    }
    come(topics);
    go(topics);
  }

 private:
  static constexpr std::uint32_t kChannels = 65'536;

  void come(const std::vector<std::string>& topics) {
    const std::vector<std::string_view> views(topics.begin(), topics.end());
    feeds_.push_back(directory_.open(views, fanout::Framing::chunked));
    roster_.change(fanout::Topics(topics), 1);
  }
  void go(const std::vector<std::string>& topics) {
    directory_.release(feeds_.back());
    feeds_.pop_back();
    directory_.take_attendance();
    roster_.change(fanout::Topics(topics), -1);
  }

  fanout::Directory directory_{1000, fanout::kFeedMembersMax, fanout::NameHash(epoch())};
  server::Roster roster_{fanout::NameHash(epoch())};
  std::vector<fanout::Feed*> feeds_;
  std::vector<std::string> names_;
  std::uint64_t receivers_ = 0;
};

}  // namespace
}  // namespace fanfare::bench

int main(int argc, char** argv) {
  using fanfare::bench::Scene;
  const std::map<std::string_view, void (Scene::*)(std::uint32_t)> deeds = {
      {"event", &Scene::event},
      {"channel", &Scene::channel},
      {"subscribe", &Scene::subscribe},
      {"stream", &Scene::stream}};
  const auto deed = argc == 4 ? deeds.find(argv[1]) : deeds.end();
  if (deed == deeds.end()) {
    std::fprintf(stderr, "usage: pattern-cost event|channel|subscribe|stream PATTERNS TIMES\n");
    return 2;
  }
  Scene scene(static_cast<std::uint32_t>(std::atoi(argv[2])));
  const auto times = static_cast<std::uint32_t>(std::atoi(argv[3]));
  for (std::uint32_t i = 0; i < times; ++i) (scene.*deed->second)(i);
  return 0;
}
