#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

#include "tests/sim/checkers.h"
#include "tests/sim/key_checker.h"

namespace fanfare::sim {
namespace {

// What a turn takes: whatever is due meanwhile happens before the next one.
constexpr Duration kTurn(1'000);
// Shards that take this many turns in a second go round in circles.
constexpr std::uint64_t kTurnsPerSecondMax = 300'000;
// How often, in simulated time, a world that should become quiet is asked whether it is.
constexpr Duration kSettleStep = 250ms;

}  // namespace

World::World(const Options& options)
    : report_(options.trace_lines, options.trace_live),
      kernel_(options.seed, options.faults, report_),
      town_{.kernel = kernel_, .ledger = ledger_},
      options_(options) {}

void World::set_machine(Machine* machine) {
  machine_ = machine;
  paused_until_.assign(machine == nullptr ? 0 : machine->shard_count(), TimePoint{});
}

Reader& World::add_reader(const ReaderPlan& plan, Pace pace) {
  readers_.push_back(
      std::make_unique<Reader>(town_, fmt::format("reader {}", readers_.size()), plan, pace));
  subscriptions_.push_back(&readers_.back()->subscription());
  return *readers_.back();
}

Bundle& World::add_bundle(const std::vector<ReaderPlan>& plans, Pace pace) {
  auto made =
      std::make_unique<Bundle>(town_, fmt::format("bundle {}", shared_.size()), plans, pace);
  Bundle& bundle = *made;
  shared_.push_back(std::move(made));
  add_subscriptions(bundle);
  return bundle;
}

H2Client& World::add_h2_client(const std::vector<ReaderPlan>& plans, const H2Habits& habits,
                               Pace pace) {
  auto made = std::make_unique<H2Client>(town_, fmt::format("page {}", shared_.size()), plans,
                                         habits, pace);
  H2Client& client = *made;
  shared_.push_back(std::move(made));
  h2_.push_back(&client);
  add_subscriptions(client);
  return client;
}

void World::add_subscriptions(SharedClient& client) {
  for (Subscription& subscription : client.subscriptions()) subscriptions_.push_back(&subscription);
}

bool World::somebody_runs() {
  const bool hurry = town_.quiet;
  if (!hurry && random().chance(options_.descheduled)) return false;
  std::vector<std::size_t> able;
  for (std::size_t shard = 0; shard < paused_until_.size(); ++shard) {
    if ((hurry || paused_until_[shard] <= kernel_.now()) && machine_->runnable(shard))
      able.push_back(shard);
  }
  if (able.empty()) return false;
  const std::size_t shard = able[random().below(able.size())];
  if (!hurry && random().chance(options_.paused)) {
    paused_until_[shard] = kernel_.now() + kernel_.somewhen(options_.pause_max);
    return true;
  }
  machine_->turn(shard);
  const TimePoint end = kernel_.now() + kTurn;
  while (kernel_.step(end)) {
  }
  count_turn();
  return true;
}

void World::count_turn() {
  if (kernel_.now() >= second_end_) {
    second_end_ = kernel_.now() + 1s;
    turns_this_second_ = 0;
  }
  if (++turns_this_second_ == kTurnsPerSecondMax) kernel_.fail("quiet: shards run without end");
}

bool World::run(Duration limit, const std::function<bool()>& enough) {
  const TimePoint end = kernel_.now() + limit;
  while (!report_.failed()) {
    if (kernel_.now() < end && somebody_runs()) continue;
    if (enough && enough()) return true;
    if (kernel_.now() >= end) return !enough;
    let_time_pass(end);
  }
  return false;
}

void World::let_time_pass(TimePoint end) {
  // A shard that could run and was not let waits for the next thing to happen, whatever it is.
  constexpr Duration kMoment(100'000);
  TimePoint next = end;
  for (std::size_t shard = 0; shard < paused_until_.size(); ++shard) {
    const TimePoint paused = town_.quiet ? TimePoint{} : paused_until_[shard];
    next = std::min(next, std::max(paused, machine_->next_deadline(shard)));
  }
  kernel_.step(std::max(next, kernel_.now() + kMoment));
}

void World::settle(Duration limit, const std::function<bool()>& also) {
  kernel_.faults().stop();
  town_.quiet = true;
  for (const auto& reader : readers_) reader->behave();
  for (const auto& client : shared_) client->behave();
  const TimePoint end = kernel_.now() + limit;
  while (!report_.failed() && kernel_.now() < end) {
    run(kSettleStep);
    if (subscriptions_settled() && (!also || also())) return;
  }
  if (!report_.failed())
    kernel_.fail(fmt::format("{} {} s after the faults stopped", unsettled(), limit / 1s));
}

bool World::subscriptions_settled() const {
  const auto answered = [](const auto& client) { return client->answered(); };
  if (!std::ranges::all_of(shared_, answered)) return false;
  return std::ranges::all_of(subscriptions_, [this](const Subscription* reader) {
    if (reader->gone()) return true;
    const Transcript& transcript = reader->transcripts().back();
    return reader->streaming() && missing_yet(transcript, ledger_).empty() &&
           keys_missing_yet(transcript, ledger_).empty();
  });
}

std::string World::unsettled() const {
  for (const Subscription* const reader : subscriptions_) {
    if (reader->gone()) continue;
    if (!reader->streaming()) return fmt::format("quiet: {} does not stream", reader->name());
    const Problems missing = missing_yet(reader->transcripts().back(), ledger_);
    if (!missing.empty()) return "ack: " + missing.front();
    const Problems keys = keys_missing_yet(reader->transcripts().back(), ledger_);
    if (!keys.empty()) return "conflated: " + keys.front();
  }
  for (const auto& client : shared_) {
    if (!client->answered()) return fmt::format("quiet: {} waits for an answer", client->name());
  }
  return "quiet: somebody else is not done";
}

void World::stay_calm(Duration time) {
  for (Subscription* const reader : subscriptions_) reader->begin_calm();
  run(time);
  for (Subscription* const reader : subscriptions_) reader->end_calm();
}

void World::check_transcripts() {
  for (Subscription* const reader : subscriptions_) {
    reader->close_books();
    for (const Transcript& transcript : reader->transcripts()) {
      for (const auto check : {check_order, check_gap, check_ack, check_conflated}) {
        for (std::string& problem : check(transcript, ledger_)) kernel_.fail(std::move(problem));
      }
    }
  }
}

void World::check_neighbours() {
  std::vector<H2Client*> asked;
  for (H2Client* const client : h2_) {
    if (client->reset_one()) asked.push_back(client);
  }
  if (asked.empty()) return;
  run(3s);
  for (H2Client* const client : asked) client->check_neighbours();
}

void World::dismiss_readers() {
  for (const auto& reader : readers_) reader->leave();
  for (const auto& client : shared_) client->leave();
}

void World::check_leaks(Duration limit) {
  dismiss_readers();
  if (!run(limit, [this] { return machine_->left().empty(); }) && !report_.failed())
    kernel_.fail(fmt::format("leak: {}", machine_->left()));
}

}  // namespace fanfare::sim
