#include "tests/sim/nuisance.h"

#include <iterator>
#include <utility>

namespace fanfare::sim {
namespace {

enum Alarm : std::uint32_t { kConnect = 1, kSayOn = 2 };

constexpr std::string_view kHead =
    "GET /events?channel=news&lastEventId=aaaaaaa-1 HTTP/1.1\r\nHost: broker\r\nAccept: */*\r\n"
    "User-Agent: pest\r\nX-Long: ";

}  // namespace

Pest::Pest(Town& town, std::string name, Nuisance kind, Door door, Pace pace)
    : Client(town, std::move(name)), kind_(kind), door_(door) {
  pace_ = pace;
}

void Pest::start(Duration after) {
  set_alarm(after, kConnect);
}

void Pest::leave() {
  gone_ = true;
  hang_up(random().chance(0.5));
}

void Pest::rang(std::uint32_t alarm) {
  if (gone_ || town_.quiet) return;
  if (alarm == kConnect) {
    said_ = 0;
    if (dial(door_)) {
      begin();
    } else {
      set_alarm(1s, kConnect);
    }
    return;
  }
  if (kind_ == Nuisance::slow_loris) {
    say(said_ < kHead.size() ? kHead.substr(said_, 1) : "x");
    ++said_;
  } else {
    say(std::string(1000, 'x'));
  }
  set_alarm(town_.kernel.somewhen(2s), kSayOn);
}

void Pest::begin() {
  switch (kind_) {
    case Nuisance::silent:
      break;
    case Nuisance::garbage:
      say(garbage());
      if (random().chance(0.5)) shutdown_write();
      break;
    case Nuisance::slow_loris:
      set_alarm(0s, kSayOn);
      break;
    case Nuisance::cut_head:
      say(kHead.substr(0, 1 + random().below(kHead.size())));
      shutdown_write();
      break;
    case Nuisance::endless_body:
      say("POST /events HTTP/1.1\r\nHost: broker\r\nContent-Length: 100000000\r\n\r\n");
      set_alarm(0s, kSayOn);
      break;
    case Nuisance::pipeline:
      for (int i = 0; i < 30; ++i)
        say(random().chance(0.5) ? "HEAD /events?channel=news HTTP/1.1\r\nHost: broker\r\n\r\n"
                                 : "OPTIONS /events HTTP/1.1\r\nHost: broker\r\n\r\n");
      break;
    case Nuisance::reset:
      say("GET /events?channel=news HTTP/1.1\r\nHost: broker\r\n\r\n");
      set_alarm(town_.kernel.somewhen(100ms), kSayOn);
      break;
    case Nuisance::wrong: {
      constexpr std::string_view kWrong[] = {
          "GET /events HTTP/1.1\r\nHost: broker\r\n\r\n",
          "GET /events?channel=%00 HTTP/1.1\r\nHost: broker\r\n\r\n",
          "DELETE /events HTTP/1.1\r\nHost: broker\r\n\r\n",
          "GET /events?channel=news HTTP/1.1\r\n\r\n",
          "POST /events HTTP/1.1\r\nHost: broker\r\nContent-Length: 3\r\n\r\n{x}",
          "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      };
      say(kWrong[random().below(std::size(kWrong))]);
      break;
    }
  }
}

std::string Pest::garbage() {
  std::string bytes;
  const std::uint64_t size = 1 + random().below(400);
  for (std::uint64_t i = 0; i < size; ++i) {
    bytes += random().chance(0.1) ? '\n' : static_cast<char>(random().below(256));
  }
  return bytes;
}

void Pest::heard(std::string_view /*bytes*/) {
  if (kind_ == Nuisance::reset && random().chance(0.5)) {
    hang_up(true);
    lost(false);
  }
}

void Pest::lost(bool /*clean*/) {
  if (!gone_) set_alarm(town_.kernel.somewhen(10s), kConnect);
}

}  // namespace fanfare::sim
