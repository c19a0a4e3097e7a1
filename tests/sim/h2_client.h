// H2Client: a page, or whatever else has several subscriptions on one HTTP/2 connection, and runs
// errands beside them. It reads some streams slowly or not at all (their windows stay used up),
// resets one now and then as a tab that is closed does, changes its windows, says GOAWAY, and drops
// the whole connection.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/errand.h"
#include "tests/sim/h2_end.h"
#include "tests/sim/shared_client.h"

namespace fanfare::sim {

struct H2Habits {
  H2Windows windows;
  double withholds = 0;      // per piece of a stream: gives nothing back on it for a while
  double withholds_all = 0;  // per piece read: the same, on the connection
  double resizes = 0;        // per piece read
  double errands = 0;        // per piece read
  double pings = 0;          // per piece read
  double goodbyes = 0;       // per piece read
  bool at_once = false;      // opens its streams before it knows how many it may
  bool widens = true;        // when it behaves; else its windows stay as they are

  static H2Habits drawn(Random& random);
};

class H2Client final : public SharedClient {
 public:
  H2Client(Town& town, std::string name, const std::vector<ReaderPlan>& plans,
           const H2Habits& habits, Pace pace);
  ~H2Client() override;

  void start(Duration after) override;
  void leave() override;
  void behave() override;
  bool answered() const override { return errands_.empty(); }

  // neighbours: resets one of its streams, after which the others have to be there still. False:
  // there are none.
  bool reset_one();
  void check_neighbours();

  // What it did, and met.
  struct Counts {
    std::uint64_t stalls = 0;    // streams, or all, that were given nothing back for a while
    std::uint64_t errands = 0;   // that were answered
    std::uint64_t refused = 0;   // streams, and errands, beyond what the broker takes at a time
    std::uint64_t goodbyes = 0;  // GOAWAY, from either side
  };
  const Counts& counts() const { return counts_; }

 protected:
  std::string_view protocol() const override { return "h2"; }
  void heard(std::string_view bytes) override;
  void lost(bool clean) override;
  void rang(std::uint32_t alarm) override;
  void all_said() override;

 private:
  // What an application has answered itself.
  struct Passed {
    int status = 0;
    Fields fields{};
    std::string body{};
  };
  void connect();
  void open(std::size_t index);
  void take(const H2News& news);
  void take_of_subscription(std::size_t index, const H2News& news);
  void take_of_errand(const H2News& news);
  void take_head(std::size_t index, const H2News& news);
  void take_end(std::size_t index, bool complete);
  void goodbye(const H2News& news);
  void act_up();
  void cancel(std::size_t index);
  void wait_no_more(std::size_t index);
  void end_asking(std::size_t index, bool whole);
  void withhold(std::uint32_t stream);
  void run_errand();
  void flush();
  void open_again(std::size_t index);
  void give_up_connection(bool reset);
  void cut_all();
  void connect_again();
  // It takes no more requests, and none of its streams is left.
  bool done_with_connection() const;

  H2Habits habits_;
  std::unique_ptr<H2End> end_;          // null: not connected
  std::vector<std::uint32_t> numbers_;  // of their current streams; 0: none
  // For streams whose routes ask applications: their request may not have left yet; an answer of
  // the application's own that is coming; and when they stop waiting for one.
  std::vector<bool> unsaid_;
  std::vector<std::optional<Passed>> passed_;
  std::vector<std::optional<TimePoint>> patient_until_;
  std::map<std::uint32_t, Errand> errands_;
  std::map<std::uint32_t, std::uint32_t> withheld_;  // by alarm: streams
  std::uint32_t last_alarm_ = 0;
  TimePoint resized_{};
  TimePoint open_since_{};
  std::vector<std::uint32_t> beside_;  // how often each had asked for a stream, before the reset
  std::size_t reset_ = 0;
  Counts counts_;
  bool gone_ = false;
  double drops_;  // per piece read: the whole connection
};

}  // namespace fanfare::sim
