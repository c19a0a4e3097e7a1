// World: one seed's kernel, clients and ledger, around a Machine: the broker, or whatever else is
// to be held to the same promises. It decides who runs next, stops the faults, waits until all is
// quiet, and lets the checkers judge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/bundle.h"
#include "tests/sim/client.h"
#include "tests/sim/faults.h"
#include "tests/sim/h2_client.h"
#include "tests/sim/kernel.h"
#include "tests/sim/ledger.h"
#include "tests/sim/reader.h"
#include "tests/sim/report.h"
#include "tests/sim/subscription.h"

namespace fanfare::sim {

// What a world runs: one or more shards, each a loop that is stepped from outside.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual std::size_t shard_count() const = 0;
  // Its turn would do something without waiting.
  virtual bool runnable(std::size_t shard) const = 0;
  // One turn; must not wait.
  virtual void turn(std::size_t shard) = 0;
  // When the shard wants a turn though nothing happens; far away: never.
  virtual TimePoint next_deadline(std::size_t shard) const = 0;
  // What is left after the last client has gone; empty: nothing.
  virtual std::string left() const = 0;
};

class World {
 public:
  struct Options {
    std::uint64_t seed = 1;
    Faults faults{};
    std::size_t trace_lines = 0;
    bool trace_live = false;
    // How often a shard that could run is left waiting, and for how long at most.
    double descheduled = 0;
    double paused = 0;
    Duration pause_max = 500ms;
  };
  explicit World(const Options& options);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Kernel& kernel() { return kernel_; }
  Ledger& ledger() { return ledger_; }
  Report& report() { return report_; }
  Town& town() { return town_; }
  // Drawn from for what is not the kernel's: plans, sizes, times.
  Random& random() { return kernel_.random(); }

  // The machine outlives the world's runs; it may be exchanged between them.
  void set_machine(Machine* machine);
  Reader& add_reader(const ReaderPlan& plan, Pace pace);
  // A client with several subscriptions on one connection; the machine must know its protocol.
  Bundle& add_bundle(const std::vector<ReaderPlan>& plans, Pace pace);
  const std::vector<std::unique_ptr<Reader>>& readers() const { return readers_; }
  H2Client& add_h2_client(const std::vector<ReaderPlan>& plans, const H2Habits& habits, Pace pace);
  // Bundles and h2 clients.
  const std::vector<std::unique_ptr<SharedClient>>& shared_clients() const { return shared_; }
  const std::vector<H2Client*>& h2_clients() const { return h2_; }
  // Those of all readers and shared clients.
  const std::vector<Subscription*>& subscriptions() const { return subscriptions_; }

  // Lets time pass until `enough` (asked whenever nobody can run), a failure, or the limit. False:
  // it was never enough.
  bool run(Duration limit, const std::function<bool()>& enough = {});

  // quiet: the faults stop, and within `limit` every reader that is still there streams and has
  // all; `also` is what else must come true.
  void settle(Duration limit, const std::function<bool()>& also = {});
  // heartbeat: for so long, with nothing published, every stream is told as much as it should be.
  void stay_calm(Duration time);
  // order, gap, ack and conflated, over every transcript.
  void check_transcripts();
  void dismiss_readers();
  // leak: every reader goes; within `limit` nothing is left of them.
  void check_leaks(Duration limit);
  // neighbours: a stream that its client resets is the only one of its connection that ends.
  void check_neighbours();

 private:
  void add_subscriptions(SharedClient& client);
  bool somebody_runs();
  void count_turn();
  void let_time_pass(TimePoint end);
  bool subscriptions_settled() const;
  std::string unsettled() const;

  Report report_;
  Kernel kernel_;
  Ledger ledger_;
  Town town_;
  Options options_;
  Machine* machine_ = nullptr;
  std::vector<TimePoint> paused_until_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::vector<std::unique_ptr<SharedClient>> shared_;
  std::vector<H2Client*> h2_;
  std::vector<Subscription*> subscriptions_;
  TimePoint second_end_{};
  std::uint64_t turns_this_second_ = 0;
};

}  // namespace fanfare::sim
