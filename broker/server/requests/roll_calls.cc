#include "broker/server/requests/roll_calls.h"

#include <fmt/format.h>

#include <utility>

#include "common/units.h"

namespace fanfare::server {

void RollCalls::ask(const RollAsker& asker, ingest::RollRequest request, TimePoint until) {
  ++counters_.rolls_total;
  const std::uint64_t number = ++numbered_;
  Call& call = calls_[number];
  call.asker = asker;
  call.until = until;
  call.channel = std::make_shared<const std::string>(request.channel);
  call.request = std::move(request);
  call.parts.resize(switchboard_.shard_count());
  const ingest::RollPlace& after = call.request.after;
  for (std::uint32_t shard = 0; shard < call.parts.size(); ++shard) {
    Part& part = call.parts[shard];
    part.next = shard == after.shard ? after.member : 0;
    part.complete = shard < after.shard;  // on an earlier page; only counted
    ask(number, call, shard, part.complete ? 0 : call.request.limit);
  }
}

void RollCalls::ask(std::uint64_t number, Call& call, std::uint32_t shard, std::uint32_t most) {
  ++call.waiting;
  switchboard_.post(
      shard,
      RollCallMessage{
          .call = number, .channel = call.channel, .from = call.parts[shard].next, .most = most});
}

void RollCalls::forget(const RollAsker& asker) {
  std::erase_if(calls_, [&asker](const auto& numbered) {
    const RollAsker& other = numbered.second.asker;
    return other.kind == asker.kind && other.id.index == asker.id.index &&
           other.id.generation == asker.id.generation;
  });
}

std::vector<RollAsker> RollCalls::take_late(TimePoint now) {
  std::vector<RollAsker> late;
  for (const auto& [number, call] : calls_) {
    if (call.asker.kind == RollAsker::Kind::session && now >= call.until)
      late.push_back(call.asker);
  }
  for (const RollAsker& asker : late) forget(asker);
  return late;
}

std::string RollCalls::late() {
  ++counters_.rolls_late_total;
  return fmt::format(
      "a shard has not answered within [limits] presence_time ({}): it has too much to do; ask "
      "again",
      format_duration(settings_->limits.presence_time));
}

std::optional<RollCalls::Answered> RollCalls::take(RollMessage message) {
  const auto found = calls_.find(message.call);
  if (found == calls_.end()) return std::nullopt;
  Call& call = found->second;
  Part& part = call.parts[message.shard];
  part.subscribers = message.subscribers;
  part.next = message.next;
  if (message.shard >= call.request.after.shard) part.complete = message.complete;
  for (RollMessage::Entry& entry : message.entries) part.entries.push_back(std::move(entry));
  if (--call.waiting > 0) return std::nullopt;
  if (const auto shard = too_short(call)) {
    ask(found->first, call, *shard, call.request.limit);
    return std::nullopt;
  }
  Answered answered = page_of(call);
  calls_.erase(found);
  return answered;
}

// The shard whose part of the page is not complete.
std::optional<std::uint32_t> RollCalls::too_short(const Call& call) const {
  std::size_t listed = 0;
  for (std::uint32_t shard = 0; shard < call.parts.size(); ++shard) {
    listed += call.parts[shard].entries.size();
    if (listed >= call.request.limit) return std::nullopt;
    if (!call.parts[shard].complete) return shard;
  }
  return std::nullopt;
}

RollCalls::Answered RollCalls::page_of(Call& call) const {
  Answered answered{.asker = call.asker, .request = std::move(call.request), .subscribers = 0};
  for (std::uint32_t shard = 0; shard < call.parts.size(); ++shard) {
    Part& part = call.parts[shard];
    answered.subscribers += part.subscribers;
    for (RollMessage::Entry& entry : part.entries) {
      if (answered.entries.size() < answered.request.limit) {
        answered.entries.push_back(std::move(entry.shown));
      } else if (!answered.next) {
        answered.next = ingest::RollPlace{.shard = shard, .member = entry.member};
      }
    }
    if (!part.complete && !answered.next) {
      answered.next = ingest::RollPlace{.shard = shard, .member = part.next};
    }
  }
  if (answered.request.limit == 0) answered.next.reset();
  return answered;
}

}  // namespace fanfare::server
