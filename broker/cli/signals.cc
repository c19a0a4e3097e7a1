#include "broker/cli/signals.h"

#include <signal.h>

#include <atomic>

#include "common/check.h"

namespace fanfare::cli {
namespace {

// A signal handler has no other way to reach its object.
std::atomic<const client::Stop*> raised_by_signal = nullptr;

void on_signal(int /*number*/) {
  if (const client::Stop* stop = raised_by_signal.load()) stop->raise();
}

}  // namespace

Interrupt::Interrupt() {
  const client::Stop* none = nullptr;
  CHECK(raised_by_signal.compare_exchange_strong(none, &stop_), "one command runs at a time");
  struct sigaction action{};
  action.sa_handler = &on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // and no SA_RESTART: reads are to end
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

Interrupt::~Interrupt() {
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  raised_by_signal.store(nullptr);
}

}  // namespace fanfare::cli
