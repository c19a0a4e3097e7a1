// Checkers of routes that ask an application, each as a function of the guestbook: what clients,
// applications and the configuration know, and nothing from inside the broker.
#pragma once

#include "tests/sim/checkers.h"
#include "tests/sim/guestbook.h"

#include "common/time.h"

namespace fanfare::sim {

// What the broker was told, on the whole day.
struct GuestRules {
  Duration upstream_time{};
  Duration approval_age{};
  bool approvals_fit = true;  // all of a day's find room in [limits] approval_bytes
};
// How much later than the broker decides it a client may learn of something, and the other way
// round: networks straggle, shards pause, and the process is without descriptors for seconds.
inline constexpr Duration kGuestSlack = 15s;
// How late a shard may be that is paused.
inline constexpr Duration kLateTurn = 2s;

// waits: nobody waits longer for an answer than [limits] upstream_time, whatever applications do.
Problems check_waits(const Guestbook& book, const GuestRules& rules, TimePoint now);

// admission: an event stream is for whom the application has let in, lately enough, and for as long
// as it has said.
Problems check_admissions(const Guestbook& book, const GuestRules& rules);

// asked: an application is asked once about what cannot be asked twice, and not at all about a
// client that it has let in before where the route is about newcomers.
Problems check_askings(const Guestbook& book, const GuestRules& rules);

// passed: every other answer comes to the client that it is for, as it was said.
Problems check_passed(const Guestbook& book);

Problems check_guests(const Guestbook& book, const GuestRules& rules, TimePoint now);

}  // namespace fanfare::sim
