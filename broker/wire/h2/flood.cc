#include "broker/wire/h2/flood.h"

#include <algorithm>

namespace fanfare::h2 {
namespace {

struct Allowance {
  std::string_view name;
  std::uint32_t burst = 0;
  std::uint32_t each_second = 0;
};
constexpr std::array<Allowance, kFloodCount> kAllowances{{
#define X(name, burst, rate, help) {#name, burst, rate},
    FANFARE_H2_FLOODS(X)
#undef X
}};

const Allowance& allowance_of(Flood kind) {
  return kAllowances[static_cast<std::size_t>(kind)];
}

}  // namespace

std::string_view name_of(Flood flood) {
  return flood == Flood::none ? "none" : allowance_of(flood).name;
}

FloodGate::FloodGate() {
  for (std::size_t i = 0; i < kFloodCount; ++i) left_[i] = kAllowances[i].burst;
}

void FloodGate::time_is(TimePoint now) {
  const std::int64_t second = whole_seconds(now);
  const std::int64_t passed = told_ ? second - second_ : 0;
  told_ = true;
  second_ = second;
  if (passed <= 0) return;
  const auto gained = static_cast<std::uint32_t>(std::min<std::int64_t>(passed, 10'000));
  for (std::size_t i = 0; i < kFloodCount; ++i) {
    const auto& [name, burst, each_second] = kAllowances[i];
    left_[i] = std::max(left_[i], std::min(burst, left_[i] + gained * each_second));
  }
}

bool FloodGate::admit(Flood kind) {
  std::uint32_t& left = left_[static_cast<std::size_t>(kind)];
  if (left == 0) return false;
  --left;
  return true;
}

// No more than ten times the burst is ever saved up.
void FloodGate::allow(Flood kind, std::uint32_t more) {
  std::uint32_t& left = left_[static_cast<std::size_t>(kind)];
  left = std::max(left, std::min(left + more, 10 * allowance_of(kind).burst));
}

}  // namespace fanfare::h2
