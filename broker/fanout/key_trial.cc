#include "broker/fanout/key_trial.h"

#include "broker/fanout/removal.h"

namespace fanfare::fanout {

KeyTrial::Standing& KeyTrial::standing(std::string_view channel) {
  const auto [found, is_new] = channels_.try_emplace(channel);
  if (is_new) found->second.room = sequencer_.key_room(channel);
  return found->second;
}

std::uint64_t KeyTrial::size(std::string_view channel, const Standing& standing,
                             std::string_view key) const {
  const auto changed = standing.sizes.find(key);
  if (changed != standing.sizes.end()) return changed->second;
  return standing.erased ? 0 : sequencer_.key_size(channel, key);
}

std::optional<PublishError> KeyTrial::publish(std::string_view channel, const Event& event) {
  Standing& its = standing(channel);
  Sequencer::KeyRoom& room = its.room;
  if (!room.keeps) {
    if (!event.key.empty()) return PublishError::keeps_no_keys;
    ++events_;
    return std::nullopt;
  }
  const std::uint64_t before = size(channel, its, event.key);
  const std::uint64_t after =
      event.data.empty() ? 0 : sequencer_.frame_size(event, sequencer_.head() + events_ + 1);
  if (after > 0 && event.type == kRemoved) return PublishError::type_of_removals;
  if (after > 0 && before == 0 && room.keys >= room.keys_max) return PublishError::too_many_keys;
  const auto more = static_cast<std::int64_t>(after) - static_cast<std::int64_t>(before);
  if (more > 0 && (room.bytes + after - before > room.bytes_max ||
                   bytes_more_ + more > sequencer_.key_bytes_left())) {
    return PublishError::keys_too_large;
  }
  ++events_;
  if (after > 0) ++room.keys;
  if (before > 0) --room.keys;
  room.bytes += after - before;
  bytes_more_ += more;
  its.sizes[event.key] = after;
  room.held = true;
  return std::nullopt;
}

void KeyTrial::erase(std::string_view channel) {
  Standing& its = standing(channel);
  bytes_more_ -= static_cast<std::int64_t>(its.room.bytes);
  if (its.room.held) ++events_;
  its = {.room = sequencer_.key_room_anew(channel), .erased = true, .sizes = {}};
}

}  // namespace fanfare::fanout
