#include "broker/server/lead/hook.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/json_text.h"
#include "common/pattern.h"

namespace fanfare::server {
namespace {

// The first repetition; each later one waits twice as long as the one before, and each by half to
// all of that.
constexpr Duration kBackOff = 1s;
constexpr Duration kBackOffMax = 30s;
// After a post was given up, before the receiver is tried again.
constexpr Duration kRest = 1min;
constexpr std::size_t kStaleMax = 64;

bool wants(const HookRule& rule, std::string_view event) {
  return std::ranges::find(rule.events, event) != rule.events.end();
}

}  // namespace

Hook::~Hook() {
  counters_.hook_channels_waiting -= channels_.size();
}

bool Hook::concerns(std::string_view channel) const {
  return std::ranges::any_of(rule_.channels, [channel](const std::string& pattern) {
    return pattern_matches(pattern, channel);
  });
}

bool Hook::changed(std::string_view channel, bool occupied, TimePoint now,
                   std::size_t waiting_max) {
  if (out_of_step_) return true;
  const auto [place, made] = channels_.try_emplace(std::string(channel));
  Waiting& waiting = place->second;
  if (made) {
    ++counters_.hook_channels_waiting;
    waiting.told = !occupied;
    if (channels_.size() > waiting_max) {
      ++counters_.hook_overflows_total;
      lose();
      next_ = now + kRest;
      return false;
    }
  }
  waiting.occupied = occupied;
  if (waiting.posted && occupied == waiting.posted_as) {
    waiting.queued = 0;  // as the post says
  } else if (!waiting.posted && waiting.told == occupied) {
    forget(place);
  } else {
    enqueue(place->first, waiting, now);
  }
  return true;
}

void Hook::enqueue(const std::string& channel, Waiting& waiting, TimePoint now) {
  waiting.queued = ++queued_;
  std::deque<Queued>& queue = waiting.occupied ? ready_ : settles_;
  queue.push_back({.channel = channel,
                   .number = waiting.queued,
                   .due = waiting.occupied ? now : now + rule_.settle});
  // What changed back stays in the queue until it has come to its turn, or until there is more of
  // that than of anything else.
  if (queue.size() <= 2 * channels_.size() + kStaleMax) return;
  std::erase_if(queue, [this](const Queued& queued) {
    const auto found = channels_.find(queued.channel);
    return found == channels_.end() || found->second.queued != queued.number;
  });
}

void Hook::forget(Channels::iterator channel) {
  channels_.erase(channel);
  --counters_.hook_channels_waiting;
}

// What the receiver has of it is not true any more.
void Hook::lose() {
  counters_.hook_channels_waiting -= channels_.size();
  channels_.clear();
  ready_.clear();
  settles_.clear();
  out_of_step_ = true;
}

void Hook::begin_anew() {
  CHECK(out_of_step_ && !posting_, "only a hook that is out of step begins anew");
  out_of_step_ = false;
  resets_ = true;
  failures_ = 0;
  post_.reset();
  posted_.clear();
  ++counters_.hook_resets_total;
}

const Hook::Post* Hook::next_post(TimePoint now, std::int64_t unix_ms) {
  if (posting_ || now < next_) return nullptr;
  if (!post_) {
    if (out_of_step_) return nullptr;
    post_ = Post{.number = posts_ + 1, .events = {}, .first_ms = unix_ms};
    events_ = 0;
    if (std::exchange(resets_, false)) add_event("reset", {});
    take_due(ready_, now);
    take_due(settles_, now);
    if (events_ == 0) {
      post_.reset();
      return nullptr;
    }
    ++posts_;
  }
  posting_ = true;
  return &*post_;
}

// Changes that the receiver does not want to be told of are told by saying nothing.
void Hook::take_due(std::deque<Queued>& queue, TimePoint now) {
  for (; !queue.empty() && queue.front().due <= now && events_ < kEventsMax; queue.pop_front()) {
    const auto found = channels_.find(queue.front().channel);
    if (found == channels_.end() || found->second.queued != queue.front().number) continue;
    Waiting& waiting = found->second;
    const bool occupied = waiting.occupied;
    if (!wants(rule_, occupied ? "occupied" : "vacant")) {
      forget(found);
      continue;
    }
    add_event(occupied ? "channel_occupied" : "channel_vacant", found->first);
    waiting = {.occupied = occupied, .told = waiting.told, .posted = true, .posted_as = occupied};
    posted_.push_back(found->first);
  }
}

void Hook::add_event(std::string_view name, std::string_view channel) {
  std::string& out = post_->events;
  if (events_++ > 0) out += ',';
  out += R"({"name":)";
  append_json_string(out, name);
  if (!channel.empty()) {
    out += R"(,"channel":)";
    append_json_string(out, channel);
  }
  out += '}';
}

Hook::Then Hook::answered(bool taken, TimePoint now) {
  posting_ = false;
  if (taken) {
    failures_ = 0;
    next_ = now;
    counters_.hook_events_total += events_;
    post_.reset();
    for (const std::string& channel : std::exchange(posted_, {})) {
      const auto found = channels_.find(channel);
      if (found == channels_.end()) continue;  // the hook was out of step meanwhile
      Waiting& waiting = found->second;
      waiting.told = waiting.posted_as;
      waiting.posted = false;
      if (waiting.queued == 0) forget(found);
    }
    return Then::done;
  }
  ++failures_;
  if (failures_ <= rule_.retries && !out_of_step_) {
    ++counters_.hook_retries_total;
    next_ = now + back_off();
    return Then::again;
  }
  counters_.hook_events_given_up_total += events_;
  post_.reset();
  posted_.clear();
  lose();
  next_ = now + kRest;
  return Then::given_up;
}

Duration Hook::back_off() {
  Duration wait = kBackOff;
  for (std::uint32_t i = 1; i < failures_ && wait < kBackOffMax; ++i) wait *= 2;
  wait = std::min(wait, kBackOffMax);
  const auto half = static_cast<std::uint64_t>(wait.count()) / 2;
  return wait - Duration(static_cast<std::int64_t>(random_.below(half + 1)));
}

}  // namespace fanfare::server
