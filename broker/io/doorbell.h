// Doorbell: how any thread ends the sleep of the one thread that waits on a ring. An eventfd, rung
// only when somebody sleeps: a ring() of an awake ring is one atomic exchange and no system call.
//
//   the waiting thread                      any thread, or a signal handler
//   state: awake ──about_to_sleep()──▶ asleep ──ring()──▶ rung + write(eventfd)
//            │                            │
//            └──────────ring()────────▶ rung: about_to_sleep() refuses, the wait does not block
//
//   awake again after every wait: woke()
//
// Never lost: both sides exchange one word, so either ring() finds `asleep` and writes, or it came
// before about_to_sleep(), which then finds `rung`. What was stored before ring() is visible to the
// waiting thread after its next woke() or refused about_to_sleep().
#pragma once

#include <atomic>
#include <cstdint>

namespace fanfare::io {

class Doorbell {
 public:
  Doorbell();  // descriptor() < 0 with errno set if there is no eventfd to be had
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  // The eventfd, readable when rung. Blocking, as io_uring wants it to arm a read.
  int descriptor() const { return descriptor_; }

  // Any thread; async-signal-safe; keeps errno.
  void ring();

  // The waiting thread: true: sleep, a ring() will write. False: it was rung, do not block.
  bool about_to_sleep() {
    State awake = State::awake;
    if (state_.compare_exchange_strong(awake, State::asleep, std::memory_order_acq_rel)) {
      return true;
    }
    woke();
    return false;
  }
  void woke() { state_.exchange(State::awake, std::memory_order_acq_rel); }

 private:
  enum class State : std::uint8_t { awake, asleep, rung };
  static_assert(std::atomic<State>::is_always_lock_free, "ring() runs in signal handlers");

  std::atomic<State> state_{State::awake};
  int descriptor_;
};

}  // namespace fanfare::io
