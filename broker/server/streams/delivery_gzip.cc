// Delivery, the part about feeds that are compressed once for all their members.
#include <utility>

#include "broker/server/streams/delivery.h"

namespace fanfare::server {

// The members get the round compressed, and those that wait to join get it as it is: it may lie in
// no window any more when they would read it.
void Delivery::pack(fanout::Round& round) {
  const std::uint32_t number = replica_.number(round.feed);
  const fanout::Framing framing = replica_.framing(round.feed);
  if (gzip_.is_new(number, round.span) && !gzip_.waiting(number).empty()) {
    const fanout::Span own = gzip_.stored(framing, round.span);
    const std::vector<std::uint32_t> waiting = gzip_.waiting(number);
    for (const std::uint32_t index : waiting) {
      stop_waiting(index);
      Behind& behind = behind_[index];
      gzip_.note(behind.subscriber, {round.span.data, round.span.size});
      behind.cursor = own.last;
      behind.keeps = own.keeps;
      behind.rest = {own.data, own.size};
      counters_.deliveries_total += own.events;
      make_ready(index);
    }
  }
  round.span = gzip_.packed(number, framing, round.span, tick_);
}

// It stands where the feed does. False: it counts as a member now, and joins.
bool Delivery::waits_to_join(std::uint32_t index, const fanout::Feed* feed) {
  Behind& behind = behind_[index];
  const std::uint32_t number = replica_.number(feed);
  if (gzip_.may_join(number, tick_)) {
    gzip_.join(number, behind.subscriber);
    return false;
  }
  if (behind.waiting != kNone) return true;
  std::vector<std::uint32_t>& waiting = gzip_.waiting(number);
  behind.waiting = static_cast<std::uint32_t>(waiting.size());
  waiting.push_back(index);
  behind.fresh = false;
  if (!subscribers_[behind.subscriber].live_page) --behind_count_;
  return true;
}

// It has had everything up to where the feed stands.
void Delivery::stop_waiting(std::uint32_t index) {
  Behind& behind = behind_[index];
  if (behind.waiting == kNone) return;
  const fanout::Feed* const feed = feed_of(behind.subscriber);
  std::vector<std::uint32_t>& waiting = gzip_.waiting(replica_.number(feed));
  waiting[behind.waiting] = waiting.back();
  behind_[waiting.back()].waiting = behind.waiting;
  waiting.pop_back();
  behind.waiting = kNone;
  behind.cursor = replica_.target(feed);
  if (!subscribers_[behind.subscriber].live_page) ++behind_count_;
}

// All of them, before the feed's last member leaves: the next round can be a restart.
void Delivery::join_waiting(fanout::Feed* feed) {
  const std::uint32_t number = replica_.number(feed);
  if (gzip_.waiting(number).empty()) return;
  gzip_.restart_next(number);
  const std::vector<std::uint32_t> waiting = gzip_.waiting(number);
  for (const std::uint32_t index : waiting) {
    const Member member = behind_[index].subscriber;
    gzip_.join(number, member);
    remove_behind(index);
    replica_.join(feed, member);
  }
}

// Appends what only this subscriber is sent.
void Delivery::append_text(std::string& out, Member subscriber, std::string_view text) {
  if (is_gzipped(subscriber)) {
    gzip_.append(out, subscriber, replica_.framing(feed_of(subscriber)), text);
  } else {
    out += text;
  }
}

std::optional<Tick> Delivery::quiet_since(Member member) const {
  const Subscriber& subscriber = subscribers_[member];
  if (subscriber.joined) return subscriber.quiet_since;
  const Behind& behind = behind_[subscriber.behind];
  if (behind.waiting == kNone) return {};
  return behind.quiet_since;
}

// A member leaves its feed for that, and joins it again once the heartbeat is out.
bool Delivery::own_heartbeat(Member member, Tick tick) {
  fanout::Feed* const feed = feed_of(member);
  if (!quiet_since(member) || replica_.due(feed)) return false;
  const Subscriber& subscriber = subscribers_[member];
  const std::string_view text =
      texts_.text(text_form(replica_.framing(feed)), subscriber.heartbeat_event);
  if (text.empty()) return false;
  if (subscriber.joined) {
    add_behind(member, leave(feed, member));
  } else {
    stop_waiting(subscriber.behind);
  }
  Behind& behind = behind_[subscriber.behind];
  behind.fresh = false;
  behind.quiet_since = tick;
  append_text(behind.owned, member, text);
  behind.rest = behind.owned;
  outlets_.offer(member, behind.rest);
  counters_.sent_bytes_total += behind.rest.size();
  sent_behind_.push_back(subscriber.behind);
  return true;
}

}  // namespace fanfare::server
