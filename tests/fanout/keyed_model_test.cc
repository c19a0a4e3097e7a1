// Channels that keep the latest event of each key, against a map: random publishers set and remove
// keys, shards apply the log at their own pace, clients join, take spans whole or cut, fall behind,
// are cut off and come back on another shard. Whatever happens: ids strictly increase on a stream,
// no value is wrong, and in the end each client has what the publisher has.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker/fanout/feed.h"
#include "broker/fanout/log_image.h"
#include "broker/fanout/replica.h"
#include "broker/fanout/sequencer.h"
#include "tests/fanout/log_record.h"
#include "tests/fanout/model_parts.h"
#include "tests/fanout/sse_reader.h"

#include "common/random.h"

namespace fanfare::fanout {
namespace {

using namespace fanfare::fanout::testing;

constexpr std::uint32_t kClients = 10;
const std::vector<std::string> kChannels = {"k/1", "k/2", "k/3", "plain"};
const std::vector<TopicList> kKeyedTopics = {{"k/1"}, {"k/2"},          {"k/1", "k/2"},
                                             {"k/*"}, {"k/1", "plain"}, {"**"}};
// Such as need an escape, and such as do not.
const std::vector<std::string> kKeys = {"", "a", "b/1", "c d", "e,f", "ü", "g", "h"};

using KeyMap = std::map<std::string, std::string>;  // by key
using ChannelMap = std::map<std::string, KeyMap>;   // by channel
// Channel, key, data, by sequence; only the channel: every key of it went.
using Versions = std::map<Sequence, std::vector<std::string>>;

std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    plain += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
    i += 2;
  }
  return plain;
}

struct Client : Subscriber {
  ChannelMap map;
  Sequence last_id = 0;  // by the stream, whole events only
  bool here_before = false;
  Sequence stream_began = 0;  // nothing on this stream is older
  Newest newest = {};
  Duration spacing{};                              // its own wish
  std::map<std::string, TimePoint> came_in_round;  // by channel and key, since it joined
};

class World {
 public:
  explicit World(std::uint64_t seed);
  void step();
  void settle();
  void restart();
  // The same, from an image of the log.
  void hand_over();

 private:
  void start_again(std::unique_ptr<Log> log);
  void publish();
  void erase();
  void seal();
  void begin(std::uint32_t member);
  void come_back(Client& c);
  void start_anew(Client& c, Sequence removals_after);
  void cut(std::uint32_t member);
  // `round_began`: when the round that brought it did, if it was one.
  void take_in(Client& c, std::optional<TimePoint> round_began = std::nullopt);
  void note_end_of_round(const Feed* feed);
  void leave(std::uint32_t member);
  void advance(std::uint32_t member);
  bool serve(Shard& shard, std::size_t slice, double whole);
  void apply_next(Shard& shard);
  ReplicaOptions shard_options();

  Random random_;
  Epoch epoch_;
  bool conflate_ = false;
  Duration spacing_{};
  LogLimits log_limits_;
  std::map<std::string, HistoryLimits> limits_;
  LogRecord record_;
  bool restarting_ = false;
  SequencerOptions options_;
  std::unique_ptr<Sequencer> sequencer_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<Client> clients_{kClients};
  ChannelMap truth_;
  Versions versions_;
  std::map<const Feed*, TimePoint> rounds_began_;  // those that are on their way
  TimePoint now_{Duration(100s).count()};
};

World::World(std::uint64_t seed) : random_(seed), epoch_(Epoch::from(random_)) {
  conflate_ = random_.chance(0.5);
  if (random_.chance(0.3)) spacing_ = 2s;
  log_limits_.total_bytes = random_.chance(0.7) ? 256U << 20U : 20'000;
  const std::uint32_t events[] = {0, 1, 3, 20, 1'000};
  for (const std::string& channel : kChannels) {
    HistoryLimits& limits = limits_[channel];
    limits.events = events[random_.below(5)];
    limits.age = random_.chance(0.5) ? Duration(0) : Duration(5s);
    limits.keep_latest = channel != "plain";
    if (random_.chance(0.1)) limits.keys_max = 3;
    if (random_.chance(0.1)) limits.keys_bytes = 400;
  }
  options_ = {.epoch = epoch_,
              .history = [this](std::string_view name) { return limits_.at(std::string(name)); },
              .limits = &log_limits_,
              .idle_forgotten_after = 5s,
              .removals_max = random_.chance(0.5) ? 2U : 4'096U,
              .removals_age = 0s,
              .recorder =
                  [this](const Command& command) {
                    if (!restarting_) record_.add(command);
                  }};
  sequencer_ = std::make_unique<Sequencer>(options_);
  for (std::uint64_t left = 1 + random_.below(3); left > 0; --left) {
    shards_.push_back(std::make_unique<Shard>(shard_options()));
    shards_.back()->replica.advance(now_);
  }
}

ReplicaOptions World::shard_options() {
  return {.epoch = epoch_,
          .members_max = kClients,
          .feed_members_max = static_cast<std::uint32_t>(1 + random_.below(3)),
          .span_bytes_max = random_.chance(0.5) ? 300 : 256U << 10U,
          .rules = {.of = [this](const Topics&) {
            return CrowdRules{.conflate = conflate_, .spacing = spacing_};
          }}};
}

void World::publish() {
  const std::string& channel = kChannels[random_.below(kChannels.size())];
  const bool keyed = channel != "plain";
  const std::string key = keyed ? kKeys[random_.below(kKeys.size())] : "";
  const bool removes = keyed && random_.chance(0.25);
  const Sequence sequence = sequencer_->head() + 1;
  std::string data = fmt::format("{} is {}", key, sequence);
  if (random_.chance(0.2)) data.append(random_.below(300), 'x');
  if (removes) data.clear();
  const auto published = sequencer_->publish(
      channel, {.type = "", .data = data, .retry_ms = {}, .key = key}, "", now_);
  KeyMap& keys = truth_[channel];
  if (!published) {
    const HistoryLimits& limits = limits_.at(channel);
    if (published.error() == PublishError::too_many_keys) {
      ASSERT_TRUE(!removes && !keys.contains(key) && keys.size() >= limits.keys_max);
    } else {
      ASSERT_EQ(published.error(), PublishError::keys_too_large);
      ASSERT_TRUE(limits.keys_bytes == 400 || log_limits_.total_bytes == 20'000);
    }
    return;
  }
  ASSERT_EQ(published->sequence, sequence);
  versions_[sequence] = {channel, key, data};
  if (!keyed) return;
  if (removes) {
    keys.erase(key);
  } else {
    keys[key] = data;
  }
  ASSERT_LE(keys.size(), limits_.at(channel).keys_max);
  const Keys& known = *sequencer_->log().sources().find(channel)->keys;
  ASSERT_EQ(known.count(), keys.size());
}

void World::erase() {
  const std::string& channel = kChannels[random_.below(kChannels.size())];
  const Sequence before = sequencer_->head();
  const bool keyed = channel != "plain";
  const bool any = keyed && !truth_[channel].empty();
  sequencer_->erase(channel, now_);
  if (keyed) truth_[channel].clear();
  const auto state = sequencer_->find(channel);
  ASSERT_FALSE(state && state->begun);
  ASSERT_TRUE(sequencer_->head() > before || !any) << "who has keys must hear of it";
  if (sequencer_->head() > before) versions_[sequencer_->head()] = {channel};
}

void World::seal() {
  if (const BatchPtr batch = sequencer_->seal(now_)) {
    for (const auto& shard : shards_) shard->mailbox.push_back(batch);
  }
}

void World::apply_next(Shard& shard) {
  if (shard.mailbox.empty()) return;
  shard.replica.apply(*shard.mailbox.front());
  shard.mailbox.pop_front();
}

void World::begin(std::uint32_t member) {
  Client& c = clients_[member];
  const bool resumes = c.here_before && random_.chance(0.8);
  if (!resumes) {
    c.topics = kKeyedTopics[random_.below(kKeyedTopics.size())];
    c.map.clear();
    c.here_before = true;
    c.spacing = random_.chance(0.8) ? 0s : 1s;
  }
  c.framing = random_.chance(0.5) ? Framing::named_keyed : Framing::named_keyed_chunked;
  c.shard = shards_[random_.below(shards_.size())].get();
  const std::vector<std::string_view> topics(c.topics.begin(), c.topics.end());
  c.feed = c.shard->replica.open(topics, c.framing, c.spacing);
  c.state = Subscriber::State::behind;
  c.came_in_round.clear();
  c.held = {};
  c.stream.clear();
  c.newest = {};
  if (resumes) {
    come_back(c);
  } else {
    start_anew(c, UINT64_MAX);
  }
  c.stream_began = c.last_id = c.cursor.at;
}

// As streams do it (broker/server/streams/streams.cc).
void World::come_back(Client& c) {
  Replica& replica = c.shard->replica;
  c.cursor = c.last_id;
  for (;;) {
    const Read read = replica.read(c.feed, c.cursor, 1);
    if (!read.gap) return;
    if (!read.gap->thinned) {
      c.map.clear();  // the client is told so, and that all follows
      return start_anew(c, UINT64_MAX);
    }
    c.cursor = read.gap->cursor;
  }
}

void World::start_anew(Client& c, Sequence removals_after) {
  Replica& replica = c.shard->replica;
  if (const auto start = replica.snapshot(c.feed)) {
    c.cursor = start->cursor;
    c.newest = start->newest;
    c.newest.removals_after = std::min(c.newest.removals_after, removals_after);
  } else {
    c.cursor = replica.target(c.feed);
  }
}

// What the client makes of what has come in whole.
void World::take_in(Client& c, std::optional<TimePoint> round_began) {
  const std::string text = is_chunked(c.framing) ? read_chunks(c.stream) : c.stream;
  for (const ReceivedEvent& event : read_events(text)) {
    const std::size_t one = event.id.find(',');
    const std::size_t two = event.id.find(',', one + 1);
    const auto id = EventId::parse(event.id.substr(0, one));
    ASSERT_TRUE(id && id->epoch == epoch_) << event.id;
    ASSERT_GT(id->sequence, c.last_id) << "ids strictly increase";
    c.last_id = id->sequence;
    const std::string channel = event.id.substr(one + 1, two - one - 1);
    const auto& version = versions_.at(id->sequence);
    ASSERT_EQ(channel, version[0]);
    if (version.size() == 1) {
      ASSERT_EQ(event.type, "removed");
      ASSERT_EQ(event.data, fmt::format(R"({{"channel":"{}"}})", channel));
      ASSERT_EQ(two, std::string::npos) << event.id;
      c.map[channel].clear();
      continue;
    }
    ASSERT_NE(two, std::string::npos) << event.id;
    const std::string key = unescaped(event.id.substr(two + 1));
    ASSERT_EQ(key, version[1]);
    if (channel == "plain") continue;
    const Duration spacing = std::max(spacing_, c.spacing);
    if (round_began && spacing > 0s) {
      TimePoint& last = c.came_in_round[channel + " " + key];
      ASSERT_TRUE(last == TimePoint{} || *round_began - last >= spacing) << "sooner than it wanted";
      last = *round_began;
    }
    if (version[2].empty()) {
      ASSERT_EQ(event.type, "removed");
      ASSERT_EQ(event.data, fmt::format(R"({{"channel":"{}","key":"{}"}})", channel, key));
      c.map[channel].erase(key);
    } else {
      ASSERT_EQ(event.data, version[2]);
      c.map[channel][key] = event.data;
    }
  }
  c.stream.clear();
}

void World::note_end_of_round(const Feed* feed) {
  if (!feed->progress.in_round()) rounds_began_.erase(feed);
}

void World::leave(std::uint32_t member) {
  Client& c = clients_[member];
  c.cursor = c.shard->replica.leave(c.feed, member);
  note_end_of_round(c.feed);
  c.came_in_round.clear();
  c.state = Subscriber::State::behind;
}

void World::cut(std::uint32_t member) {
  Client& c = clients_[member];
  if (c.state == Subscriber::State::off) return;
  if (c.state == Subscriber::State::joined) leave(member);
  if (c.held.size > 0) c.stream.append(c.held.data, random_.below(c.held.size + 1));
  take_in(c);
  c.shard->replica.release(c.feed);
  c.state = Subscriber::State::off;
}

void World::advance(std::uint32_t member) {
  Client& c = clients_[member];
  if (c.state != Subscriber::State::behind) return;
  Replica& replica = c.shard->replica;
  if (c.held.size > 0) {
    if (random_.chance(0.3)) return;  // still blocked
    c.stream.append(c.held.data, c.held.size);
    c.held = {};
    take_in(c);
  }
  if (c.cursor.at == replica.target(c.feed) && random_.chance(0.5)) {
    replica.join(c.feed, member);
    c.state = Subscriber::State::joined;
    return;
  }
  const std::size_t bytes_max = 1 + random_.below(600);
  const Sequence before = c.cursor.at;
  const Read read = replica.read(c.feed, c.cursor, bytes_max, c.newest);
  if (read.ahead) return;
  if (read.gap) {
    ASSERT_TRUE(!read.gap->thinned || !conflate_) << "what is conflated is not called a gap";
    if (read.gap->removals) return cut(member);
    // The client keeps what it has of keys, if it is told of a gap.
    c.cursor = read.gap->cursor;
    return;
  }
  ASSERT_GE(read.cursor.at, before);
  c.held = read.span;
  c.cursor = read.cursor;
  if (c.held.size == 0 && read.caught_up) {
    replica.join(c.feed, member);
    c.state = Subscriber::State::joined;
  }
}

bool World::serve(Shard& shard, std::size_t slice, double whole) {
  const auto round = shard.replica.next_round(slice);
  if (!round) return false;
  // Slice by slice, which here may take long.
  const TimePoint began = rounds_began_.try_emplace(round->feed, now_).first->second;
  note_end_of_round(round->feed);
  const std::vector<Member> members(round->members.begin(), round->members.end());
  for (const Member member : members) {
    Client& c = clients_[member];
    EXPECT_EQ(c.feed, round->feed);
    if (round->ends) {
      leave(member);
      continue;
    }
    if (random_.chance(whole)) {
      c.stream.append(round->span.data, round->span.size);
      take_in(c, began);
    } else {
      leave(member);
      c.held = round->span;
    }
  }
  return true;
}

void World::restart() {
  for (std::uint32_t member = 0; member < kClients; ++member) cut(member);
  restarting_ = true;
  auto log = std::make_unique<Log>(options_.log());
  for (std::size_t i = 0; i < record_.size(); ++i) log->apply(record_[i]);
  start_again(std::move(log));
}

void World::hand_over() {
  for (std::uint32_t member = 0; member < kClients; ++member) cut(member);
  seal();
  std::string bytes;
  ASSERT_TRUE(write_log_image(sequencer_->log(), {}, shards_.front()->replica.past(),
                              [&bytes](std::string_view piece) {
                                bytes += piece;
                                return true;
                              }));
  const auto image = LogImage::open(bytes);
  ASSERT_TRUE(image);
  restarting_ = true;
  auto log = image->make(options_.log());
  ASSERT_TRUE(log);
  ASSERT_EQ(content_of(*log), content_of(sequencer_->log()));
  start_again(std::move(log));
}

void World::start_again(std::unique_ptr<Log> log) {
  sequencer_ = std::make_unique<Sequencer>(options_, std::move(log));
  restarting_ = false;
  rounds_began_.clear();
  for (auto& shard : shards_) {
    shard = std::make_unique<Shard>(shard_options());
    shard->replica.advance(now_);
  }
  seal();
  for (const auto& shard : shards_) apply_next(*shard);
}

void World::step() {
  const auto member = static_cast<std::uint32_t>(random_.below(kClients));
  Shard& shard = *shards_[random_.below(shards_.size())];
  const std::uint64_t dice = random_.below(100);
  if (dice < 34) {
    publish();
  } else if (dice < 35) {
    erase();
  } else if (dice < 45) {
    seal();
  } else if (dice < 60) {
    apply_next(shard);
  } else if (dice < 68) {
    if (clients_[member].state == Subscriber::State::off) begin(member);
  } else if (dice < 82) {
    advance(member);
  } else if (dice < 94) {
    serve(shard, 1 + random_.below(3), 0.7);
  } else if (dice < 97) {
    cut(member);
  } else {
    now_ = now_ + Duration(static_cast<std::int64_t>(random_.below(4'000'000'000)));
    while (sequencer_->expire(now_)) {
    }
    for (const auto& each : shards_) each->replica.advance(now_);
  }
}

void World::settle() {
  seal();
  for (const auto& shard : shards_) {
    while (!shard->mailbox.empty()) apply_next(*shard);
  }
  for (std::uint32_t member = 0; member < kClients; ++member) {
    if (clients_[member].state == Subscriber::State::off) begin(member);
  }
  for (int turn = 0; turn < 2'000; ++turn) {
    bool busy = false;
    now_ = now_ + 2s;
    for (const auto& shard : shards_) {
      shard->replica.advance(now_);
      while (serve(*shard, 2, 1.0)) {
      }
    }
    for (std::uint32_t member = 0; member < kClients; ++member) {
      if (clients_[member].state == Subscriber::State::off) begin(member);
      if (clients_[member].state == Subscriber::State::behind) busy = true;
      advance(member);
    }
    if (!busy && turn > 2) break;
  }
  for (std::uint32_t member = 0; member < kClients; ++member) {
    Client& c = clients_[member];
    ASSERT_EQ(c.state, Subscriber::State::joined);
    for (const std::string& channel : kChannels) {
      if (channel == "plain" || !covers(c.topics, channel)) continue;
      ASSERT_EQ(c.map[channel], truth_[channel]) << channel << " of client " << member;
    }
    cut(member);
  }
  for (const auto& shard : shards_) ASSERT_EQ(shard->replica.feed_count(), 0U);
}

TEST(KeyedModel, EveryClientHasWhatThePublisherHasWhateverWasCut) {
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    World world(seed);
    for (int step = 0; step < 500 && !HasFailure(); ++step) world.step();
    if (!HasFailure()) world.settle();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

TEST(KeyedModel, ALogMadeFromItsImageHasTheSameValues) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    World world(seed);
    for (int step = 0; step < 500 && !HasFailure(); ++step) {
      world.step();
      if (step % 125 == 100) world.hand_over();
    }
    if (!HasFailure()) world.settle();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

TEST(KeyedModel, ALogRebuiltFromItsCommandsHasTheSameValues) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    World world(seed);
    for (int step = 0; step < 500 && !HasFailure(); ++step) {
      world.step();
      if (step % 125 == 100) world.restart();
    }
    if (!HasFailure()) world.settle();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace fanfare::fanout
