#include "tests/sim/seeds.h"

#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>

#include "tests/sim/broker_day.h"

namespace fanfare::sim {
namespace {

std::atomic<std::uint64_t> running_seed{0};

// The day ended the process: say which one it was.
void name_the_seed(int signal) {
  char text[128];
  const auto end = fmt::format_to_n(text, sizeof text - 1,
                                    "\nseed {} ended the process with signal {}; see test_sim "
                                    "--seeds {} --live\n",
                                    running_seed.load(), signal, running_seed.load());
  std::fwrite(text, 1, end.size < sizeof text ? end.size : sizeof text - 1, stderr);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void print_failure(std::uint64_t seed, const SeedsOptions& options) {
  // Once more, to see how it came about.
  const DayVerdict verdict =
      live_through({.seed = seed, .trace_lines = options.trace_lines, .bug = options.bug});
  for (const std::string& line : verdict.trace) fmt::print(stderr, "{}\n", line);
  fmt::print(stderr, "seed {} failed; the last things that happened are above\n", seed);
  for (const std::string& problem : verdict.problems) fmt::print(stderr, "  {}\n", problem);
}

}  // namespace

SeedsOutcome run_seeds(const SeedsOptions& options) {
  const auto before_abort = std::signal(SIGABRT, name_the_seed);
  const auto before_fault = std::signal(SIGSEGV, name_the_seed);
  SeedsOutcome outcome;
  DayVerdict& sum = outcome.sum;
  const auto start = std::chrono::steady_clock::now();
  const auto rate = [&] {
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    return static_cast<double>(outcome.seeds) / taken.count();
  };
  for (std::uint64_t seed = options.first;
       seed <= options.last && outcome.failed < options.failures_max; ++seed) {
    running_seed = seed;
    const DayVerdict verdict =
        live_through({.seed = seed, .trace_live = options.live, .bug = options.bug});
    ++outcome.seeds;
    sum.add(verdict);
    if (!verdict.problems.empty()) {
      if (outcome.failed++ == 0)
        outcome.first_problem = fmt::format("seed {}: {}", seed, verdict.problems.front());
      if (options.trace_lines > 0 && !options.live) print_failure(seed, options);
      if (options.progress) fmt::print("seed {}: {}\n", seed, verdict.problems.front());
    }
    if (options.progress && outcome.seeds % 1000 == 0)
      fmt::print(stderr, "{} seeds, {} failed, {:.0f} seeds/s\n", outcome.seeds, outcome.failed,
                 rate());
  }
  if (options.progress)
    fmt::print(
        "{} seeds ({}-{}), {} failed; {} publications, {} events received on {} streams, {} "
        "gaps told, {} restarts; {}; {:.0f} seeds/s\n",
        outcome.seeds, options.first, options.first + outcome.seeds - 1, outcome.failed,
        sum.publications, sum.events, sum.streams, sum.gaps, sum.restarts, sum.reached(), rate());
  std::signal(SIGABRT, before_abort);
  std::signal(SIGSEGV, before_fault);
  return outcome;
}

bool parse_range(const std::string& text, SeedsOptions& options) {
  const char* const end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, options.first);
  options.last = options.first;
  if (error != std::errc{}) return false;
  if (stop != end && *stop == '-') {
    const auto upper = std::from_chars(stop + 1, end, options.last);
    stop = upper.ptr;
    error = upper.ec;
  }
  return error == std::errc{} && stop == end && options.first <= options.last;
}

}  // namespace fanfare::sim
