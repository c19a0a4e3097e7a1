// Members: the joined members of one feed, and how far the current round has come among them.
//
//   | done: at the round's target | to do: at the position before it | joined meanwhile: at target
//   | 0                             next                               round end size
//
// Without a round all three marks but the size are 0, and all members are "at target". Leaving
// keeps the zones together by moving at most three others; joining appends. Four bytes a member
// here, and four in MemberIndexes, which all feeds of a replica share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/check.h"

namespace fanfare::fanout {

// The caller's number of a subscriber, below ReplicaOptions::members_max.
using Member = std::uint32_t;

// Where each joined member is in the array of its feed. A member is in one feed at most.
class MemberIndexes {
 public:
  explicit MemberIndexes(std::uint32_t members_max) : members_max_(members_max) {}

  bool known(Member member) const {
    return member < indexes_.size() && indexes_[member] != kNowhere;
  }
  std::uint32_t of(Member member) const { return indexes_[member]; }
  void put(Member member, std::size_t index) {
    if (member >= indexes_.size()) grow(member);
    indexes_[member] = static_cast<std::uint32_t>(index);
  }
  void remove(Member member) { indexes_[member] = kNowhere; }

 private:
  static constexpr std::uint32_t kNowhere = UINT32_MAX;

  void grow(Member member) {
    CHECK(member < members_max_, "a member's number is below members_max");
    const std::size_t doubled = std::max<std::size_t>(indexes_.size() * 2, member + std::size_t{1});
    indexes_.resize(std::min<std::size_t>(doubled, members_max_), kNowhere);
  }

  std::uint32_t members_max_;
  std::vector<std::uint32_t> indexes_;
};

class Members {
 public:
  std::size_t count() const { return members_.size(); }
  bool empty() const { return members_.empty(); }

  void join(Member member, MemberIndexes& indexes) {
    CHECK(!indexes.known(member), "a member joins once");
    indexes.put(member, members_.size());
    members_.push_back(member);
  }
  // True: it stood at the target; false: at the position before the current round.
  bool leave(Member member, MemberIndexes& indexes) {
    CHECK(indexes.known(member), "only a joined member leaves");
    std::size_t hole = indexes.of(member);
    CHECK(hole < members_.size() && members_[hole] == member, "a member leaves the feed it is in");
    const bool at_target = hole < next_ || hole >= round_end_;
    if (hole < next_) hole = fill(hole, --next_, indexes);
    if (hole < round_end_) hole = fill(hole, --round_end_, indexes);
    fill(hole, members_.size() - 1, indexes);
    members_.pop_back();
    indexes.remove(member);
    return at_target;
  }

  // All members are to do.
  void begin_round() {
    next_ = 0;
    round_end_ = members_.size();
  }
  // The next of those to do, at most `count_max`; they are done then.
  std::span<const Member> next_slice(std::size_t count_max) {
    const std::size_t begin = next_;
    next_ += std::min(count_max, round_end_ - next_);
    return {members_.data() + begin, next_ - begin};
  }
  bool all_done() const { return next_ == round_end_; }
  void end_round() { next_ = round_end_ = 0; }

 private:
  // Moves the member at `from` into `hole`, and returns `from`, the new hole.
  std::size_t fill(std::size_t hole, std::size_t from, MemberIndexes& indexes) {
    if (hole != from) {
      members_[hole] = members_[from];
      indexes.put(members_[hole], hole);
    }
    return from;
  }

  std::vector<Member> members_;
  std::size_t next_ = 0;
  std::size_t round_end_ = 0;
};

}  // namespace fanfare::fanout
