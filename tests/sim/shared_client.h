// SharedClient: a client that has several subscriptions on one connection, in whatever protocol.
// Each of them is judged as if it were a client's only one.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/client.h"
#include "tests/sim/reader_plan.h"
#include "tests/sim/subscription.h"

namespace fanfare::sim {

class SharedClient : public Client {
 public:
  // What the plans say of connections is not for them.
  SharedClient(Town& town, std::string name, const std::vector<ReaderPlan>& plans, Pace pace)
      : Client(town, std::move(name)) {
    pace_ = pace;
    for (const ReaderPlan& plan : plans) {
      subscriptions_.emplace_back(town, fmt::format("{}s{}", this->name(), subscriptions_.size()),
                                  plan);
    }
  }

  virtual void start(Duration after) = 0;
  // Hangs up for good.
  virtual void leave() = 0;
  // From now on a prompt client that cuts nothing off.
  virtual void behave() = 0;
  // It has what it asked for besides its streams.
  virtual bool answered() const { return true; }

  // Addresses do not move.
  std::deque<Subscription>& subscriptions() { return subscriptions_; }
  // Streams that were cancelled while their connection went on.
  std::uint64_t cancels() const { return cancels_; }

 protected:
  std::deque<Subscription> subscriptions_;
  std::uint64_t cancels_ = 0;
};

}  // namespace fanfare::sim
