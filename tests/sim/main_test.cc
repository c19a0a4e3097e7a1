// test_sim: the tests of this folder; or, with --seeds, as many simulated days of the broker as one
// likes:
//
//   test_sim --seeds 1-20000 [--trace LINES] [--failures N]
//   test_sim --seeds 4711 --live          every trace line as it happens: for a day that crashes
//   test_sim --seeds 1-50 --plant NAME    with a mistake planted: days that must end badly
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/sim/seeds.h"

#include "common/log.h"

namespace {

int usage() {
  std::fputs(
      "usage: test_sim --seeds A[-B] [--trace LINES] [--failures N] [--live] "
      "[--plant NAME]\nmistakes that can be planted:\n",
      stderr);
  std::fputs(fanfare::sim::planted_bugs().c_str(), stderr);
  return 64;
}

int run(const std::vector<std::string>& words) {
  fanfare::sim::SeedsOptions options{.progress = true};
  bool seeds = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool has_value = i + 1 < words.size();
    if (words[i] == "--live") {
      options.live = true;
    } else if (words[i] == "--seeds" && has_value) {
      seeds = fanfare::sim::parse_range(words[++i], options);
    } else if (words[i] == "--trace" && has_value) {
      options.trace_lines = std::strtoul(words[++i].c_str(), nullptr, 10);
    } else if (words[i] == "--failures" && has_value) {
      options.failures_max = std::strtoul(words[++i].c_str(), nullptr, 10);
    } else if (words[i] == "--plant" && has_value) {
      options.bug = fanfare::sim::planted_bug(words[++i]);
      if (options.bug == fanfare::sim::PlantedBug::none) return usage();
    } else {
      return usage();
    }
  }
  if (!seeds) return usage();
  return fanfare::sim::run_seeds(options).failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  // What the broker warns of is what the seeds provoke.
  fanfare::log::set_level(fanfare::log::Level::error);
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && !words[0].starts_with("--gtest")) return run(words);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
