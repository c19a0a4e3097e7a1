// Asking: what a day has beside others when its broker asks applications: the routes, one to three
// applications of every kind, and clients on the routes; and the judgement of what became of them.
// Drawn from a generator of its own, so that the rest of the day is what it would have been.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/server/base/options.h"
#include "tests/sim/application.h"
#include "tests/sim/guest_checkers.h"
#include "tests/sim/publisher.h"
#include "tests/sim/reader_plan.h"
#include "tests/sim/world.h"

#include "common/random.h"

namespace fanfare::sim {

class Asking {
 public:
  Asking(World& world, std::uint64_t seed);

  // The routes and limits, whatever else the broker is told.
  void configure(server::Options& options) const;
  // Applications begin to listen, and clients come.
  void invite(const std::vector<std::string>& channels);
  // For a stream on a connection that others share.
  ReaderPlan plan_of_page(const std::vector<std::string>& channels);
  // Publishes on the channels that single clients are let in to.
  std::unique_ptr<Publisher> publisher();
  // From now on every application is a good one.
  void behave();
  // outlives: when applications end, and begin again, streams stay.
  void restart();
  void judge();
  // Nobody listens any more.
  void leave();

  std::uint64_t questions() const;

 private:
  struct Route {
    std::string path;
    std::size_t application = 0;
    ReaderPlan::Asks asks{};
  };
  GuestRules rules() const;
  void fail_with(Problems problems);
  ReaderPlan drawn_plan(const std::vector<std::string>& channels);
  std::vector<Reader*> staying() const;

  World& world_;
  Random draw_;
  server::LimitOptions limits_;
  std::vector<Route> routes_;
  std::vector<std::string> places_;
  std::vector<std::unique_ptr<Application>> applications_;
  std::vector<std::string> private_channels_;
};

}  // namespace fanfare::sim
