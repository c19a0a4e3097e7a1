#include "tests/sim/asker.h"

#include <charconv>
#include <utility>

namespace fanfare::sim {
namespace {

constexpr std::uint32_t kConnect = 1;
// INFO is answered with some two hundred bytes: more than a megabyte in all.
constexpr std::uint32_t kInfosPerEcho = 150;
constexpr std::uint32_t kEchoes = 60;
constexpr std::uint64_t kRoundsMax = 3;

}  // namespace

Asker::Asker(Town& town, std::string name, Pace pace) : Client(town, std::move(name)) {
  pace_ = pace;
}

void Asker::start(Duration after) {
  set_alarm(after, kConnect);
}

void Asker::leave() {
  gone_ = true;
  hang_up(random().chance(0.3));
}

void Asker::rang(std::uint32_t /*alarm*/) {
  if (gone_ || connected()) return;
  life_ = town_.ledger.life();
  if (!dial(Door::publishers)) return set_alarm(1s, kConnect);
  ask();
}

void Asker::ask() {
  incoming_.clear();
  asked_ = answered_ = 0;
  std::string questions;
  for (std::uint32_t echo = 0; echo < kEchoes; ++echo) {
    for (std::uint32_t info = 0; info < kInfosPerEcho; ++info) questions += "INFO\r\n";
    questions += fmt::format("*2\r\n$4\r\nECHO\r\n$6\r\n{:06}\r\n", echo);
  }
  asked_ = kEchoes * (kInfosPerEcho + 1);
  half_closed_ = random().chance(0.5);
  say(questions);
  if (half_closed_) shutdown_write();
}

void Asker::heard(std::string_view bytes) {
  incoming_ += bytes;
  while (connected() && take()) {
  }
  if (!connected() || answered_ < asked_) return;
  ++rounds_;
  trace("has all its answers");
  if (half_closed_) return;
  hang_up(false);
  lost(true);
}

bool Asker::take() {
  if (!incoming_.starts_with('$')) {
    if (incoming_.empty()) return false;
    complain(fmt::format("was answered {}", incoming_.substr(0, 100)));
    leave();
    return false;
  }
  const std::size_t end = incoming_.find("\r\n");
  if (end == std::string::npos) return false;
  std::size_t size = 0;
  std::from_chars(incoming_.data() + 1, incoming_.data() + end, size);
  if (incoming_.size() < end + 2 + size + 2) return false;
  const std::string text = incoming_.substr(end + 2, size);
  incoming_.erase(0, end + 2 + size + 2);
  const bool echo = answered_ % (kInfosPerEcho + 1) == kInfosPerEcho;
  const std::string due =
      echo ? fmt::format("{:06}", answered_ / (kInfosPerEcho + 1)) : "# Fanfare";
  if (!text.starts_with(due))
    complain(fmt::format("was answered {} when {} was due", text.substr(0, 100), due), "acks");
  ++answered_;
  return true;
}

void Asker::lost(bool clean) {
  // Before the first answer: it was not let in. A send that fails with EIO ends a connection, too.
  const bool stopping = town_.stopping || life_ != town_.ledger.life();
  if (clean && answered_ > 0 && answered_ < asked_ && !stopping &&
      town_.kernel.faults().errors == 0)
    complain(fmt::format("had {} of {} answers when the connection was closed", answered_, asked_),
             "acks");
  if (!gone_ && rounds_ < kRoundsMax) set_alarm(town_.kernel.somewhen(3s), kConnect);
}

}  // namespace fanfare::sim
