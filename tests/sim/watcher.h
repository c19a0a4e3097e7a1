// Watcher: an application that asks to be told who subscribes and who goes ({"op":"watch"}), and
// the checker of what it is told: every stream that began while it listened, once for each topic,
// and its end; and every stream that was there before, once, before it is told that these are all.
// Nothing of streams that never were, nor that one has gone of which it was not told.
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
  // All streams that began while it listened have been told.
  bool knows_all() const { return unknown() == nullptr; }
  void check_arrivals();
  // The subscribers it was told of have all been told to be gone.
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
  const Town::Arrival* unknown() const;

  std::string incoming_;
  std::optional<TimePoint> since_;  // when it was told that it watches
  bool gone_ = false;
  std::set<std::string, std::less<>> tags_;                // of streams that began
  std::set<std::pair<std::string, std::string>> present_;  // connection and channel
  std::set<std::string> before_;  // connections that were there when it began to listen
  bool told_present_ = false;     // these are all
  std::uint64_t notices_ = 0;
};

}  // namespace fanfare::sim
