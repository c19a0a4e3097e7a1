#include "tests/sim/reader.h"

#include <utility>

#include "tests/sim/text.h"

namespace fanfare::sim {
namespace {

constexpr std::uint32_t kConnect = 1;
constexpr std::uint32_t kWaitNoMore = 2;

}  // namespace

Reader::Reader(Town& town, std::string name, const ReaderPlan& plan, Pace pace)
    : Client(town, std::move(name)), subscription_(town, this->name(), plan) {
  pace_ = pace;
}

void Reader::start(Duration after) {
  set_alarm(after, kConnect);
}

void Reader::leave() {
  if (!subscription_.leave()) return;
  if (subscription_.guest() != nullptr) subscription_.guest()->over();
  hang_up(random().chance(0.3));
}

void Reader::cut() {
  if (streaming()) subscription_.ends(false);
  hang_up(random().chance(0.5));
  come_back();
}

void Reader::behave() {
  subscription_.behave();
  wake_up();
}

void Reader::rang(std::uint32_t alarm) {
  if (alarm == kConnect && !subscription_.gone() && !connected()) connect();
  if (alarm == kWaitNoMore && connected() && !response_.head_complete()) {
    trace("waits no more");
    hang_up(random().chance(0.5));
    subscription_.guest()->over();
    come_back();
  }
}

void Reader::connect() {
  subscription_.decide();
  if (!dial(Door::subscribers)) return come_back();
  response_.expect(false);
  answers_due_ = 0;
  passed_.reset();
  say_before();
  say(subscription_.request());
  if (plan().half_closes) shutdown_write();
}

void Reader::all_said() {
  if (subscription_.guest() == nullptr) return;
  subscription_.guest()->said();
  if (plan().patience > Duration(0) && !town_.quiet) set_alarm(plan().patience, kWaitNoMore);
}

void Reader::say_before() {
  if (plan().http10 || random().chance(0.5)) return;
  constexpr std::string_view kEnd = " HTTP/1.1\r\nHost: broker\r\n\r\n";
  switch (plan().before) {
    case ReaderPlan::Before::nothing:
      return;
    case ReaderPlan::Before::head:
      say(fmt::format("HEAD /events?channel={}{}", plan().topics[0], kEnd));
      response_.expect(true);
      break;
    case ReaderPlan::Before::options:
      say(fmt::format("OPTIONS /events{}", kEnd));
      break;
    case ReaderPlan::Before::not_found:
      say(fmt::format("GET /nothing/here{}", kEnd));
      break;
  }
  answers_due_ = 1;
}

void Reader::heard(std::string_view bytes) {
  if (subscription_.guest() != nullptr) subscription_.guest()->answered();
  std::string body;
  while (!bytes.empty() && connected()) {
    body.clear();
    bytes.remove_prefix(response_.feed(bytes, body));
    if (!response_.problem().empty()) {
      complain(fmt::format("received {}", excerpt(response_.problem())));
      return leave();
    }
    if (!response_.head_complete()) continue;
    if (answers_due_ > 0) {
      if (!response_.complete()) continue;
      --answers_due_;
      response_.expect(false);
      continue;
    }
    if (!streaming() && !passed_) stream_begins();
    if (passed_) take_passed(body);
    if (streaming()) subscription_.take_body(body);
    if (streaming() && response_.complete()) {
      subscription_.ends(true);
      hang_up(false);
      come_back();
    }
  }
  if (!connected()) return;
  if (random().chance(plan().cuts)) {
    cut();
  } else if (random().chance(plan().sleeps)) {
    sleep_until(town_.kernel.now() + town_.kernel.somewhen(60s));
  }
}

void Reader::stream_begins() {
  if (subscription_.guest() != nullptr && response_.field("x-answer")) {
    passed_.emplace();
    return;
  }
  switch (subscription_.take_head(response_.status(), response_.field("content-type").value_or(""),
                                  response_.field("content-encoding").value_or(""))) {
    case Subscription::Verdict::streams:
      return;
    case Subscription::Verdict::again:
      hang_up(false);
      return come_back();
    case Subscription::Verdict::over:
      return leave();
  }
}

// Over HTTP/1.0 an orderly end is all that says that a stream is complete; and no stream may end in
// an orderly way in mid-event.
void Reader::lost(bool clean) {
  if (passed_) {
    if (clean) response_.end();
    return end_passed();
  }
  if (subscription_.guest() != nullptr) subscription_.guest()->over();
  if (streaming()) {
    if (clean && subscription_.in_event()) complain("read an orderly end in mid-event");
    subscription_.ends(clean && plan().http10);
  }
  come_back();
}

void Reader::take_passed(std::string_view body) {
  *passed_ += body;
  if (!response_.complete()) return;
  hang_up(false);
  end_passed();
}

// An application's own answer has been read, or has broken off.
void Reader::end_passed() {
  trace("is answered {} by the application", response_.status());
  subscription_.guest()->passed(response_.status(), response_.fields(),
                                *std::exchange(passed_, std::nullopt), response_.complete());
  come_back();
}

void Reader::come_back() {
  if (const auto after = subscription_.comes_back()) set_alarm(*after, kConnect);
}

}  // namespace fanfare::sim
