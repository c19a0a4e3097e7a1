// Clients that ask for much of no use, step by step: for the session alone, and for whole shards.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/h2/flood.h"

namespace fanfare::h2_test {

struct Attack {
  h2::Flood flood{};
  std::string_view name;
  // One step of it, the nth.
  std::string (*step)(std::uint32_t n) = nullptr;
  std::string before = {};
  bool reads = true;  // what the session says

  friend void PrintTo(const Attack& attack, std::ostream* out) { *out << attack.name; }
};

std::vector<Attack> attacks();

}  // namespace fanfare::h2_test
