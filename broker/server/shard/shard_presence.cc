// Shard, the part about who is there: notices for publishers that watch, and what they ask about
// the subscribers of one channel.

#include <expected>
#include <string>
#include <utility>

#include "broker/server/shard/shard.h"

namespace fanfare::server {

void Shard::take(const NoticeMessage& message) {
  desk_->ingest_port().notify(message);
}

void Shard::take(const CensusMessage& message) {
  presence_.take(message);
}

void Shard::take(const CensusPartMessage& message) {
  desk_->ingest_port().notify(message);
}

void Shard::take(const RollCallMessage& message) {
  presence_.take(message);
}

void Shard::take(const RollMessage& message) {
  const auto roll = desk_->roll_calls().take(message);
  if (!roll) return;
  const std::int64_t at_ms = time_of_day().time_since_epoch().count();
  if (roll->asker.kind == RollAsker::Kind::session) {
    const io::Slot slot = roll->asker.id.index;
    if (connections_[slot].generation != roll->asker.id.generation) return;
    return desk_->ingest_port().answer(slot, roll->page(at_ms));
  }
  const bool over_tcp = roll->asker.kind == RollAsker::Kind::publish;
  answer(over_tcp ? Port::publish : Port::ingest, roll->asker.id,
         [&](const Request& request, Response& response) {
           desk_->ingest_routes().answer(request, *roll, at_ms, response);
         });
}

// Questions of publishers that speak lines of JSON; those of HTTP come by their routes.
void Shard::ask_for_rolls() {
  const TimePoint until = now_ + settings_->limits.presence_time;
  for (IngestPort::Question& question : desk_->ingest_port().take_questions()) {
    desk_->roll_calls().ask(roll_asker(question.slot), std::move(question.request), until);
  }
}

RollAsker Shard::roll_asker(io::Slot slot) const {
  return {.kind = RollAsker::Kind::session,
          .id = {.index = slot, .generation = connections_[slot].generation}};
}

// Once a tick.
void Shard::look_for_late_rolls() {
  for (const RollAsker& asker : desk_->roll_calls().take_late(now_)) {
    const std::string sentence = desk_->roll_calls().late();
    desk_->ingest_port().answer(asker.id.index, std::unexpected(std::string_view(sentence)));
  }
}

}  // namespace fanfare::server
