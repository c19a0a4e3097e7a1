#include "tests/sim/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace fanfare::sim {
namespace {

std::string with_line_feeds(std::string_view data) {
  std::string text;
  text.reserve(data.size());
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data[i] != '\r') {
      text += data[i];
    } else if (i + 1 == data.size() || data[i + 1] != '\n') {
      text += '\n';
    }
  }
  return text;
}

std::string made_up(std::size_t size, Random& random) {
  constexpr std::array<std::string_view, 16> kHard = {"\n",
                                                      "\r\n",
                                                      "\r",
                                                      "\n\n",
                                                      " ",
                                                      "  x",
                                                      ":",
                                                      "data: x",
                                                      "\nid: 9-9",
                                                      "\ndata:\n",
                                                      "\xe4\xb8\xad",
                                                      "\xf0\x9f\x98\x80",
                                                      "\xe2\x80\xa8",
                                                      "\t",
                                                      "\"\\",
                                                      "\n "};
  std::string text;
  while (text.size() < size) {
    if (random.chance(0.2)) {
      text += kHard[random.below(kHard.size())];
    } else {
      text.append(1 + random.below(16), static_cast<char>('a' + random.below(26)));
    }
  }
  return text;
}

std::optional<std::uint64_t> number_of(std::string_view digits) {
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || stop != end || digits.empty()) return std::nullopt;
  return value;
}

}  // namespace

std::string Position::text() const {
  return fmt::format("life {} sequence {}", life, sequence);
}

void Ledger::begin_life(std::string epoch) {
  epochs_.push_back(std::move(epoch));
}

std::optional<Position> Ledger::place_of(std::string_view id) const {
  id = id.substr(0, id.find(','));
  const std::size_t dash = id.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto epoch = std::ranges::find(epochs_, id.substr(0, dash));
  const std::optional<std::uint64_t> sequence = number_of(id.substr(dash + 1));
  if (epoch == epochs_.end() || !sequence) return std::nullopt;
  return Position{.life = static_cast<std::uint32_t>(epoch - epochs_.begin()),
                  .sequence = *sequence};
}

std::string Ledger::id_of(Position place) const {
  return fmt::format("{}-{}", epochs_.at(place.life), place.sequence);
}

Publication& Ledger::add(std::string_view channel) {
  Publication& publication = publications_.emplace_back();
  publication.number = count() - 1;
  const auto known = std::ranges::find(channels_, channel);
  publication.channel = static_cast<std::uint32_t>(known - channels_.begin());
  if (known == channels_.end()) channels_.emplace_back(channel);
  return publication;
}

Publication& Ledger::begin(std::string_view channel, std::size_t size, Random& random) {
  Publication& publication = add(channel);
  if (random.chance(0.2)) publication.type = random.chance(0.5) ? "tick" : "prix \xc3\xa9t\xc3\xa9";
  publication.data = fmt::format("{}|{}", publication.number, made_up(size, random));
  publication.heard = with_line_feeds(publication.data);
  return publication;
}

Publication& Ledger::begin(std::string_view channel, std::string_view key, std::size_t size,
                           Random& random) {
  Publication& publication = begin(channel, size, random);
  name_key(publication, key);
  return publication;
}

void Ledger::name_key(Publication& publication, std::string_view key) {
  publication.key = key;
  keyed_.insert(publication.channel);
}

Publication& Ledger::begin_removal(std::string_view channel, std::string_view key) {
  Publication& publication = add(channel);
  name_key(publication, key);
  publication.removes = true;
  return publication;
}

Publication& Ledger::begin_clear(std::string_view channel) {
  Publication& publication = begin_removal(channel, "");
  publication.clears = true;
  return publication;
}

namespace {

bool is_removal(const Publication& publication, const std::optional<std::string>& key) {
  if (!publication.removes || publication.clears != !key) return false;
  return publication.clears || publication.key == key;
}

}  // namespace

bool Ledger::removal_adrift(std::string_view channel, std::string_view key) const {
  return std::ranges::any_of(publications_, [&](const Publication& one) {
    return is_removal(one, std::string(key)) && channel_of(one) == channel && !one.place &&
           one.fate != Publication::Fate::refused;
  });
}

std::optional<std::uint32_t> Ledger::learn_removal(std::string_view channel,
                                                   const std::optional<std::string>& key,
                                                   Position place) {
  std::optional<std::uint32_t> adrift;
  for (const Publication& one : publications_) {
    if (!is_removal(one, key) || channel_of(one) != channel) continue;
    if (one.place == place) return one.number;
    if (!one.place && one.fate != Publication::Fate::refused) adrift = one.number;
  }
  if (adrift) publications_[*adrift].place = place;
  return adrift;
}

std::optional<std::uint32_t> Ledger::learn(std::uint32_t number, Position place) {
  Publication& publication = publications_.at(number);
  if (!publication.place) publication.place = place;
  if (*publication.place == place) return number;
  for (const Publication& other : publications_) {
    if (other.again == number && other.place == place) return other.number;
  }
  const bool erased = std::ranges::any_of(erased_, [&](const Erased& one) {
    return one.moment > number && one.channel == channel_of(publication);
  });
  if (!erased) return std::nullopt;
  Publication anew = publication;
  anew.number = count();
  anew.fate = Publication::Fate::lost;
  anew.place = place;
  anew.again = number;
  return publications_.emplace_back(std::move(anew)).number;
}

std::uint32_t Ledger::next_of(std::uint32_t number, const std::optional<Position>& stands) const {
  if (!stands || !(*this)[number].place || *(*this)[number].place > *stands) return number;
  const auto later = std::ranges::find_if(publications_, [&](const Publication& other) {
    return other.again == number && *other.place > *stands;
  });
  return later == publications_.end() ? number : later->number;
}

std::uint32_t Ledger::newest_of(std::uint32_t number) const {
  std::uint32_t newest = number;
  for (const Publication& other : publications_) {
    if (other.again == number && *other.place > *(*this)[newest].place) newest = other.number;
  }
  return newest;
}

bool Ledger::finish_begun(std::string_view channel) const {
  return std::ranges::find(finished_, channel) != finished_.end();
}

bool Ledger::reopen_begun(std::string_view channel) const {
  return std::ranges::find(reopened_, channel) != reopened_.end();
}

std::optional<std::uint32_t> Ledger::number_in(std::string_view data) const {
  const std::size_t bar = data.find('|');
  if (bar == std::string_view::npos) return std::nullopt;
  const std::optional<std::uint64_t> number = number_of(data.substr(0, bar));
  if (!number || *number >= count()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

}  // namespace fanfare::sim
