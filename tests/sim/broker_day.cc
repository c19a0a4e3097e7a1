#include "tests/sim/broker_day.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <memory>

#include "tests/sim/broker_machine.h"
#include "tests/sim/nuisance.h"
#include "tests/sim/publisher.h"
#include "tests/sim/world.h"

namespace fanfare::sim {
namespace {

Duration between(Random& random, Duration min, Duration max) {
  return min + Duration(static_cast<std::int64_t>(
                   random.below(static_cast<std::uint64_t>((max - min).count()) + 1)));
}

template <class T>
T one_of(Random& random, std::initializer_list<T> choices) {
  return *(choices.begin() + random.below(choices.size()));
}

server::Options drawn_configuration(Random& random) {
  server::Options options;
  options.history.events = one_of<std::uint32_t>(random, {0, 3, 10, 50, 1000});
  options.history.bytes = one_of<std::uint64_t>(random, {2'000, 20'000, 1U << 20U});
  options.history.age = one_of<Duration>(random, {Duration(0), Duration(5s), Duration(1h)});
  options.history.total_bytes =
      one_of<std::uint64_t>(random, {64U << 10U, 512U << 10U, 256U << 20U});
  options.delivery.heartbeat = between(random, 1s, 15s);
  options.delivery.retry = 100ms;
  if (random.chance(0.3)) options.delivery.end_event = kEndEvent;
  options.delivery.slow =
      one_of(random, {server::SlowPolicy::disconnect, server::SlowPolicy::skip});
  options.delivery.stall = between(random, 2s, 40s);
  options.delivery.announce_position =
      one_of(random, {server::AnnouncePosition::automatic, server::AnnouncePosition::always,
                      server::AnnouncePosition::never});
  if (random.chance(0.2)) options.delivery.coalesce = between(random, 1ms, 200ms);
  options.limits.head_time = between(random, 1s, 10s);
  options.limits.idle_time = between(random, 1s, 60s);
  options.limits.event_bytes = 64U << 10U;
  options.limits.ingest_pending_bytes = one_of<std::uint64_t>(random, {4'000, 64'000, 8U << 20U});
  options.limits.drain = between(random, 0s, 5s);
  return options;
}

std::vector<std::string> drawn_channels(Random& random) {
  const std::vector<std::string> all = {"news",     "prices/btc",     "prices/eth",
                                        "a/b/c",    "a/b/d",          "a/e",
                                        "orders/1", "orders/1/items", "metrics/cpu"};
  std::vector<std::string> channels;
  const std::size_t count = 1 + random.below(all.size());
  for (std::size_t i = 0; i < count; ++i) channels.push_back(all[i]);
  return channels;
}

// One day, from the first connection to the last.
class Day {
 public:
  explicit Day(const DayOptions& options)
      : draw_(options.seed * 0x9e3779b97f4a7c15U + 1), world_(world_options(options)) {
    machine_options_.broker = drawn_configuration(draw_);
    machine_options_.shards = static_cast<std::uint32_t>(1 + draw_.below(3));
    machine_options_.subscribers_max = draw_.chance(0.8) ? 64 : 6;
    machine_options_.late_mail = draw_.chance(0.5) ? 0.3 : 0;
    machine_options_.mail_delay_max = between(draw_, 1ms, 2s);
    channels_ = drawn_channels(draw_);
  }

  DayVerdict live();

 private:
  World::Options world_options(const DayOptions& options) {
    World::Options world{
        .seed = options.seed, .trace_lines = options.trace_lines, .trace_live = options.trace_live};
    world.faults = Faults::drawn(draw_);
    world.faults.bug = options.bug;
    world.descheduled = draw_.chance(0.5) ? 0.2 : 0;
    world.paused = draw_.chance(0.5) ? 0.02 : 0;
    return world;
  }
  void start_machine();
  void reload();
  void take_note_of_heartbeat();
  void drain(Duration grace);
  void invite();
  void pass();
  void judge();
  void stay_calm();
  void close();

  Random draw_;
  World world_;
  BrokerMachine::Options machine_options_;
  std::vector<std::string> channels_;
  std::deque<BrokerMachine> machines_;  // the last one lives
  std::vector<std::unique_ptr<Publisher>> publishers_;
  std::vector<std::unique_ptr<Pest>> pests_;
};

void Day::start_machine() {
  const server::Options& broker = machine_options_.broker;
  world_.report().trace(world_.kernel().now(),
                        "broker: {} shards; history {} events, {} bytes, {} ms, {} bytes in all; "
                        "slow {}; stall {} ms",
                        machine_options_.shards, broker.history.events, broker.history.bytes,
                        broker.history.age / 1ms, broker.history.total_bytes,
                        broker.delivery.slow == server::SlowPolicy::skip ? "skip" : "disconnect",
                        broker.delivery.stall / 1ms);
  take_note_of_heartbeat();
  machines_.emplace_back(world_, machine_options_);
  world_.set_machine(&machines_.back());
}

void Day::reload() {
  machine_options_.broker = drawn_configuration(draw_);
  take_note_of_heartbeat();
  machines_.back().reload(machine_options_.broker);
}

// Streams keep the heartbeat that they began with.
void Day::take_note_of_heartbeat() {
  const Duration heartbeat = machine_options_.broker.delivery.heartbeat;
  Pulse::Interval& may_be = world_.town().heartbeat;
  if (may_be.max == Duration(0)) may_be.min = heartbeat;
  may_be.min = std::min(may_be.min, heartbeat);
  may_be.max = std::max(may_be.max, heartbeat);
}

// drain: told to stop, the broker ends within [limits] drain and what a farewell may take twice.
void Day::drain(Duration grace) {
  constexpr Duration kFarewell = 2s;
  machines_.back().drain();
  world_.town().stopping = true;
  const Duration limit = machine_options_.broker.limits.drain + 2 * kFarewell + grace;
  const bool ended = world_.run(limit, [this] { return machines_.back().finished(); });
  if (!ended && !world_.report().failed())
    world_.kernel().fail(
        fmt::format("drain: the broker has not ended {} ms after it was told to", limit / 1ms));
}

void Day::invite() {
  ReaderPlan witness;
  witness.topics = {"**"};
  world_.add_reader(std::move(witness), Pace::prompt()).start(0s);
  const std::size_t readers = 2 + draw_.below(draw_.chance(0.7) ? 10 : 40);
  for (std::size_t i = 0; i < readers; ++i)
    world_.add_reader(ReaderPlan::drawn(channels_, draw_), Pace::drawn(draw_))
        .start(between(draw_, 0s, 10s));
  const std::size_t publishers = 1 + draw_.below(4);
  for (std::size_t i = 0; i < publishers; ++i) {
    publishers_.push_back(std::make_unique<Publisher>(world_.town(), fmt::format("publisher {}", i),
                                                      PublisherPlan::drawn(channels_, draw_),
                                                      Pace::drawn(draw_)));
    publishers_.back()->start(between(draw_, 0s, 2s));
  }
  const std::size_t pests = draw_.chance(0.6) ? 0 : 1 + draw_.below(4);
  for (std::size_t i = 0; i < pests; ++i) {
    pests_.push_back(std::make_unique<Pest>(
        world_.town(), fmt::format("pest {}", i), static_cast<Nuisance>(draw_.below(8)),
        draw_.chance(0.7) ? Door::subscribers : Door::publishers, Pace::drawn(draw_)));
    pests_.back()->start(between(draw_, 0s, 5s));
  }
}

void Day::pass() {
  world_.run(between(draw_, 2s, 20s));
  if (draw_.chance(0.15)) {
    world_.kernel().faults().exhausted = true;
    world_.run(between(draw_, 0s, 3s));
    world_.kernel().faults().exhausted = false;
  }
  if (draw_.chance(0.2)) {
    reload();
    world_.run(between(draw_, 1s, 5s));
  }
  if (draw_.chance(0.8)) return;
  if (draw_.chance(0.5)) drain(5s);
  machines_.back().kill();
  world_.run(between(draw_, 0s, 1s));
  world_.town().stopping = false;
  start_machine();
  world_.run(between(draw_, 1s, 10s));
}

void Day::judge() {
  for (const auto& pest : pests_) pest->leave();
  // More than one shard can hold might never all find room.
  for (std::size_t i = machine_options_.subscribers_max; i < world_.readers().size(); ++i)
    world_.readers()[i]->leave();
  for (const auto& publisher : publishers_) publisher->conclude();
  const auto published = [this] {
    return std::ranges::all_of(publishers_, [](const auto& p) { return p->settled(); });
  };
  world_.settle(180s, published);
  if (!world_.report().failed() && draw_.chance(0.3)) stay_calm();
  world_.check_transcripts();
}

// heartbeat, and quiet: nothing is published, and shards wake for their ticks and for heartbeats.
void Day::stay_calm() {
  constexpr std::uint64_t kTurnsPerSecondMax = 25;
  const std::uint64_t seconds = 5 + draw_.below(40);
  const std::uint64_t before = machines_.back().turns();
  world_.stay_calm(1s * seconds);
  const std::uint64_t turns = machines_.back().turns() - before;
  if (turns > (seconds + 1) * kTurnsPerSecondMax * machine_options_.shards)
    world_.kernel().fail(fmt::format("quiet: {} turns of {} shards in {} s without anything to do",
                                     turns, machine_options_.shards, seconds));
}

void Day::close() {
  for (const auto& publisher : publishers_) publisher->leave();
  world_.check_leaks(90s);
  drain(1s);
  if (const std::string left = machines_.back().left(); !left.empty())
    world_.kernel().fail("leak: at the end " + left);
}

DayVerdict Day::live() {
  start_machine();
  invite();
  pass();
  if (!world_.report().failed()) judge();
  if (!world_.report().failed()) close();

  DayVerdict verdict;
  verdict.problems = world_.report().problems();
  verdict.trace.assign(world_.report().lines().begin(), world_.report().lines().end());
  verdict.digest = world_.report().digest();
  verdict.publications = world_.ledger().count();
  verdict.restarts = machines_.size() - 1;
  for (const auto& reader : world_.readers()) {
    verdict.events += reader->events();
    verdict.gaps += reader->gaps();
    for (const Transcript& transcript : reader->transcripts()) {
      verdict.streams += static_cast<std::uint64_t>(std::ranges::count_if(
          transcript.heard, [](const Heard& h) { return h.kind == Heard::Kind::opened; }));
    }
  }
  return verdict;
}

}  // namespace

DayVerdict live_through(const DayOptions& options) {
  return Day(options).live();
}

}  // namespace fanfare::sim
