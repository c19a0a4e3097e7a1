#include "tests/sim/publisher.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "tests/sim/text.h"

namespace fanfare::sim {
namespace {

enum Alarm : std::uint32_t { kConnect = 1, kBurst = 2 };

double rate(Random& random, double off, double max) {
  return random.chance(off) ? 0 : max * static_cast<double>(1 + random.below(100)) / 100;
}

}  // namespace

bool says_keys_are_full(std::string_view answer) {
  return answer.find("keys_max") != std::string_view::npos ||
         answer.find("keys_bytes") != std::string_view::npos;
}

PublisherPlan PublisherPlan::drawn(const std::vector<std::string>& channels, Random& random) {
  PublisherPlan plan;
  plan.dialect = static_cast<Dialect>(random.below(3));
  for (const std::string& channel : channels) {
    if (random.chance(0.6)) plan.channels.push_back(channel);
  }
  if (plan.channels.empty()) plan.channels.push_back(channels[random.below(channels.size())]);
  plan.interval = Duration(static_cast<std::int64_t>(1'000'000 + random.below(1'500'000'000)));
  plan.burst = static_cast<std::uint32_t>(1 + random.below(random.chance(0.5) ? 2 : 12));
  plan.pipeline = static_cast<std::uint32_t>(1 + random.below(random.chance(0.5) ? 2 : 40));
  plan.size = random.chance(0.9) ? 1 + random.below(400) : 1 + random.below(20'000);
  plan.keys = rate(random, 0.6, 1);
  plan.finishes = rate(random, 0.8, 0.03);
  plan.erases = rate(random, 0.85, 0.05);
  plan.cuts = rate(random, 0.7, 0.1);
  plan.half_closes = random.chance(0.1);
  return plan;
}

Publisher::Publisher(Town& town, std::string name, PublisherPlan plan, Pace pace)
    : Client(town, std::move(name)), plan_(std::move(plan)) {
  pace_ = pace;
}

void Publisher::start(Duration after) {
  set_alarm(after, kConnect);
}

void Publisher::conclude() {
  concluding_ = true;
  farewells_.assign(plan_.channels.begin(), plan_.channels.end());
  if (connected() && !half_closed_) publish_next();
}

void Publisher::leave() {
  gone_ = true;
  hang_up(false);
}

void Publisher::rang(std::uint32_t alarm) {
  if (gone_) return;
  if (alarm == kConnect) return connect();
  if (concluding_ || half_closed_) return;
  if (!town_.hushed) burst();
  set_alarm(town_.kernel.somewhen(plan_.interval), kBurst);
}

void Publisher::connect() {
  response_.expect(false);
  incoming_.clear();
  body_.clear();
  half_closed_ = false;
  acked_.reset();
  swapped_.reset();
  if (!dial(Door::publishers)) return set_alarm(town_.kernel.somewhen(200ms), kConnect);
  // Another life of the broker does not know the keys of this one.
  if (std::exchange(life_, town_.ledger.life()) != town_.ledger.life()) again_.clear();
  while (!again_.empty()) {
    const std::uint32_t number = again_.front();
    again_.pop_front();
    town_.ledger[number].fate = Publication::Fate::open;
    repeated_[number] = true;
    publish(town_.ledger[number], key_of(number));
  }
  if (concluding_) {
    publish_next();
  } else {
    set_alarm(town_.kernel.somewhen(plan_.interval), kBurst);
  }
}

void Publisher::burst() {
  if (random().chance(plan_.finishes)) {
    // Never all: somebody must be left to talk to.
    const std::string& channel = plan_.channels[random().below(plan_.channels.size())];
    town_.ledger.begin_finish(channel);
    control("finish", channel);
  }
  if (random().chance(plan_.erases)) {
    erase(plan_.channels[random().below(plan_.channels.size())]);
  }
  if (plan_.dialect == PublisherPlan::Dialect::http && plan_.burst > 2 && random().chance(0.3) &&
      awaited_.size() < plan_.pipeline)
    publish_batch();
  if (plan_.transactions > 0 && plan_.dialect == PublisherPlan::Dialect::resp &&
      awaited_.size() < plan_.pipeline && random().chance(plan_.transactions))
    publish_transaction();
  const std::uint64_t events = 1 + random().below(plan_.burst);
  for (std::uint64_t i = 0; i < events && awaited_.size() < plan_.pipeline; ++i) {
    const std::uint32_t number = begin_event(plan_.channels[random().below(plan_.channels.size())]);
    publish(town_.ledger[number], key_of(number));
  }
  if (plan_.half_closes && random().chance(0.1)) {
    half_closed_ = true;
    shutdown_write();
  }
}

void Publisher::erase(const std::string& channel) {
  const bool keeps = town_.keyed.keeps(channel);
  if (keeps && !town_.keyed.deletes) return;
  if (town_.ledger.finish_begun(channel)) town_.ledger.begin_reopen(channel);
  town_.ledger.begin_erase(channel);
  if (keeps) town_.ledger.begin_clear(channel);
  const std::uint32_t number = town_.ledger.count() - 1;
  control("erase", channel);
  if (keeps) awaited_.back().clears = number;
}

// The farewells one by one: each waits for the answer to the one before.
void Publisher::publish_next() {
  if (!awaited_.empty() || farewells_.empty()) return;
  const std::uint32_t number = begin_event(farewells_.front());
  publish(town_.ledger[number], key_of(number));
}

std::uint32_t Publisher::begin_event(std::string_view channel) {
  const Publication& begun = town_.keyed.keeps(channel)
                                 ? begin_keyed(channel)
                                 : town_.ledger.begin(channel, some_size(), random());
  const std::uint32_t number = begun.number;
  keyed_.resize(number + 1);
  repeated_.resize(number + 1);
  // A removal that is sent again would be a second one that may lie anywhere.
  keyed_[number] = !begun.removes && random().chance(plan_.keys);
  return number;
}

const Publication& Publisher::begin_keyed(std::string_view channel) {
  const std::string& key = town_.keyed.keys[random().below(town_.keyed.keys.size())];
  if (random().chance(0.2) && !concluding_ && !town_.ledger.removal_adrift(channel, key))
    return town_.ledger.begin_removal(channel, key);
  return town_.ledger.begin(channel, key, some_size(), random());
}

std::string Publisher::key_of(std::uint32_t number) const {
  return keyed_[number] ? fmt::format("{}-{}", name(), number) : std::string();
}

void Publisher::publish(const Publication& publication, std::string_view key) {
  const std::string& channel = town_.ledger.channel_of(publication);
  trace("publishes {} on {}", publication.number, channel);
  switch (plan_.dialect) {
    case PublisherPlan::Dialect::http:
      say(http_publish(publication, channel, key, random()));
      break;
    case PublisherPlan::Dialect::resp:
      // It has no idempotency keys.
      keyed_[publication.number] = false;
      say(resp_publish(publication, channel, random()));
      break;
    case PublisherPlan::Dialect::ndjson:
      say(ndjson_publish(publication, channel, key, random()));
      break;
  }
  awaited_.push_back({Awaited::Kind::publish, {publication.number}});
}

void Publisher::publish_batch() {
  Awaited batch{Awaited::Kind::batch, {}};
  std::string lines;
  const std::uint64_t events = 1 + random().below(plan_.burst);
  for (std::uint64_t i = 0; i < events; ++i) {
    const std::uint32_t number = begin_event(plan_.channels[random().below(plan_.channels.size())]);
    const Publication& publication = town_.ledger[number];
    const std::string& channel = town_.ledger.channel_of(publication);
    trace("publishes {} on {} in a batch", number, channel);
    lines += ndjson_publish(publication, channel, key_of(number), random());
    batch.numbers.push_back(number);
  }
  say(http_batch(lines));
  awaited_.push_back(std::move(batch));
}

void Publisher::control(std::string_view verb, std::string_view channel) {
  trace("asks to {} {}", verb, channel);
  switch (plan_.dialect) {
    case PublisherPlan::Dialect::http:
      say(http_control(verb, channel));
      break;
    case PublisherPlan::Dialect::resp:
      say(resp_control(verb, channel));
      break;
    case PublisherPlan::Dialect::ndjson:
      say(ndjson_control(verb, channel));
      break;
  }
  awaited_.push_back({Awaited::Kind::other, {}});
}

void Publisher::check_unanswered() {
  for (const std::uint32_t number : unanswered_) {
    const Publication& publication = town_.ledger[number];
    if (publication.place && !repeated_[number])
      complain(fmt::format("was never answered about publication {}, which was taken at {}", number,
                           publication.place->text()),
               "acks");
  }
}

// ---- answers

void Publisher::heard(std::string_view bytes) {
  if (town_.stopping && town_.kernel.faults().bug == PlantedBug::ack_dropped) return;
  incoming_ += bytes;
  const auto take = [this] {
    switch (plan_.dialect) {
      case PublisherPlan::Dialect::http:
        return take_http();
      case PublisherPlan::Dialect::resp:
        return take_resp();
      case PublisherPlan::Dialect::ndjson:
        return take_ndjson();
    }
    return false;
  };
  while (connected() && !incoming_.empty() && take()) {
  }
  if (!connected()) return;
  if (!concluding_ && random().chance(plan_.cuts)) {
    hang_up(random().chance(0.5));
    lost(false);
  } else if (concluding_ && !half_closed_) {
    publish_next();
  }
}

bool Publisher::take_http() {
  incoming_.erase(0, response_.feed(incoming_, body_));
  if (!response_.problem().empty()) {
    complain(fmt::format("received {}", response_.problem()));
    leave();
    return false;
  }
  if (!response_.complete()) return false;
  const int status = response_.status();
  response_.expect(false);
  if (status == 100) return true;
  settle(std::exchange(body_, {}), status == 200);
  return true;
}

bool Publisher::take_resp() {
  const std::size_t end = incoming_.find("\r\n");
  if (end == std::string::npos) return false;
  if (incoming_[0] == '*') return take_array(end);
  const std::string line = incoming_.substr(0, end);
  if (line[0] != '$') {
    incoming_.erase(0, end + 2);
    settle(std::string_view(line).substr(1), line[0] != '-');
    return true;
  }
  std::size_t size = 0;
  std::from_chars(line.data() + 1, line.data() + line.size(), size);
  if (incoming_.size() < end + 2 + size + 2) return false;
  const std::string text = incoming_.substr(end + 2, size);
  incoming_.erase(0, end + 2 + size + 2);
  settle(fmt::format("\"id\":\"{}\"", text), true);
  return true;
}

bool Publisher::take_ndjson() {
  const std::size_t end = incoming_.find('\n');
  if (end == std::string::npos) return false;
  const std::string line = incoming_.substr(0, end);
  incoming_.erase(0, end + 1);
  settle(line, line.starts_with("{\"ok\":true"));
  return true;
}

void Publisher::settle(std::string_view answer, bool accepted) {
  const bool swaps = town_.kernel.faults().bug == PlantedBug::acks_swapped;
  if (swaps && !swapped_ && awaited_.size() > 1 && random().chance(0.1)) {
    swapped_.emplace(answer, accepted);
    return;
  }
  settle_next(answer, accepted);
  if (swapped_) {
    const auto [before, was_accepted] = *std::exchange(swapped_, std::nullopt);
    settle_next(before, was_accepted);
  }
}

void Publisher::settle_next(std::string_view answer, bool accepted) {
  if (awaited_.empty()) {
    complain(fmt::format("was answered without having asked: {}", answer));
    return leave();
  }
  const Awaited asked = std::move(awaited_.front());
  awaited_.pop_front();
  // One that says its body too slowly is told so, once for all that is in it.
  late_ = answer.find("did not arrive completely") != std::string_view::npos;
  if (asked.clears) town_.ledger[*asked.clears].cleared_before = town_.ledger.count();
  if (asked.kind == Awaited::Kind::publish) settle_one(asked.numbers[0], answer, accepted);
  if (asked.kind == Awaited::Kind::transaction) settle_transaction(asked, answer, accepted);
  if (asked.kind != Awaited::Kind::batch) return;
  for (const std::uint32_t number : asked.numbers) {
    const std::size_t end = answer.find('\n');
    const std::string_view line = answer.substr(0, end);
    settle_one(number, line, line.starts_with("{\"ok\":true"));
    answer.remove_prefix(end == std::string_view::npos ? answer.size() : end + 1);
  }
}

void Publisher::settle_one(std::uint32_t number, std::string_view answer, bool accepted) {
  Publication& publication = town_.ledger[number];
  const std::string& channel = town_.ledger.channel_of(publication);
  trace("hears that {} is {}: {}", number, accepted ? "published" : "refused", answer);
  if (!farewells_.empty() && farewells_.front() == channel) farewells_.pop_front();
  if (!accepted) {
    publication.fate = Publication::Fate::refused;
    const bool full = publication.key && !publication.removes && says_keys_are_full(answer);
    if (full) ++town_.keyed.refused;
    if (!full && !town_.ledger.finish_begun(channel) && !stopping() && !late_ && !plan_.stranger)
      complain(fmt::format("was refused publication {} on {}: {}", number, channel, answer));
    return;
  }
  publication.fate = Publication::Fate::acked;
  if (town_.stopping) ++town_.late_acks;
  if (const auto reference = reference_in(answer); reference && *reference != number)
    complain(fmt::format("was answered about {} when {} was due", *reference, number), "acks");
  const std::optional<std::string> id = member_of(answer, "id");
  if (!id) return;  // PUBLISH tells the receivers only
  const std::optional<Position> place = town_.ledger.place_of(*id);
  const auto known = place ? town_.ledger.learn(number, *place) : std::nullopt;
  if (!known) {
    complain(fmt::format("was told that publication {} is {}", number, *id));
  } else if (*known != number) {
    town_.ledger[number].fate = Publication::Fate::lost;
    town_.ledger[*known].fate = Publication::Fate::acked;
  }
  if (place) check_order(number, *place);
}

// What one connection publishes lies in the log in that order; but what was sent again under its
// key may have been there before.
void Publisher::check_order(std::uint32_t number, Position place) {
  if (repeated_[number]) return;
  if (acked_ && place <= *acked_)
    complain(fmt::format("was told that publication {} is at {}, after one at {}", number,
                         place.text(), acked_->text()),
             "acks");
  acked_ = place;
}

void Publisher::lost(bool clean) {
  // Errors of the kernel's own making end a connection between two answers.
  const bool owes = clean && town_.stopping && town_.kernel.faults().errors == 0;
  for (const Awaited& awaited : std::exchange(awaited_, {})) {
    for (const std::uint32_t number : awaited.numbers) {
      if (owes && !repeated_[number]) unanswered_.push_back(number);
      town_.ledger[number].fate = Publication::Fate::lost;
      if (keyed_[number]) again_.push_back(number);
    }
  }
  if (!gone_) set_alarm(town_.kernel.somewhen(200ms), kConnect);
}

}  // namespace fanfare::sim
