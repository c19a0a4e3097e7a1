// Randomness: a small seeded generator (SplitMix64) for jitter and simulations, and the kernel's
// own for what must not be guessed.
#pragma once

#include <cstdint>

namespace fanfare {

// Deterministic from its seed, the same on every platform; not for secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  // Uniform in [0, bound); bound > 0. (The bias of the remainder is below bound / 2^64.)
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  bool chance(double probability) {
    return static_cast<double>(next() >> 11U) * 0x1.0p-53 < probability;
  }

 private:
  std::uint64_t state_;
};

// 64 bits from getrandom(2).
std::uint64_t random_seed();

}  // namespace fanfare
