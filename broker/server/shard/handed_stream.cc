#include "broker/server/shard/handed_stream.h"

#include <utility>

namespace fanfare::server {

void HandedStream::pack(Packer& to) const {
  to.value(static_cast<std::uint32_t>(topics.size()));
  for (const std::string& topic : topics) to.text(topic);
  to.value(framing).value(spacing).value(at).value(keep_alive).value(until_close).value(peer);
  to.value(carried_for.has_value()).value(carried_for.value_or(PackedAddress{}));
  to.value(heartbeat).text(heartbeat_event).value(heartbeat_soon);
  to.value(expires).value(ages).value(ends).value(ends_complete);
  to.text(query).text(subject);
}

std::optional<HandedStream> HandedStream::unpack(Unpacker& from) {
  HandedStream stream;
  for (auto left = from.value<std::uint32_t>(); left > 0 && from.whole(); --left) {
    stream.topics.emplace_back(from.text());
  }
  stream.framing = from.value<fanout::Framing>();
  stream.spacing = from.value<Duration>();
  stream.at = from.value<fanout::Sequence>();
  stream.keep_alive = from.value<bool>();
  stream.until_close = from.value<bool>();
  stream.peer = from.value<PackedAddress>();
  const bool carried = from.value<bool>();
  const auto client = from.value<PackedAddress>();
  if (carried) stream.carried_for = client;
  stream.heartbeat = from.value<Tick>();
  stream.heartbeat_event = from.text();
  stream.heartbeat_soon = from.value<bool>();
  stream.expires = from.value<std::int64_t>();
  stream.ages = from.value<bool>();
  stream.ends = from.value<std::int64_t>();
  stream.ends_complete = from.value<bool>();
  stream.query = from.text();
  stream.subject = from.text();
  const bool known = std::to_underlying(stream.framing) < fanout::kFramings;
  if (!from.whole() || stream.topics.empty() || !known) return std::nullopt;
  return stream;
}

}  // namespace fanfare::server
