// What every ring promises, written once. A test program includes this file and says
//   INSTANTIATE_TEST_SUITE_P(Uring, RingConformance, testing::Values(factory));
// with a WorldFactory (world.h) that makes its kind of ring and peers.
#pragma once

#include "tests/io/conformance_connect.h"  // IWYU pragma: export
#include "tests/io/conformance_ends.h"     // IWYU pragma: export
#include "tests/io/conformance_traffic.h"  // IWYU pragma: export
