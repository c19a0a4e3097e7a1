// Reader: a subscriber's client on HTTP/1.1, with a connection of its own for its subscription.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/sim/client.h"
#include "tests/sim/reader_plan.h"
#include "tests/sim/response_reader.h"
#include "tests/sim/subscription.h"

namespace fanfare::sim {

class Reader final : public Client {
 public:
  Reader(Town& town, std::string name, const ReaderPlan& plan, Pace pace);

  void start(Duration after);
  // Hangs up for good.
  void leave();
  // Cuts its connection, and comes back.
  void cut();
  // From now on a prompt client that never cuts itself off.
  void behave();

  Subscription& subscription() { return subscription_; }
  const Subscription& subscription() const { return subscription_; }
  bool streaming() const { return subscription_.streaming(); }
  std::uint64_t events() const { return subscription_.events(); }

 protected:
  void heard(std::string_view bytes) override;
  void lost(bool clean) override;
  void rang(std::uint32_t alarm) override;
  void all_said() override;

 private:
  const ReaderPlan& plan() const { return subscription_.plan(); }
  void connect();
  void say_before();
  void stream_begins();
  void take_passed(std::string_view body);
  void end_passed();
  void come_back();

  Subscription subscription_;
  ResponseReader response_;
  std::uint32_t answers_due_ = 0;      // of the requests before the one that subscribes
  std::optional<std::string> passed_;  // the body of an application's own answer
};

}  // namespace fanfare::sim
