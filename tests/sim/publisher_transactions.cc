// Publisher, the part about transactions: MULTI, some events, EXEC; or DISCARD after all.

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "tests/sim/publisher.h"
#include "tests/sim/text.h"

namespace fanfare::sim {

void Publisher::publish_transaction() {
  std::vector<std::uint32_t> numbers;
  const std::uint64_t events = 2 + random().below(plan_.burst + 1);
  for (std::uint64_t i = 0; i < events; ++i) {
    numbers.push_back(begin_event(plan_.channels[random().below(plan_.channels.size())]));
    keyed_[numbers.back()] = false;
  }
  if (random().chance(0.2)) {
    // Nobody may ever receive them.
    for (const std::uint32_t number : numbers)
      town_.ledger[number].fate = Publication::Fate::refused;
    discarded_.insert(discarded_.end(), numbers.begin(), numbers.end());
    return say_transaction(numbers);
  }
  transactions_.push_back(numbers);
  if (town_.kernel.faults().bug == PlantedBug::exec_torn) {
    say_transaction({numbers.begin(), numbers.begin() + 1});
    numbers.erase(numbers.begin());
  }
  say_transaction(numbers);
}

// Those that are refused already are discarded.
void Publisher::say_transaction(const std::vector<std::uint32_t>& numbers) {
  const bool discards = town_.ledger[numbers[0]].fate == Publication::Fate::refused;
  trace("{} {} events from {} on", discards ? "discards" : "executes", numbers.size(), numbers[0]);
  say(resp_word("MULTI"));
  for (const std::uint32_t number : numbers) {
    const Publication& publication = town_.ledger[number];
    say(resp_publish(publication, town_.ledger.channel_of(publication), random()));
  }
  awaited_.insert(awaited_.end(), 1 + numbers.size(), {Awaited::Kind::other, {}});
  const bool forgets = discards && town_.kernel.faults().bug == PlantedBug::discard_forgotten;
  say(resp_word(discards && !forgets ? "DISCARD" : "EXEC"));
  if (discards) {
    awaited_.push_back({Awaited::Kind::other, {}});
  } else {
    awaited_.push_back({Awaited::Kind::transaction, numbers});
  }
}

// The reply to EXEC: one for each command, each a bulk string or an integer. False: not all of it
// has come.
bool Publisher::take_array(std::size_t head_end) {
  std::size_t left = 0;
  std::from_chars(incoming_.data() + 1, incoming_.data() + head_end, left);
  std::size_t at = head_end + 2;
  std::string answers;
  for (; left > 0; --left) {
    const std::size_t end = incoming_.find("\r\n", at);
    if (end == std::string::npos) return false;
    if (incoming_[at] == '$') {
      std::size_t size = 0;
      std::from_chars(incoming_.data() + at + 1, incoming_.data() + end, size);
      if (incoming_.size() < end + 2 + size + 2) return false;
      answers += fmt::format("\"id\":\"{}\"\n", incoming_.substr(end + 2, size));
      at = end + 2 + size + 2;
    } else {
      answers += incoming_.substr(at, end - at) + '\n';
      at = end + 2;
    }
  }
  incoming_.erase(0, at);
  settle(answers, true);
  return true;
}

void Publisher::settle_transaction(const Awaited& asked, std::string_view answer, bool accepted) {
  const Ledger& ledger = town_.ledger;
  if (!accepted) {
    const bool finished = std::ranges::any_of(asked.numbers, [&](std::uint32_t number) {
      return ledger.finish_begun(ledger.channel_of(ledger[number]));
    });
    const bool full = says_keys_are_full(answer);
    if (full) ++town_.keyed.refused;
    if (!full && !finished && !stopping() && !plan_.stranger)
      complain(fmt::format("was refused a transaction: {}", answer));
    for (const std::uint32_t number : asked.numbers)
      town_.ledger[number].fate = Publication::Fate::refused;
    discarded_.insert(discarded_.end(), asked.numbers.begin(), asked.numbers.end());
    return;
  }
  for (const std::uint32_t number : asked.numbers) {
    const std::size_t end = answer.find('\n');
    if (end == std::string_view::npos || answer[0] == '-')
      return complain("was answered about a part of a transaction only", "exec");
    settle_one(number, answer.substr(0, end), true);
    answer.remove_prefix(end + 1);
  }
  if (!answer.empty()) complain("was answered about more than a transaction", "exec");
}

void Publisher::check_transactions() {
  const Ledger& ledger = town_.ledger;
  for (const std::uint32_t number : discarded_) {
    if (ledger[number].place)
      complain(fmt::format("sees publication {}, which is part of nothing, at {}", number,
                           ledger[number].place->text()),
               "exec");
  }
  for (const std::vector<std::uint32_t>& numbers : transactions_) {
    std::optional<std::pair<std::size_t, Position>> known;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const std::optional<Position>& place = ledger[numbers[i]].place;
      if (!place) continue;
      if (!known) known.emplace(i, *place);
      const Position due{.life = known->second.life,
                         .sequence = known->second.sequence + i - known->first};
      if (*place != due)
        complain(fmt::format("sees publication {} at {}, not at {}, where its transaction is",
                             numbers[i], place->text(), due.text()),
                 "exec");
    }
  }
}

}  // namespace fanfare::sim
