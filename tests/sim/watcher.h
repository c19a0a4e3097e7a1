// Watcher: an application that watches which streams start and end ({"op":"watch"}), and the
// checker of what it is sent: every stream that began while it listened, once for each topic, and
// its end; and every stream that was there before, once, before the line that says these were all.
// It must not be sent anything about streams that never were, nor the end of one that was not
// reported to it. One that is told that it has missed notices begins anew, as with a new watch.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "tests/sim/client.h"

namespace fanfare::sim {

class Watcher final : public Client {
 public:
  Watcher(Town& town, std::string name, Pace pace);

  void start(Duration after);
  void leave();
  // Listens, or has given up for good.
  bool settled() const { return gone_ || since_.has_value(); }
  // All streams that began while it listened have been reported.
  bool knows_all() const { return unknown() == nullptr; }
  void check_arrivals();
  // Every stream that was reported to it has also been reported as ended.
  bool sees_nobody() const { return present_.empty(); }
  void check_departures();
  std::uint64_t notices() const { return notices_; }

 protected:
  void heard(std::string_view bytes) override;
  void lost(bool clean) override;
  void rang(std::uint32_t alarm) override;

 private:
  void take(std::string_view line);
  void take_notice(std::string_view line);
  void take_present(std::string_view line);
  void forget();
  const Town::Arrival* unknown() const;

  std::string incoming_;
  std::optional<TimePoint> since_;  // when its watch was confirmed
  bool gone_ = false;
  std::set<std::string, std::less<>> tags_;                // of streams that began
  std::set<std::pair<std::string, std::string>> present_;  // connection and channel
  std::set<std::string> before_;  // connections that were there when it began to listen
  bool told_present_ = false;     // these are all
  std::uint64_t notices_ = 0;
};

}  // namespace fanfare::sim
