// Progress: how far the rounds of one feed have come: who its members are, what they are owed, and
// the round that is on its way. A feed that owes its members nothing rests: it stands at the log's
// head without being touched. One that does is due: its members stand at one position, or, during a
// round, at that or at the round's target.
//
// Rounds alone changes it; anybody may ask where it stands.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "broker/fanout/event_id.h"
#include "broker/fanout/members.h"
#include "broker/fanout/merge.h"
#include "broker/fanout/span.h"

#include "common/time.h"

namespace fanfare::fanout {

class Progress {
 public:
  struct CurrentRound {
    Span span;
    Sequence target = 0;  // where the members stand after it
    Sequence wanted = 0;  // the head when it began: what is left of that follows at once
    bool ends = false;    // nothing will ever follow
    bool lost = false;    // they have lost something before their turn came
    TimePoint committed;
  };

  const Members& members() const { return members_; }
  bool due() const { return due_; }
  bool in_round() const { return in_round_; }
  const CurrentRound& round() const { return round_; }
  // Events that no round has taken yet, and their links.
  const Merge& pending() const { return merge_; }
  // The first event in arrears; 0: none.
  Sequence owed() const { return owed_; }
  // When a slice was last handed out.
  TimePoint last_served() const { return last_served_; }
  // Where a member may join, when the log stands at `head`.
  Sequence target(Sequence head) const {
    if (in_round_) return round_.target;
    return due_ ? position_ : head;
  }

  // ---- members
  void join(Member member, MemberIndexes& indexes) { members_.join(member, indexes); }
  // Where it stood, when the log stands at `head`.
  Sequence leave(Member member, Sequence head, MemberIndexes& indexes) {
    return members_.leave(member, indexes) ? target(head) : position_;
  }

  // ---- what they are owed
  // It rests, and its members stand at `position`.
  void wake(Sequence position) {
    due_ = true;
    position_ = position;
  }
  // It owes nothing any more: it stands at the head again.
  void rest() { due_ = false; }
  // Nobody is left to whom it could owe anything.
  void abandon() {
    merge_.clear();
    end_round();
    keys_due_ = false;
    keys_left_ = 0;
    rest();
  }
  void expect(const Merge::Input& input) { merge_.push(input); }
  // What is pending is in arrears from its first event on, which is returned.
  Sequence owe() { return owed_ = merge_.top().next; }
  // The first event that was in arrears, and is not any more; 0: none was.
  Sequence settle() { return std::exchange(owed_, 0); }

  // ---- rounds
  // ---- keys whose updates are spaced (crowd_rules.h)
  // Events with such keys came. Which of them are the latest shows when the next round begins.
  void expect_keys() { keys_due_ = true; }
  bool keys_due() const { return keys_due_ || keys_left_ > 0; }
  // The round before had no room for all of them.
  bool keys_left() const { return keys_left_ > 0; }
  // Up to where the round that begins takes them: all there are, or those that were left.
  Sequence begin_keys(Sequence head) {
    if (keys_left_ > 0) return std::exchange(keys_left_, 0);
    keys_due_ = false;
    return head;
  }
  void leave_keys(Sequence through) { keys_left_ = through; }
  // It is due: of the members that are not done in the round.
  Sequence position() const { return position_; }

  // For Gather, which takes the span of the next round out of it.
  Merge& merge() { return merge_; }
  // Everybody is to be sent `span`, and stands before the first event that is pending then. If none
  // is and the feed is `complete`, they are to leave.
  void begin_round(Span span, Sequence head, bool complete, TimePoint committed) {
    in_round_ = true;
    members_.begin_round();
    round_ = {.span = std::move(span),
              .target = merge_.empty() ? head : std::min(head, merge_.top().next - 1),
              .wanted = head,
              .ends = merge_.empty() && !keys_due_ && complete,
              .committed = committed};
    round_.span.last = round_.target;
  }
  // Its members are to leave where they stand, each to find out what it has lost.
  void begin_lost_round(TimePoint committed) {
    in_round_ = true;
    members_.begin_round();
    round_ = {.span = {},
              .target = position_,
              .wanted = position_,
              .ends = false,
              .lost = true,
              .committed = committed};
    round_.span.last = position_;
  }
  // A channel was reopened: something may follow the round after all.
  void go_on_after_round() { round_.ends = false; }
  std::span<const Member> next_slice(std::size_t members_max, TimePoint now) {
    last_served_ = now;
    return members_.next_slice(members_max);
  }
  // Everybody stands at its target. Returns what was wanted.
  Sequence end_round() {
    position_ = round_.target;
    in_round_ = false;
    members_.end_round();
    return std::exchange(round_, {}).wanted;
  }

 private:
  Members members_;
  Merge merge_;
  bool due_ = false;
  bool keys_due_ = false;
  Sequence keys_left_ = 0;
  bool in_round_ = false;
  Sequence position_ = 0;  // due: of the members that are not done in the round
  Sequence owed_ = 0;
  TimePoint last_served_;
  CurrentRound round_;
};

}  // namespace fanfare::fanout
