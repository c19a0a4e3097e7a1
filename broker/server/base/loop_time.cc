#include "broker/server/base/loop_time.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/check.h"

namespace fanfare::server {
namespace {

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

std::string_view name_of(TurnStep step) {
  switch (step) {
    case TurnStep::completions:
      return "completions";
    case TurnStep::mailbox:
      return "mailbox";
    case TurnStep::time:
      return "time";
    case TurnStep::seal:
      return "seal";
    case TurnStep::answers:
      return "answers";
    case TurnStep::streams:
      return "streams";
  }
  std::unreachable();
}

void LoopTime::turn_begins(TimePoint now) {
  times_.waiting += now - step_began_;
  began_ = step_began_ = now;
  steps_ = {};
}

void LoopTime::step_ends(TurnStep step) {
  const TimePoint now = ring_.now();
  steps_[static_cast<std::size_t>(step)] += now - std::exchange(step_began_, now);
}

void LoopTime::turn_ends(std::uint32_t shard) {
  const Duration took = step_began_ - began_;
  times_.turns.add(took, 1);
  if (began_ - half_minute_ >= 30s) {
    const bool long_ago = began_ - half_minute_ >= 60s;
    longest_before_ = long_ago ? Duration(0) : longest_now_;
    longest_now_ = Duration(0);
    half_minute_ = began_;
  }
  longest_now_ = std::max(longest_now_, took);
  times_.longest = std::max(longest_now_, longest_before_);
  if (took < kLongTurn) return;
  ++times_.long_turns_total;
  const auto longest = std::max_element(steps_.begin(), steps_.end());
  if (const auto left_out = long_turn_log_.admit(began_); left_out >= 0) {
    log::warn("shard {}: a turn of the event loop took {:.0f} ms, {:.0f} ms of it in \"{}\"{}",
              shard, milliseconds(took), milliseconds(*longest),
              name_of(static_cast<TurnStep>(longest - steps_.begin())),
              log::left_out_note(left_out));
  }
}

}  // namespace fanfare::server
