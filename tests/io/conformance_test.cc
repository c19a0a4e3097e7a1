// Every promise of a ring, on the two real ones.
#include "tests/io/loopback_world.h"
#include "tests/io/ring_conformance.h"

namespace fanfare::io {
namespace {

WorldFactory on(Backend backend) {
  return [backend](const RingOptions& options) {
    return std::make_unique<LoopbackWorld>(backend, options);
  };
}

INSTANTIATE_TEST_SUITE_P(Uring, RingConformance, testing::Values(on(Backend::io_uring)));
INSTANTIATE_TEST_SUITE_P(Epoll, RingConformance, testing::Values(on(Backend::epoll)));

}  // namespace
}  // namespace fanfare::io
