#include "common/random.h"

#include <sys/random.h>

#include "common/check.h"

namespace fanfare {

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  const auto got = ::getrandom(&seed, sizeof seed, 0);
  CHECK(got == sizeof seed, "getrandom(2) never fails for 8 bytes on Linux 3.17 and later");
  return seed;
}

}  // namespace fanfare
