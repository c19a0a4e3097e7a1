#include "tests/sim/bundle.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "tests/sim/text.h"

namespace fanfare::sim {
namespace {

// Alarms from kOpen on: of the subscription with that index.
enum Alarm : std::uint32_t { kConnect = 1, kOpen = 2 };

}  // namespace

Bundle::Bundle(Town& town, std::string name, const std::vector<ReaderPlan>& plans, Pace pace)
    : SharedClient(town, std::move(name), plans, pace),
      numbers_(plans.size()),
      drops_(plans[0].cuts / 4) {}

void Bundle::start(Duration after) {
  set_alarm(after, kConnect);
}

void Bundle::leave() {
  if (std::exchange(gone_, true)) return;
  for (Subscription& subscription : subscriptions_) subscription.leave();
  hang_up(random().chance(0.3));
}

void Bundle::behave() {
  drops_ = 0;
  for (Subscription& subscription : subscriptions_) subscription.behave();
  wake_up();
}

void Bundle::rang(std::uint32_t alarm) {
  if (gone_) return;
  if (alarm == kConnect) {
    if (!connected()) connect();
  } else if (connected()) {
    open(alarm - kOpen);
  }
}

void Bundle::connect() {
  if (!dial(Door::subscribers)) return connect_again();
  in_.clear();
  std::ranges::fill(numbers_, 0);
  say(kBundleGreeting);
  for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
    if (!subscriptions_[i].gone())
      set_alarm(town_.kernel.somewhen(500ms), static_cast<std::uint32_t>(kOpen + i));
  }
}

void Bundle::open(std::size_t index) {
  Subscription& subscription = subscriptions_[index];
  if (subscription.gone() || numbers_[index] != 0) return;
  numbers_[index] = ++last_number_;
  subscription.decide();
  const std::string request = subscription.request();
  say(BundleFrame{.kind = BundleFrame::Kind::open, .stream = last_number_, .payload = request}
          .text());
}

void Bundle::heard(std::string_view bytes) {
  in_ += bytes;
  std::string_view rest = in_;
  while (const std::optional<BundleFrame> frame = take_frame(rest)) take(*frame);
  in_.erase(0, in_.size() - rest.size());
  if (not_a_frame(in_)) {
    complain("received what is no frame: " + excerpt(in_));
    return leave();
  }
  if (std::ranges::all_of(subscriptions_, [](const auto& s) { return s.gone(); })) return leave();
  cancel_some();
  if (random().chance(drops_)) {
    drop(random().chance(0.5));
  } else if (random().chance(subscriptions_[0].plan().sleeps)) {
    sleep_until(town_.kernel.now() + town_.kernel.somewhen(60s));
  }
}

void Bundle::take(const BundleFrame& frame) {
  const auto found = std::ranges::find(numbers_, frame.stream);
  if (frame.stream == 0 || frame.stream > last_number_) {
    complain(fmt::format("received a frame of stream {}, which was never opened", frame.stream));
    return;
  }
  if (found == numbers_.end()) return;  // it was cancelled when this was on its way
  const auto index = static_cast<std::size_t>(found - numbers_.begin());
  switch (frame.kind) {
    case BundleFrame::Kind::head:
      return take_head(index, frame.payload);
    case BundleFrame::Kind::data:
      if (!subscriptions_[index].streaming()) complain("received data before the head");
      return subscriptions_[index].take_body(frame.payload);
    case BundleFrame::Kind::end:
      return take_end(index, frame.payload);
    case BundleFrame::Kind::open:
    case BundleFrame::Kind::cancel:
      complain("received a client's frame");
  }
}

void Bundle::take_head(std::size_t index, std::string_view payload) {
  int status = 0;
  std::from_chars(payload.data(), payload.data() + payload.size(), status);
  const std::size_t line_end = payload.find('\n');
  const std::string_view type = payload.substr(0, line_end).substr(payload.find(' ') + 1);
  const std::string_view coding = payload.substr(line_end + 1);
  Subscription& subscription = subscriptions_[index];
  if (subscription.take_head(status, type, coding) == Subscription::Verdict::streams) return;
  numbers_[index] = 0;
  subscription.leave();
}

void Bundle::take_end(std::size_t index, std::string_view payload) {
  if (payload != kComplete && payload != kComeBack)
    complain("was told of an end as " + excerpt(payload));
  subscriptions_[index].ends(payload == kComplete);
  open_again(index);
}

void Bundle::cancel_some() {
  for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
    if (numbers_[i] == 0 || !random().chance(subscriptions_[i].plan().cuts)) continue;
    ++cancels_;
    trace("cancels stream {}", numbers_[i]);
    say(BundleFrame{.kind = BundleFrame::Kind::cancel, .stream = numbers_[i], .payload = {}}
            .text());
    if (subscriptions_[i].streaming()) subscriptions_[i].ends(false);
    open_again(i);
  }
}

void Bundle::open_again(std::size_t index) {
  numbers_[index] = 0;
  const std::optional<Duration> after = subscriptions_[index].comes_back();
  if (after) set_alarm(*after, static_cast<std::uint32_t>(kOpen + index));
}

void Bundle::lost(bool /*clean*/) {
  cut_all();
}

void Bundle::drop(bool reset) {
  hang_up(reset);
  cut_all();
}

void Bundle::cut_all() {
  for (Subscription& subscription : subscriptions_) {
    if (subscription.streaming()) subscription.ends(false);
  }
  connect_again();
}

// When the first of them wants to come back, all do.
void Bundle::connect_again() {
  std::optional<Duration> first;
  for (Subscription& subscription : subscriptions_) {
    const std::optional<Duration> after = subscription.comes_back();
    if (after) first = std::min(first.value_or(*after), *after);
  }
  if (first) set_alarm(*first, kConnect);
}

}  // namespace fanfare::sim
