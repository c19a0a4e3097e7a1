// Nuisance: a peer that is not a well-behaved client: garbage, heads that never end, requests that
// nobody answers, connections that say nothing. It expects only that the broker gets rid of it or
// answers it, and that nobody else suffers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/sim/client.h"

namespace fanfare::sim {

enum class Nuisance : std::uint8_t {
  silent,        // connects and says nothing
  garbage,       // bytes of no protocol
  slow_loris,    // a head that never ends, a byte at a time
  cut_head,      // half a head, then FIN
  endless_body,  // a POST whose body is longer than anybody allows
  pipeline,      // many small requests at once, answers read slowly
  reset,         // a whole request, then RST
  wrong,         // requests that are answered with a 4xx
};

class Pest final : public Client {
 public:
  Pest(Town& town, std::string name, Nuisance kind, Door door, Pace pace);

  void start(Duration after);
  void leave();

 protected:
  void heard(std::string_view bytes) override;
  void lost(bool clean) override;
  void rang(std::uint32_t alarm) override;

 private:
  void begin();
  std::string garbage();

  Nuisance kind_;
  Door door_;
  bool gone_ = false;
  std::size_t said_ = 0;
};

}  // namespace fanfare::sim
