// Visitor: somebody at the admin listener: reads the page again and again, or follows the live
// events, which must come one after another. Checks every byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/sim/client.h"
#include "tests/sim/response_reader.h"
#include "tests/sim/stream_reader.h"

namespace fanfare::sim {

class Visitor final : public Client {
 public:
  Visitor(Town& town, std::string name, bool follows, Pace pace);

  void start(Duration after);
  void leave();
  // Pages and live events that it has read.
  std::uint64_t sights() const { return sights_; }

 protected:
  void heard(std::string_view bytes) override;
  void lost(bool clean) override;
  void rang(std::uint32_t alarm) override;

 private:
  void ask();
  void take_page();
  void take_events(std::string_view body);

  bool follows_;
  ResponseReader response_;
  StreamReader stream_;
  std::string body_;
  std::optional<std::uint64_t> last_;  // live event on this connection
  bool gone_ = false;
  std::uint64_t sights_ = 0;
};

}  // namespace fanfare::sim
