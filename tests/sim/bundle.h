// Bundle: a client that has several subscriptions on one connection (bundle_frame.h). It opens them
// one after another, cancels one now and then, drops the whole connection more rarely, and opens
// again what was cut off. Each subscription is judged as if it were a client's only one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/bundle_frame.h"
#include "tests/sim/shared_client.h"

namespace fanfare::sim {

class Bundle final : public SharedClient {
 public:
  Bundle(Town& town, std::string name, const std::vector<ReaderPlan>& plans, Pace pace);

  void start(Duration after) override;
  void leave() override;
  void behave() override;

 protected:
  void heard(std::string_view bytes) override;
  void lost(bool clean) override;
  void rang(std::uint32_t alarm) override;

 private:
  void connect();
  void open(std::size_t index);
  void take(const BundleFrame& frame);
  void take_head(std::size_t index, std::string_view payload);
  void take_end(std::size_t index, std::string_view payload);
  void cancel_some();
  // Its stream is over, on this connection or with it.
  void open_again(std::size_t index);
  void connect_again();
  void drop(bool reset);
  void cut_all();

  std::vector<std::uint32_t> numbers_;  // of their current streams; 0: none
  std::uint32_t last_number_ = 0;
  std::string in_;
  bool gone_ = false;
  double drops_;  // per piece read: the whole connection
};

}  // namespace fanfare::sim
