#include "tests/sim/broker_day.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>

#include "broker/wire/tls/ticket_keys.h"
#include "tests/sim/asker.h"
#include "tests/sim/asking.h"
#include "tests/sim/broker_machine.h"
#include "tests/sim/day_plan.h"
#include "tests/sim/heap.h"
#include "tests/sim/keyed_day.h"
#include "tests/sim/nuisance.h"
#include "tests/sim/publisher.h"
#include "tests/sim/tls_end.h"
#include "tests/sim/visitor.h"
#include "tests/sim/watcher.h"
#include "tests/sim/world.h"

namespace fanfare::sim {
namespace {

// One day, from the first connection to the last.
class Day {
 public:
  explicit Day(const DayOptions& options)
      : seed_(options.seed),
        draw_(options.seed * 0x9e3779b97f4a7c15U + 1),
        world_(world_options(options)) {
    machine_options_.broker = drawn_configuration(draw_);
    // Taken from the seed itself, not drawn: a further draw would make another day of every seed.
    if (options.seed % 2 == 0)
      machine_options_.feed_members_max = static_cast<std::uint32_t>(1 + options.seed / 2 % 5);
    machine_options_.shards = static_cast<std::uint32_t>(1 + draw_.below(3));
    if (options.seed % 16 == 3)
      machine_options_.recovery = 10ms * static_cast<int>(1 + options.seed / 16 % 100);
    if (options.seed % 8 == 3)
      machine_options_.journal_late_max = 100ms * static_cast<int>(1 + options.seed / 8 % 50);
    if (options.seed % 9 == 4) machine_options_.box_bytes = 200U << (options.seed / 9 % 7);
    machine_options_.h2 = options.seed % 9 == 7;
    // Handshakes cost more than all else: on one of thirty days.
    const bool tls = machine_options_.h2 ? options.seed / 9 % 4 == 2 : options.seed % 31 == 12;
    if (tls) tickets_ = std::make_shared<tls::TicketKeys>(world_.kernel().now());
    transactions_ = options.seed % 11 == 3;
    if (options.seed % 13 == 5)
      patterns_max_ = static_cast<std::uint32_t>(1 + options.seed / 13 % 4);
    addressed_ = options.seed % 19 == 6;
    world_.town().addressed = addressed_;
    world_.town().packs = options.seed % 3 == 2;
    mortal_ = options.seed % 29 == 9;
    // None of the seeds that were kept before there were applications is one of these.
    if (options.seed / 3 % 5 == 4) asking_.emplace(world_, options.seed);
    bound();
    silent_ = options.seed % 53 == 8;
    if (options.seed % 8 == 4) machine_options_.lead = machine_options_.shards - 1;
    crowd_ = draw_.chance(0.005);
    machine_options_.subscribers_max = crowd_ ? 256 : draw_.chance(0.8) ? 64 : 6;
    machine_options_.admin = draw_.chance(0.3);
    asks_ = draw_.chance(0.02);
    machine_options_.roomy_ingest = asks_;
    machine_options_.late_mail = draw_.chance(0.5) ? 0.3 : 0;
    machine_options_.mail_delay_max = between(draw_, 1ms, 2s);
    channels_ = drawn_channels(draw_);
    if (KeyedDay::is_one(options.seed) && !asking_) keep_keys();
  }

  DayVerdict live();

 private:
  World::Options world_options(const DayOptions& options) {
    World::Options world{
        .seed = options.seed, .trace_lines = options.trace_lines, .trace_live = options.trace_live};
    world.faults = Faults::drawn(draw_);
    world.faults.draw_errors(Random(options.seed * 0xd1342543de82ef95U + 3));
    world.faults.bug = options.bug;
    world.descheduled = draw_.chance(0.5) ? 0.2 : 0;
    world.paused = draw_.chance(0.5) ? 0.02 : 0;
    return world;
  }
  void keep_keys();
  ReaderPlan drawn_plan(Random& draw);
  void start_machine();
  void reload();
  void bound();
  void lift_bounds();
  void take_note_of_heartbeat();
  void drain(Duration grace);
  void invite();
  void invite_bundles();
  void invite_pages();
  void hand_out_tls();
  // Clients have more subscriptions than a connection of theirs may carry.
  bool few_streams() const { return machine_options_.h2 && seed_ / 9 % 3 == 1; }
  void invite_pests();
  Door door_of_pests(std::size_t index) const;
  void invite_onlookers();
  void be_silent();
  void pass();
  void send_surplus_home();
  void judge();
  void stay_calm();
  void close();
  void check_gauges();
  void take_note_of_machine();
  void count();

  std::uint64_t seed_;
  Random draw_;
  World world_;
  BrokerMachine::Options machine_options_;
  std::vector<std::string> channels_;
  std::deque<BrokerMachine> machines_;  // the last one lives
  std::vector<std::unique_ptr<Publisher>> publishers_;
  std::vector<std::unique_ptr<Pest>> pests_;
  std::vector<std::unique_ptr<Watcher>> watchers_;
  std::vector<std::unique_ptr<Visitor>> visitors_;
  std::unique_ptr<Asker> asker_;
  std::optional<Asking> asking_;
  std::optional<KeyedDay> keyed_;
  std::shared_ptr<tls::TicketKeys> tickets_;  // null: no TLS
  std::uint32_t patterns_max_ = 0;            // [limits] patterns; 0: as by default
  bool transactions_ = false;
  bool addressed_ = false;  // clients have addresses and fronts, and limits of their own
  bool mortal_ = false;     // streams have a longest life
  bool silent_ = false;     // for long enough, with nothing kept
  bool crowd_ = false;
  bool asks_ = false;
  DayVerdict verdict_;
};

void Day::keep_keys() {
  keyed_.emplace(seed_, channels_);
  keyed_->configure(machine_options_.broker);
  machine_options_.removals_max = keyed_->removals_max();
  world_.town().keyed = {.channels = keyed_->channels(),
                         .keys = keyed_->keys(),
                         .deletes = KeyedDay::kDeletes,
                         .conflates = keyed_->conflates()};
}

ReaderPlan Day::drawn_plan(Random& draw) {
  ReaderPlan plan = ReaderPlan::drawn(channels_, draw);
  if (keyed_) keyed_->furnish(plan);
  return plan;
}

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
  bound();
  take_note_of_heartbeat();
  machines_.back().reload(machine_options_.broker);
}

// What the seed makes narrow, whatever else the configuration is.
void Day::bound() {
  server::Options& broker = machine_options_.broker;
  if (asking_) asking_->configure(broker);
  if (keyed_) keyed_->configure(broker);
  if (tickets_) broker.tls_server = make_tls_server(tickets_);
  if (tickets_ && seed_ / 36 % 3 == 1) broker.limits.tls_handshakes = 1;
  if (patterns_max_ > 0) broker.limits.patterns = patterns_max_;
  if (few_streams()) broker.limits.h2_streams = static_cast<std::uint32_t>(1 + seed_ / 27 % 4);
  if (mortal_) broker.delivery.stream_life = 1s * static_cast<int>(1 + seed_ / 29 % 5);
  broker.delivery.compress = world_.town().packs;
  if (world_.town().packs && seed_ % 5 == 0) broker.limits.compressors = 1;
  if (!addressed_) return;
  broker.fronts = {.trusted = {"10.0.0.0/8"}, .proxy_protocol = server::ProxyProtocol::accept};
  const std::uint64_t which = seed_ / 19;
  if (which % 3 == 0) return;
  broker.limits.connections_per_address = static_cast<std::uint32_t>(2 + which % 5);
  broker.limits.streams_per_address = static_cast<std::uint32_t>(1 + which % 4);
  if (which % 2 == 0) broker.limits.requests_per_address = "2/s burst 5";
  if (which % 7 == 0) broker.limits.clients = 2;
}

// Else some would come back for ever, or not be there in the evening.
void Day::lift_bounds() {
  if (patterns_max_ == 0 && !mortal_ && !addressed_ && !few_streams()) return;
  const server::LimitOptions usual;
  server::Options& broker = machine_options_.broker;
  if (patterns_max_ > 0) broker.limits.patterns = usual.patterns;
  broker.limits.connections_per_address = usual.connections_per_address;
  broker.limits.streams_per_address = usual.streams_per_address;
  broker.limits.h2_streams = usual.h2_streams;
  broker.limits.requests_per_address = usual.requests_per_address;
  broker.delivery.stream_life = Duration(0);
  machines_.back().reload(broker);
}

// Streams keep the heartbeat that they began with.
void Day::take_note_of_heartbeat() {
  const Duration heartbeat = machine_options_.broker.delivery.heartbeat;
  Pulse::Interval& may_be = world_.town().heartbeat;
  if (may_be.max == Duration(0)) may_be.min = heartbeat;
  may_be.min = std::min(may_be.min, heartbeat);
  may_be.max = std::max(may_be.max, heartbeat);
}

// drain: when told to stop, the broker ends within [limits] drain and the time of two farewells.
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
  if (asking_) asking_->invite(channels_);
  const std::size_t readers =
      crowd_ ? 150 + draw_.below(70) : 2 + draw_.below(draw_.chance(0.7) ? 10 : 40);
  for (std::size_t i = 0; i < readers; ++i)
    world_.add_reader(drawn_plan(draw_), Pace::drawn(draw_))
        .start(between(draw_, 0s, crowd_ ? 500ms : 10s));
  const std::size_t publishers = crowd_ ? 1 : 1 + draw_.below(4);
  for (std::size_t i = 0; i < publishers; ++i) {
    const Pace pace = Pace::drawn(draw_);
    PublisherPlan plan = PublisherPlan::drawn(channels_, draw_);
    if (transactions_) plan.transactions = 0.3;
    if (transactions_ && i == 0) plan.dialect = PublisherPlan::Dialect::resp;
    publishers_.push_back(std::make_unique<Publisher>(world_.town(), fmt::format("publisher {}", i),
                                                      std::move(plan), pace));
    publishers_.back()->start(between(draw_, 0s, 2s));
  }
  if (auto publisher = asking_ ? asking_->publisher() : nullptr)
    publishers_.push_back(std::move(publisher));
  invite_pests();
  invite_onlookers();
  if (machine_options_.box_bytes > 0) invite_bundles();
  if (machine_options_.h2) invite_pages();
  if (tickets_) hand_out_tls();
}

// To most; the others speak in clear.
void Day::hand_out_tls() {
  Random draw(seed_ * 0x94d049bb133111ebU + 11);
  const auto give = [&draw](Client& client) {
    const TlsHabits habits = TlsHabits::drawn(draw);
    if (draw.chance(0.7)) client.speak_tls(habits);
  };
  for (const auto& reader : world_.readers()) give(*reader);
  for (H2Client* const client : world_.h2_clients()) give(*client);
}

// Drawn from the seed itself, like what makes it such a day.
void Day::invite_bundles() {
  Random draw(seed_ * 0xa24baed4963ee407U + 5);
  const std::size_t bundles = 1 + draw.below(6);
  for (std::size_t i = 0; i < bundles; ++i) {
    std::vector<ReaderPlan> plans(1 + draw.below(4));
    for (ReaderPlan& plan : plans) {
      plan = drawn_plan(draw);
      plan.http10 = false;
    }
    const Pace pace = Pace::drawn(draw);
    world_.add_bundle(plans, pace).start(between(draw, 0s, 10s));
  }
}

void Day::invite_pages() {
  Random draw(seed_ * 0xd6e8feb86659fd93U + 9);
  const std::size_t pages = 1 + draw.below(6);
  for (std::size_t i = 0; i < pages; ++i) {
    std::vector<ReaderPlan> plans(1 + draw.below(draw.chance(0.8) ? 5 : 20));
    for (ReaderPlan& plan : plans) {
      plan = drawn_plan(draw);
      plan.http10 = false;
    }
    const H2Habits habits = H2Habits::drawn(draw);
    const Pace pace = Pace::drawn(draw);
    world_.add_h2_client(plans, habits, pace).start(between(draw, 0s, 10s));
  }
  for (std::size_t i = 0; asking_ && i < 2; ++i) {
    std::vector<ReaderPlan> plans(1 + draw.below(6));
    for (ReaderPlan& plan : plans) plan = asking_->plan_of_page(channels_);
    world_.add_h2_client(plans, H2Habits::drawn(draw), Pace::prompt())
        .start(between(draw, 0s, 10s));
  }
}

Door Day::door_of_pests(std::size_t index) const {
  return tickets_ && index % 2 == 0 ? Door::tls : Door::subscribers;
}

void Day::invite_pests() {
  const std::size_t pests = draw_.chance(0.6) ? 0 : 1 + draw_.below(4);
  for (std::size_t i = 0; i < pests; ++i) {
    pests_.push_back(std::make_unique<Pest>(
        world_.town(), fmt::format("pest {}", i), static_cast<Nuisance>(draw_.below(8)),
        draw_.chance(0.7) ? door_of_pests(i) : Door::publishers, Pace::drawn(draw_)));
    pests_.back()->start(between(draw_, 0s, 5s));
  }
}

void Day::invite_onlookers() {
  Town& town = world_.town();
  const std::size_t watchers = draw_.chance(0.7) ? 0 : 1 + draw_.below(2);
  for (std::size_t i = 0; i < watchers; ++i) {
    watchers_.push_back(
        std::make_unique<Watcher>(town, fmt::format("watcher {}", i), Pace::drawn(draw_)));
    watchers_.back()->start(between(draw_, 0s, 5s));
  }
  for (std::size_t i = 0; machine_options_.admin && i < 3; ++i) {
    visitors_.push_back(std::make_unique<Visitor>(town, fmt::format("visitor {}", i), i % 2 == 0,
                                                  Pace::drawn(draw_)));
    visitors_.back()->start(between(draw_, 0s, 5s));
  }
  if (!asks_) return;
  asker_ = std::make_unique<Asker>(town, "asker", Pace::prompt());
  asker_->start(between(draw_, 0s, 2s));
}

// Long enough for channels without history to be forgotten; then they are published to again.
void Day::be_silent() {
  if (silent_) {
    machine_options_.broker.history.age = 5s;
    machines_.back().reload(machine_options_.broker);
  }
  world_.town().hushed = true;
  world_.run(between(draw_, 10min + 10s, 11min));
  world_.town().hushed = false;
  world_.run(between(draw_, 1s, 5s));
}

void Day::pass() {
  world_.run(between(draw_, 2s, crowd_ ? 4s : 20s));
  if (draw_.chance(0.15)) {
    world_.kernel().faults().exhausted = true;
    world_.run(between(draw_, 0s, 3s));
    world_.kernel().faults().exhausted = false;
  }
  if (draw_.chance(0.01) || silent_) be_silent();
  if (draw_.chance(0.2)) {
    reload();
    world_.run(between(draw_, 1s, 5s));
  }
  if (draw_.chance(0.8)) return;
  if (draw_.chance(0.5)) drain(5s);
  take_note_of_machine();
  machines_.back().kill();
  world_.run(between(draw_, 0s, 1s));
  world_.town().stopping = false;
  start_machine();
  world_.run(between(draw_, 1s, 10s));
}

// More than one shard can hold might never all find room.
void Day::send_surplus_home() {
  const std::size_t seats = machine_options_.subscribers_max;
  for (std::size_t i = seats; i < world_.readers().size(); ++i) world_.readers()[i]->leave();
  std::size_t taken = std::min(seats, world_.readers().size());
  for (const auto& client : world_.shared_clients()) {
    taken += client->subscriptions().size();
    if (taken > seats) client->leave();
  }
}

void Day::judge() {
  for (const auto& pest : pests_) pest->leave();
  if (asker_) asker_->leave();
  send_surplus_home();
  lift_bounds();
  if (asking_) asking_->behave();
  for (const auto& publisher : publishers_) publisher->conclude();
  const auto published = [this] {
    return std::ranges::all_of(publishers_, [](const auto& p) { return p->settled(); }) &&
           std::ranges::all_of(watchers_, [](const auto& w) { return w->settled(); });
  };
  world_.settle(180s, published);
  // Notices are on their way; and a watcher whose network has gone dark learns of it some time.
  world_.run(40s, [this] {
    return std::ranges::all_of(watchers_, [](const auto& w) { return w->knows_all(); });
  });
  for (const auto& watcher : watchers_) watcher->check_arrivals();
  for (const auto& publisher : publishers_) {
    publisher->check_unanswered();
    publisher->check_transactions();
  }
  // What began in the day may live out at any time.
  if (asking_ && !mortal_ && !world_.report().failed()) asking_->restart();
  if (!world_.report().failed() && draw_.chance(0.3)) stay_calm();
  if (!mortal_ && !world_.report().failed()) world_.check_neighbours();
  world_.check_transcripts();
  if (asking_) asking_->judge();
}

// heartbeat, and quiet: nothing is published, and shards wake for their ticks and for heartbeats.
void Day::stay_calm() {
  constexpr std::uint64_t kTurnsPerSecondMax = 25;
  const std::uint64_t seconds = 5 + draw_.below(40);
  ++verdict_.calms;
  for (const auto& visitor : visitors_) visitor->leave();
  // A client whose network went down as its stream ended would wait for heartbeats in vain.
  world_.run(40s, [this] { return !world_.kernel().anybody_in_the_dark(); });
  world_.run(3s);  // what is on its way for fifty times the latency has arrived
  const std::uint64_t before = machines_.back().turns();
  world_.stay_calm(1s * seconds);
  const std::uint64_t turns = machines_.back().turns() - before;
  if (turns > (seconds + 1) * kTurnsPerSecondMax * machine_options_.shards)
    world_.kernel().fail(fmt::format("quiet: {} turns of {} shards in {} s without anything to do",
                                     turns, machine_options_.shards, seconds));
}

void Day::close() {
  for (const auto& publisher : publishers_) publisher->leave();
  for (const auto& visitor : visitors_) visitor->leave();
  world_.dismiss_readers();
  world_.run(90s, [this] {
    return std::ranges::all_of(watchers_, [](const auto& w) { return w->sees_nobody(); });
  });
  for (const auto& watcher : watchers_) {
    watcher->check_departures();
    watcher->leave();
  }
  if (asking_) asking_->leave();
  world_.check_leaks(90s);
  check_gauges();
  take_note_of_machine();
  drain(1s);
  if (const std::string left = machines_.back().left(); !left.empty())
    world_.kernel().fail("leak: at the end " + left);
}

// leak: the broker counts nobody any more.
void Day::check_gauges() {
  std::string left;
  const auto all_zero = [&] {
    server::Counters counted = machines_.back().counted();
    counted.clients_counted = 0;  // some are kept for their rate alone; left() knows what they hold
    left = gauges_of(counted);
    return left.empty();
  };
  if (!world_.run(5s, all_zero) && !world_.report().failed())
    world_.kernel().fail("leak: nobody is there, and the broker counts " + left);
}

void Day::take_note_of_machine() {
  verdict_.pauses += machines_.back().counted().ingest_paused_total;
  verdict_.forgotten += machines_.back().channels_forgotten();
  const server::Counters counted = machines_.back().counted();
  verdict_.patterns_refused += counted.patterns_refused_total;
  verdict_.snapshots += counted.snapshots_total;
  verdict_.conflated += counted.conflated_total;
  verdict_.named += counted.proxy_headers_total;
  verdict_.over_address += counted.connections_over_address_total +
                           counted.streams_over_address_total + counted.requests_over_address_total;
  verdict_.outlived += counted.streams_outlived_total;
  verdict_.deferred += counted.tls_deferred_total;
  verdict_.no_tls += counted.tls_failed_total;
  verdict_.admissions += counted.upstream_attached_total;
  verdict_.resumptions += counted.upstream_resumed_total;
  verdict_.passed += counted.upstream_passed_total;
  verdict_.slow += counted.upstream_slow_total;
  verdict_.unusable += counted.upstream_down_total + counted.upstream_cut_total +
                       counted.upstream_nonsense_total + counted.upstream_too_large_total;
}

DayVerdict Day::live() {
  start_machine();
  invite();
  pass();
  if (!world_.report().failed()) judge();
  if (!world_.report().failed()) close();

  verdict_.problems = world_.report().problems();
  verdict_.trace.assign(world_.report().lines().begin(), world_.report().lines().end());
  verdict_.digest = world_.report().digest();
  count();
  return std::move(verdict_);
}

void Day::count() {
  verdict_.publications = world_.ledger().count();
  verdict_.restarts = machines_.size() - 1;
  verdict_.crowds = crowd_ ? 1 : 0;
  for (const auto& client : world_.shared_clients()) verdict_.cancels += client->cancels();
  const auto count_tls = [this](const Client& client) {
    verdict_.handshakes += client.tls_counts().handshakes;
    verdict_.resumed += client.tls_counts().resumed;
  };
  for (const auto& reader : world_.readers()) count_tls(*reader);
  for (const H2Client* const client : world_.h2_clients()) {
    count_tls(*client);
    verdict_.stalls += client->counts().stalls;
    verdict_.errands += client->counts().errands;
    verdict_.refused += client->counts().refused;
    verdict_.goodbyes += client->counts().goodbyes;
  }
  for (const Subscription* const subscription : world_.subscriptions()) {
    verdict_.events += subscription->events();
    verdict_.gaps += subscription->gaps();
    for (const Transcript& transcript : subscription->transcripts()) {
      for (const Heard& heard : transcript.heard) {
        verdict_.streams += heard.kind == Heard::Kind::opened ? 1 : 0;
        verdict_.ends += heard.kind == Heard::Kind::ended ? 1 : 0;
      }
    }
  }
  for (const auto& watcher : watchers_) verdict_.notices += watcher->notices();
  for (const auto& visitor : visitors_) verdict_.sights += visitor->sights();
  for (const auto& publisher : publishers_) verdict_.transactions += publisher->transactions();
  verdict_.late_acks = world_.town().late_acks;
  verdict_.keys_refused = world_.town().keyed.refused;
  if (asker_) verdict_.answers = asker_->rounds();
  if (asking_) verdict_.questions = asking_->questions();
}

// heap: when the day is over, nothing of it is left. What is made once in the life of the process,
// by whoever comes first, is not made the second time.
DayVerdict watched_day(const DayOptions& options) {
  heap::Count before;
  DayVerdict verdict;
  for (int attempt = 0; attempt < 2; ++attempt) {
    before = heap::count();
    verdict = std::make_unique<Day>(options)->live();
    if (!verdict.problems.empty() || !verdict.trace.empty()) return verdict;
    if (heap::count().blocks == before.blocks) return verdict;
  }
  verdict.problems.push_back(
      fmt::format("heap: at the end of the day {} blocks of {} bytes are left",
                  heap::count().blocks - before.blocks, heap::count().bytes - before.bytes));
  return verdict;
}

}  // namespace

DayVerdict live_through(const DayOptions& options) {
  return watched_day(options);
}

}  // namespace fanfare::sim
