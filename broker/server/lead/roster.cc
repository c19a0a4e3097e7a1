#include "broker/server/lead/roster.h"

#include <algorithm>

#include "common/check.h"
#include "common/pattern.h"

namespace fanfare::server {
namespace {

void add(std::uint64_t& count, std::int64_t delta) {
  const auto change = static_cast<std::uint64_t>(delta);
  CHECK(delta > 0 || count >= 0 - change, "no more streams go than have come");
  count += change;
}

}  // namespace

std::size_t Roster::IdsHash::operator()(const std::vector<Id>& ids) const {
  const std::string_view bytes(reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(Id));
  return std::hash<std::string_view>{}(bytes);
}

Roster::Roster(fanout::NameHash hash) : hash_(hash), names_(0, hash), index_(hash("patterns")) {}

Roster::~Roster() = default;

void Roster::change(const fanout::Topics& topics, std::int64_t delta) {
  change_names(topics, delta);
  if (!topics.has_patterns()) return;
  ++generation_;
  if (known_.empty()) known_.resize(kKnownMax);
  ids_.clear();
  for (const std::string& text : topics.texts()) {
    if (!is_pattern(text)) continue;
    const Id id = index_.insert(text);
    if (id >= patterns_.size()) patterns_.resize(std::size_t{id} + 1);
    add(patterns_[id].streams, delta);
    ids_.push_back(id);
  }
  std::ranges::sort(ids_);
  if (ids_.size() > 1) change_group(delta);
  for (const Id id : ids_) {
    if (patterns_[id].streams == 0) index_.erase(id);
  }
}

void Roster::change_names(const fanout::Topics& topics, std::int64_t delta) {
  for (std::size_t i = 0; i < topics.count(); ++i) {
    const std::string& text = topics.texts()[i];
    if (is_pattern(text)) continue;
    const auto found = names_.try_emplace(text).first;
    const bool vacant = found->second.streams == 0;
    add(found->second.streams, delta);
    const bool occupied = found->second.streams > 0;
    if (noting_ && vacant == occupied) turns_.push_back({.name = text, .occupied = occupied});
    if (!topics.name_covered(i)) add(found->second.alone, delta);
    if (found->second.streams == 0) names_.erase(found);
  }
}

void Roster::change_group(std::int64_t delta) {
  auto found = groups_.find(ids_);
  if (found == groups_.end()) {
    auto made = std::make_unique<Group>();
    made->patterns = ids_;
    made->listed_at.resize(ids_.size());
    for (std::uint32_t i = 0; i < ids_.size(); ++i) patterns_[ids_[i]].groups.add(*made, i);
    found = groups_.emplace(ids_, std::move(made)).first;
  }
  Group& group = *found->second;
  add(group.streams, delta);
  if (group.streams > 0) return;
  for (std::uint32_t i = 0; i < ids_.size(); ++i) patterns_[ids_[i]].groups.remove(group, i);
  groups_.erase(found);
}

std::uint64_t Roster::subscribers(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? 0 : found->second.streams;
}

std::uint64_t Roster::receivers(std::string_view channel) {
  std::uint64_t count = 0;
  if (!names_.empty()) {
    const auto found = names_.find(channel);
    if (found != names_.end()) count = found->second.alone;
  }
  return index_.count() == 0 ? count : count + by_patterns(channel);
}

// Publishers name the same channels over and over, and patterns come and go less often.
std::uint64_t Roster::by_patterns(std::string_view channel) {
  Known& known = known_[hash_(channel) & (kKnownMax - 1)];
  if (known.generation == generation_ && known.channel == channel) return known.receivers;
  known.receivers = count_by_patterns(channel);
  known.generation = generation_;
  known.channel = channel;
  return known.receivers;
}

std::uint64_t Roster::count_by_patterns(std::string_view channel) {
  matched_.clear();
  index_.match(channel, matched_);
  std::uint64_t count = 0;
  for (const Id id : matched_) count += patterns_[id].streams;
  return matched_.size() > 1 ? count - counted_twice() : count;
}

// How many times too often the streams with several of the matched patterns were counted. The
// longest list of groups is skipped: a group that is in no other list was counted once.
std::uint64_t Roster::counted_twice() {
  ++counts_;
  const Id longest = *std::ranges::max_element(
      matched_, {}, [this](Id id) { return patterns_[id].groups.count(); });
  std::uint64_t surplus = 0;
  for (const Id id : matched_) {
    if (id == longest) continue;
    for (const auto& entry : patterns_[id].groups.entries()) {
      Group& group = *entry.holder;
      const bool again = group.seen == counts_;
      group.seen = counts_;
      if (again || std::ranges::binary_search(group.patterns, longest)) surplus += group.streams;
    }
  }
  return surplus;
}

}  // namespace fanfare::server
