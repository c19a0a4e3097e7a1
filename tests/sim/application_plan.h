// ApplicationPlan: what kind of application a route asks, for a whole day; and Speech, what it says
// to one question.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/sim/guestbook.h"

#include "common/random.h"
#include "common/time.h"

namespace fanfare::sim {

struct ApplicationPlan {
  bool listens = true;        // until it behaves
  double silent = 0;          // per question: it is never answered
  double refuses = 0;         // …answered, but not let in
  double lies = 0;            // …answered with nonsense
  double cuts = 0;            // …answered with the beginning of an answer
  double limits = 0;          // …let in, and for a while only
  double closes = 0;          // …the last one on its connection
  double blurts = 0;          // per answer: says something more, later, that nobody has asked for
  double slams = 0;           // per connection: ends it before it is asked
  Duration delay_max{};       // before an answer
  Duration pause_max{};       // between two pieces of it
  Duration restarts_every{};  // 0: never

  static ApplicationPlan drawn(Random& random, Duration upstream_time);
  // The plan of one that does everything right.
  static ApplicationPlan good() { return {}; }
};

// What is said to one question, and what the guestbook holds of it.
struct Speech {
  enum class After : std::uint8_t {
    goes_on,
    closes,
    resets,
    hangs,  // the connection stays, and nothing more is said on it
    pours,  // `more` is said over and over, until the other end has had enough
  };
  std::string text{};
  std::string_view more{};
  After after = After::goes_on;
  Saying saying{};

  // As the plan says. `number` is what the guestbook will know it by.
  static Speech drawn(const ApplicationPlan& plan, const Visit& visit, std::uint32_t number,
                      Random& random);
  // Something that answers no question.
  static Speech unasked(std::uint32_t number, Random& random);
};

}  // namespace fanfare::sim
