#include "tests/sim/h2_client.h"

#include <algorithm>
#include <utility>

#include "tests/sim/text.h"

namespace fanfare::sim {
namespace {

// Alarms from kOpen and kWaitNoMore on: of the subscription with that index; from kGiveBack on: of
// what is withheld until then.
enum Alarm : std::uint32_t {
  kConnect = 1,
  kGiveUp = 2,
  kOpen = 16,
  kWaitNoMore = 1U << 8U,
  kGiveBack = 1U << 16U,
};

// In a quiet world, what has not been answered after so long is asked for on another connection.
constexpr Duration kPatience = 10s;

double rate(Random& random, double off, double max) {
  return random.chance(off) ? 0 : max * static_cast<double>(1 + random.below(100)) / 100;
}

}  // namespace

H2Habits H2Habits::drawn(Random& random) {
  H2Habits habits;
  habits.windows = H2Windows::drawn(random);
  habits.withholds = rate(random, 0.4, 0.1);
  habits.withholds_all = rate(random, 0.6, 0.05);
  habits.resizes = rate(random, 0.7, 0.05);
  habits.errands = rate(random, 0.3, 0.2);
  habits.pings = rate(random, 0.7, 0.05);
  habits.goodbyes = rate(random, 0.8, 0.02);
  habits.at_once = random.chance(0.3);
  habits.widens = random.chance(0.7) || habits.windows.stream < 4000;
  return habits;
}

H2Client::H2Client(Town& town, std::string name, const std::vector<ReaderPlan>& plans,
                   const H2Habits& habits, Pace pace)
    : SharedClient(town, std::move(name), plans, pace),
      habits_(habits),
      numbers_(plans.size()),
      unsaid_(plans.size()),
      passed_(plans.size()),
      patient_until_(plans.size()),
      drops_(plans[0].cuts / 4) {
  habits_.windows.booked_short = town.kernel.faults().bug == PlantedBug::h2_window_booked_short;
}

H2Client::~H2Client() = default;

void H2Client::start(Duration after) {
  set_alarm(after, kConnect);
}

void H2Client::leave() {
  if (std::exchange(gone_, true)) return;
  for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
    end_asking(i, false);
    subscriptions_[i].leave();
  }
  errands_.clear();
  end_.reset();
  hang_up(random().chance(0.3));
}

void H2Client::behave() {
  drops_ = 0;
  habits_.withholds = habits_.withholds_all = habits_.resizes = 0;
  habits_.errands = habits_.pings = habits_.goodbyes = 0;
  for (Subscription& subscription : subscriptions_) subscription.behave();
  if (habits_.widens) habits_.windows = H2Windows::wide();
  if (end_) {
    if (habits_.widens) end_->widen();
    for (const auto& [alarm, stream] : std::exchange(withheld_, {})) end_->give_back(stream);
    flush();
    set_alarm(kPatience, kGiveUp);
    if (end_->leaving()) give_up_connection(false);
  }
  wake_up();
}

void H2Client::rang(std::uint32_t alarm) {
  if (gone_) return;
  if (alarm == kConnect) {
    if (!connected()) connect();
  } else if (alarm == kGiveUp) {
    const bool waits = std::ranges::any_of(subscriptions_, [](const Subscription& subscription) {
      return !subscription.gone() && !subscription.streaming();
    });
    if (!connected() || !town_.quiet || !beside_.empty()) return;
    if (waits || !errands_.empty()) give_up_connection(true);
  } else if (alarm >= kGiveBack) {
    const auto found = withheld_.find(alarm);
    if (found == withheld_.end() || !connected()) return;
    end_->give_back(found->second);
    withheld_.erase(found);
    flush();
  } else if (alarm >= kWaitNoMore) {
    if (connected()) wait_no_more(alarm - kWaitNoMore);
  } else if (connected()) {
    open(alarm - kOpen);
  }
}

void H2Client::connect() {
  if (!dial(Door::subscribers)) return connect_again();
  end_ = std::make_unique<H2End>(habits_.windows);
  std::ranges::fill(numbers_, 0);
  withheld_.clear();
  errands_.clear();
  flush();
  for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
    const Duration after = habits_.at_once ? Duration(0) : town_.kernel.somewhen(500ms);
    if (!subscriptions_[i].gone()) set_alarm(after, static_cast<std::uint32_t>(kOpen + i));
  }
  if (town_.quiet) set_alarm(kPatience, kGiveUp);
}

void H2Client::open(std::size_t index) {
  Subscription& subscription = subscriptions_[index];
  if (subscription.gone() || numbers_[index] != 0 || end_->leaving()) return;
  subscription.decide();
  numbers_[index] = end_->ask(H2Request::from_http1(subscription.request()));
  trace("asks for {} on stream {}", subscription.name(), numbers_[index]);
  unsaid_[index] = subscription.guest() != nullptr;
  if (numbers_[index] == 0) end_asking(index, false);
  flush();
}

void H2Client::flush() {
  if (!end_) return;
  if (const std::string out = end_->say(); !out.empty()) say(out);
}

void H2Client::heard(std::string_view bytes) {
  for (const H2News& news : end_->hear(bytes)) {
    take(news);
    if (!connected()) return;
  }
  if (std::ranges::all_of(subscriptions_, [](const auto& s) { return s.gone(); })) return leave();
  act_up();
  if (!connected()) return;
  flush();
  if (done_with_connection()) give_up_connection(false);
}

void H2Client::take(const H2News& news) {
  if (news.kind == H2News::Kind::wrong) {
    const bool window = news.bytes.find("than the window") != std::string::npos;
    complain("was sent " + news.bytes, window ? "window" : "bytes");
    return leave();
  }
  if (news.kind == H2News::Kind::goodbye) return goodbye(news);
  if (errands_.contains(news.stream)) return take_of_errand(news);
  const auto found = std::ranges::find(numbers_, news.stream);
  if (found == numbers_.end()) return;  // it was cancelled when this was on its way
  take_of_subscription(static_cast<std::size_t>(found - numbers_.begin()), news);
}

void H2Client::take_of_subscription(std::size_t index, const H2News& news) {
  switch (news.kind) {
    case H2News::Kind::head:
      return take_head(index, news);
    case H2News::Kind::data:
      if (passed_[index]) passed_[index]->body += news.bytes;
      if (!subscriptions_[index].streaming()) return;  // the text of a refusal
      if (random().chance(habits_.withholds)) withhold(news.stream);
      return subscriptions_[index].take_body(news.bytes);
    case H2News::Kind::complete:
      return take_end(index, true);
    case H2News::Kind::reset:
      counts_.refused += news.error == H2End::kRefusedStream ? 1 : 0;
      if (news.error != H2End::kRefusedStream && news.error != H2End::kCancel)
        complain(fmt::format("has a stream that is reset with the error {}", news.error));
      return take_end(index, false);
    case H2News::Kind::unsent:
      return take_end(index, false);
    case H2News::Kind::goodbye:
    case H2News::Kind::wrong:
      return;
  }
}

void H2Client::take_head(std::size_t index, const H2News& news) {
  Subscription& subscription = subscriptions_[index];
  if (subscription.guest() != nullptr) {
    subscription.guest()->answered();
    if (!news.field("x-answer").empty()) {
      passed_[index] = Passed{.status = news.status, .fields = news.fields};
      return;
    }
  }
  switch (subscription.take_head(news.status, news.field("content-type"),
                                 news.field("content-encoding"))) {
    case Subscription::Verdict::streams:
      return;
    case Subscription::Verdict::again:
      return open_again(index);
    case Subscription::Verdict::over:
      numbers_[index] = 0;
      subscription.leave();
      return;
  }
}

void H2Client::take_end(std::size_t index, bool complete) {
  if (town_.kernel.faults().bug == PlantedBug::h2_end_unheard && random().chance(0.5)) return;
  end_asking(index, complete);
  if (subscriptions_[index].streaming()) subscriptions_[index].ends(complete);
  open_again(index);
}

// ---- routes that ask applications

void H2Client::all_said() {
  for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
    if (!unsaid_[i] || numbers_[i] == 0 || !end_->has_said(numbers_[i])) continue;
    unsaid_[i] = false;
    subscriptions_[i].guest()->said();
    const Duration patience = subscriptions_[i].plan().patience;
    if (patience == Duration(0) || town_.quiet) continue;
    patient_until_[i] = town_.kernel.now() + patience;
    set_alarm(patience, static_cast<std::uint32_t>(kWaitNoMore + i));
  }
}

void H2Client::wait_no_more(std::size_t index) {
  const bool due = patient_until_[index] && *patient_until_[index] <= town_.kernel.now();
  if (!due || numbers_[index] == 0 || subscriptions_[index].streaming() || passed_[index]) return;
  trace("waits no more on stream {}", numbers_[index]);
  cancel(index);
  flush();
}

// What it asked for is over: it was answered by the application itself, or is answered no more.
void H2Client::end_asking(std::size_t index, bool whole) {
  Guest* const guest = subscriptions_[index].guest();
  unsaid_[index] = false;
  patient_until_[index].reset();
  if (guest == nullptr) return;
  if (auto passed = std::exchange(passed_[index], std::nullopt)) {
    trace("is answered {} by the application", passed->status);
    guest->passed(passed->status, std::move(passed->fields), std::move(passed->body), whole);
  } else if (!whole) {
    guest->over();
  }
}

void H2Client::take_of_errand(const H2News& news) {
  Errand& errand = errands_.at(news.stream);
  if (news.kind == H2News::Kind::head) return errand.take_head(news);
  if (news.kind == H2News::Kind::data) return errand.take_body(news.bytes);
  if (news.kind == H2News::Kind::complete) {
    ++counts_.errands;
    const std::string problem = errand.judge(town_.ledger);
    if (!problem.empty()) complain(fmt::format("asked {} and {}", errand.name(), problem));
  }
  counts_.refused += news.error == H2End::kRefusedStream ? 1 : 0;
  errands_.erase(news.stream);
}

void H2Client::goodbye(const H2News& news) {
  ++counts_.goodbyes;
  trace("is said goodbye to");
  if (news.error != H2End::kNoError)
    complain(fmt::format("is sent away with the error {}", news.error));
}

// ---- what it does by itself

void H2Client::act_up() {
  for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
    if (numbers_[i] != 0 && random().chance(subscriptions_[i].plan().cuts)) cancel(i);
  }
  if (random().chance(habits_.withholds_all)) withhold(0);
  if (random().chance(habits_.errands)) run_errand();
  if (random().chance(habits_.pings)) end_->ping();
  const TimePoint now = town_.kernel.now();
  constexpr Duration kResizes = 2s;  // SETTINGS are bounded
  if (random().chance(habits_.resizes) && now - resized_ > kResizes) {
    resized_ = now;
    habits_.windows.stream = H2Windows::drawn(random()).stream;
    trace("has windows of {} bytes from now on", habits_.windows.stream);
    end_->resize(habits_.windows.stream);
  }
  if (!end_->leaving() && random().chance(habits_.goodbyes)) {
    trace("says goodbye");
    ++counts_.goodbyes;
    end_->say_goodbye();
  }
  if (random().chance(drops_)) {
    give_up_connection(random().chance(0.5));
  } else if (random().chance(subscriptions_[0].plan().sleeps)) {
    sleep_until(town_.kernel.now() + town_.kernel.somewhen(60s));
  }
}

void H2Client::cancel(std::size_t index) {
  ++cancels_;
  trace("resets stream {}", numbers_[index]);
  end_->reset(numbers_[index]);
  end_asking(index, false);
  if (subscriptions_[index].streaming()) subscriptions_[index].ends(false);
  open_again(index);
}

void H2Client::withhold(std::uint32_t stream) {
  if (end_->withholds(stream)) return;
  ++counts_.stalls;
  trace("gives nothing back on stream {}", stream);
  end_->withhold(stream);
  const std::uint32_t alarm = kGiveBack + last_alarm_++;
  withheld_[alarm] = stream;
  set_alarm(town_.kernel.somewhen(random().chance(0.5) ? Duration(2s) : Duration(60s)), alarm);
}

void H2Client::run_errand() {
  constexpr std::size_t kErrandsMax = 5;
  if (errands_.size() >= kErrandsMax || town_.quiet) return;
  const std::vector<std::string>& topics = subscriptions_[0].plan().topics;
  Errand errand = Errand::drawn(town_, topics[random().below(topics.size())]);
  const std::uint32_t number = end_->ask(errand.request());
  if (number == 0) return;
  trace("asks {} on stream {}", errand.name(), number);
  errands_.emplace(number, std::move(errand));
}

// ---- the ends of streams, and of connections

void H2Client::open_again(std::size_t index) {
  numbers_[index] = 0;
  const std::optional<Duration> after = subscriptions_[index].comes_back();
  if (after) set_alarm(*after, static_cast<std::uint32_t>(kOpen + index));
}

bool H2Client::done_with_connection() const {
  return end_->leaving() && errands_.empty() &&
         std::ranges::all_of(numbers_, [](std::uint32_t number) { return number == 0; });
}

void H2Client::lost(bool /*clean*/) {
  cut_all();
}

void H2Client::give_up_connection(bool reset) {
  hang_up(reset);
  cut_all();
}

void H2Client::cut_all() {
  end_.reset();
  errands_.clear();
  for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
    if (numbers_[i] != 0) end_asking(i, false);
    if (subscriptions_[i].streaming()) subscriptions_[i].ends(false);
  }
  connect_again();
}

// When the first of them wants to come back, all do.
void H2Client::connect_again() {
  std::optional<Duration> first;
  for (Subscription& subscription : subscriptions_) {
    const std::optional<Duration> after = subscription.comes_back();
    if (after) first = std::min(first.value_or(*after), *after);
  }
  if (first) set_alarm(*first, kConnect);
}

// ---- neighbours

bool H2Client::reset_one() {
  beside_.clear();
  const auto there = [this](std::size_t i) {
    return numbers_[i] != 0 && subscriptions_[i].streaming();
  };
  std::vector<std::size_t> streaming;
  for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
    if (there(i)) streaming.push_back(i);
  }
  if (gone_ || !connected() || in_the_dark() || end_->leaving() || streaming.size() < 2)
    return false;
  // One that was told at once to come back later looks like a stream until it is reset.
  constexpr Duration kTold = 3s;
  const TimePoint now = town_.kernel.now();
  for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
    const bool lasts = there(i) && now - subscriptions_[i].dialled() > kTold;
    beside_.push_back(lasts ? subscriptions_[i].streams() : 0);
  }
  reset_ = streaming[random().below(streaming.size())];
  beside_[reset_] = 0;
  cancel(reset_);
  flush();
  return true;
}

void H2Client::check_neighbours() {
  for (std::size_t i = 0; i < beside_.size(); ++i) {
    Subscription& subscription = subscriptions_[i];
    if (beside_[i] == 0) continue;
    if (subscription.guest() != nullptr && subscription.guest()->may_end()) continue;
    if (!subscription.streaming() || subscription.streams() != beside_[i])
      complain(fmt::format("has lost stream {} when it reset stream {}", i, reset_), "neighbours");
  }
}

}  // namespace fanfare::sim
