#include <algorithm>
#include <cstring>
#include <utility>

#include "broker/journal/item.h"
#include "broker/journal/item_kind.h"

namespace fanfare::journal {

using fanout::ChannelId;
using fanout::LogTime;
using fanout::Segment;
using fanout::Sequence;
using fanout::Source;

Source& Player::source(const Named& named) const {
  return *log_.sources().all()[named.channel];
}

Player::Named* Player::named(ChannelId channel) {
  if (channel >= channels_.size() || !channels_[channel].known) return nullptr;
  return &channels_[channel];
}

bool Player::play(std::string_view items) {
  Unpacker from(items);
  while (!from.rest().empty()) {
    if (!play_one(from) || !from.whole()) return false;
  }
  return true;
}

bool Player::play_one(Unpacker& from) {
  const std::string_view item = from.rest();
  const auto kind = from.value<ItemKind>();
  switch (kind) {
    case ItemKind::name:
      return name(from, /*appears=*/false);
    case ItemKind::appear:
      return name(from, /*appears=*/true);
    case ItemKind::append:
      return append(item, from);
    case ItemKind::drop_receipts:
      log_.apply(
          fanout::DropReceipts{.count = log_.receipts().count_through(from.value<Sequence>())});
      return true;
    case ItemKind::pass:
      pass(from.value<Sequence>());
      return true;
    default:
      break;
  }
  Named* const its = named(from.value<ChannelId>());
  if (its == nullptr) return false;
  const ChannelId channel = its->channel;
  switch (kind) {
    case ItemKind::evict:
      log_.apply(fanout::Evict{.channel = channel, .through = from.value<Sequence>()});
      return true;
    case ItemKind::finish:
      log_.apply(fanout::Finish{.channel = channel, .time = from.value<LogTime>()});
      return true;
    case ItemKind::erase:
      log_.apply(fanout::Erase{.channel = channel, .time = from.value<LogTime>()});
      return true;
    case ItemKind::forget:
      forget(*its);
      return true;
    case ItemKind::open_segment:
      open_segment(source(*its), from.value<std::uint64_t>());
      return true;
    case ItemKind::close_segment:
      log_.apply(fanout::CloseSegment{.channel = channel, .small_next = from.value<bool>()});
      return true;
    case ItemKind::add_receipt: {
      const std::string_view key = from.text();
      const auto sequence = from.value<Sequence>();
      log_.apply(fanout::AddReceipt{
          .channel = channel, .key = key, .sequence = sequence, .time = from.value<LogTime>()});
      return true;
    }
    default:
      return false;
  }
}

bool Player::name(Unpacker& from, bool appears) {
  const auto number = from.value<ChannelId>();
  const bool kept = from.value<bool>();
  const std::string_view name = from.text();
  const Source* found = log_.sources().find(name);
  if (!from.whole() || appears == (found != nullptr)) return false;
  if (appears) {
    const auto time = from.value<LogTime>();
    found = &log_.apply(fanout::Appear{.channel = log_.sources().next_id(),
                                       .name = name,
                                       .time = time,
                                       .keeps_latest = from.value<bool>()});
  }
  // Numbers are those of a log whose channels were in memory.
  if (number > (1U << 28U)) return false;
  if (number >= channels_.size()) channels_.resize(std::size_t{number} + 1);
  channels_[number] = {.channel = found->id, .known = true, .kept = kept};
  if (!kept) {
    not_kept_.emplace(name);
  } else if (const auto before = not_kept_.find(name); before != not_kept_.end()) {
    lose(source(channels_[number]));
    not_kept_.erase(before);
  }
  return true;
}

bool Player::append(std::string_view item, Unpacker& from) {
  AppendItem is{};
  if (item.size() < sizeof is) return false;
  std::memcpy(&is, item.data(), sizeof is);
  from.take(sizeof is - sizeof is.kind);
  const std::string_view type = from.take(is.type_size);
  const std::string_view data = from.take(is.data_size);
  const std::string_view key = from.take(is.key_size);
  const Named* const its = named(is.channel);
  if (!from.whole() || its == nullptr || is.sequence <= log_.head()) return false;
  Source& to = source(*its);
  fanout::Append append{.channel = to.id,
                        .sequence = is.sequence,
                        .event = {.type = type, .data = data, .retry_ms = {}, .key = key},
                        .time = {is.time}};
  if (is.has_retry) append.event.retry_ms = is.retry_ms;
  append.event.removes = is.removes;
  const auto shape = log_.measure(append.event, append.sequence);
  // A segment that held nothing any more is not in an image, though it took the next event.
  if (!to.writer || !to.writer.fits(shape.frame_size, append.sequence)) {
    const std::size_t needed = sizeof(Segment) + shape.frame_size + sizeof(Segment::Entry) + 3;
    open_segment(to, std::max<std::uint64_t>(to.last_footprint, needed));
  }
  log_.apply(append, to, shape);
  return true;
}

void Player::open_segment(Source& source, std::uint64_t footprint) {
  if (source.writer) {
    log_.apply(fanout::CloseSegment{.channel = source.id, .small_next = false});
  }
  log_.apply(fanout::OpenSegment{.channel = source.id, .footprint = footprint});
}

void Player::forget(Named& named) {
  Source& forgotten = source(named);
  if (!named.kept) {
    lose(forgotten);
    not_kept_.erase(forgotten.name);
  }
  if (forgotten.writer) {
    log_.apply(fanout::CloseSegment{.channel = forgotten.id, .small_next = true});
  }
  log_.apply(fanout::Forget{.channel = forgotten.id});
  named.known = false;
}

void Player::pass(Sequence head) {
  if (head <= log_.head()) return;
  log_.apply(fanout::Continue{.head = head, .floor = log_.tombstones().floor()});
}

void Player::lose(Source& source) {
  log_.apply(fanout::Evict{.channel = source.id, .through = log_.head()});
  log_.apply(fanout::Resume{.channel = source.id,
                            .newest = source.newest,
                            .begun_after = source.begun_after,
                            .published = source.published,
                            .last_footprint = source.last_footprint,
                            .last_activity = source.last_activity,
                            .removals_forgotten = log_.head()});
}

void Player::lose_what_was_not_kept() {
  for (const std::string& name : not_kept_) lose(*log_.sources().find(name));
}

}  // namespace fanfare::journal
