#include "tests/sim/visitor.h"

#include <charconv>
#include <utility>
#include <vector>

#include "tests/sim/admin_page.h"
#include "tests/sim/transcript.h"

namespace fanfare::sim {
namespace {

enum Alarm : std::uint32_t { kConnect = 1, kAsk = 2 };

}  // namespace

Visitor::Visitor(Town& town, std::string name, bool follows, Pace pace)
    : Client(town, std::move(name)), follows_(follows) {
  pace_ = pace;
}

void Visitor::start(Duration after) {
  set_alarm(after, kConnect);
}

void Visitor::leave() {
  gone_ = true;
  hang_up(random().chance(0.3));
}

void Visitor::rang(std::uint32_t alarm) {
  if (gone_) return;
  if (alarm == kAsk) return ask();
  if (connected()) return;
  if (!dial(Door::admin)) return set_alarm(1s, kConnect);
  last_.reset();
  stream_ = StreamReader();
  ask();
}

void Visitor::ask() {
  body_.clear();
  response_.expect(false);
  say(fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n",
                  follows_ ? "/events" : AdminPage::kPath));
}

void Visitor::heard(std::string_view bytes) {
  while (!bytes.empty() && connected()) {
    bytes.remove_prefix(response_.feed(bytes, body_));
    if (!response_.problem().empty()) {
      complain(fmt::format("received {}", response_.problem()));
      return leave();
    }
    if (!response_.head_complete()) continue;
    if (response_.status() != 200) {
      complain(fmt::format("was answered {}", response_.status()));
      return leave();
    }
    if (follows_) {
      take_events(std::exchange(body_, {}));
    } else if (response_.complete()) {
      take_page();
    }
  }
}

void Visitor::take_page() {
  ++sights_;
  if (body_ != AdminPage::body()) complain("was shown another page");
  response_.expect(false);
  set_alarm(town_.kernel.somewhen(2s), kAsk);
}

void Visitor::take_events(std::string_view body) {
  std::vector<StreamReader::Message> messages;
  stream_.feed(body, messages);
  for (const StreamReader::Message& message : messages) {
    if (message.type == "~position") continue;
    if (!message.dispatched || message.type == "gap" || message.type == kEndEvent) continue;
    ++sights_;
    std::uint64_t number = 0;
    std::from_chars(message.data.data(), message.data.data() + message.data.size(), number);
    if (last_ && number <= *last_)
      complain(fmt::format("was shown second {} after second {}", number, *last_), "order");
    last_ = number;
  }
}

void Visitor::lost(bool /*clean*/) {
  if (!gone_) set_alarm(town_.kernel.somewhen(2s), kConnect);
}

}  // namespace fanfare::sim
