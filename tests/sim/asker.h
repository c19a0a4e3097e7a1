// Asker: somebody at the ingest socket who asks far more at once than a session answers at once, so
// that it pauses until its answers are read, and who may send FIN behind the last question. Every
// answer must come, in order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/sim/client.h"

namespace fanfare::sim {

class Asker final : public Client {
 public:
  Asker(Town& town, std::string name, Pace pace);

  void start(Duration after);
  void leave();
  // How often it had all its answers.
  std::uint64_t rounds() const { return rounds_; }

 protected:
  void heard(std::string_view bytes) override;
  void lost(bool clean) override;
  void rang(std::uint32_t alarm) override;

 private:
  void ask();
  bool take();

  std::string incoming_;
  std::uint32_t asked_ = 0;
  std::uint32_t answered_ = 0;
  std::uint32_t life_ = 0;  // of the broker that it asks
  bool half_closed_ = false;
  bool gone_ = false;
  std::uint64_t rounds_ = 0;
};

}  // namespace fanfare::sim
