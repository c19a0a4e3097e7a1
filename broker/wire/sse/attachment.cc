#include "broker/wire/sse/attachment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "broker/wire/http/negotiation.h"

#include "common/letters.h"
#include "common/quotable.h"
#include "common/units.h"

namespace fanfare::sse {
namespace {

constexpr std::uint32_t kReplayMax = 10'000'000;
// Longer than a stream of an application's lives; a deadline could say 13 years (2^32 ticks).
constexpr Duration kLongest = 24h * 7;

using Problem = std::unexpected<std::string>;

std::expected<std::uint32_t, std::string> count_of(const http::Field& field) {
  std::uint32_t count = 0;
  const auto [end, error] =
      std::from_chars(field.value.data(), field.value.data() + field.value.size(), count);
  const bool whole = end == field.value.data() + field.value.size();
  if (error == std::errc() && whole && count <= kReplayMax) return count;
  return Problem(fmt::format("{}: \"{}\", which is no number of events up to {}", field.name,
                             quotable(field.value), kReplayMax));
}

std::expected<Duration, std::string> duration_of(const http::Field& field) {
  const auto duration = parse_duration(field.value);
  if (duration && *duration > Duration(0) && *duration <= kLongest) return *duration;
  return Problem(
      fmt::format("{}: \"{}\", which is no duration up to {}; it is written like 15s or 5min",
                  field.name, quotable(field.value), format_duration(kLongest)));
}

void add_channels(std::string_view list, std::vector<std::string>& channels) {
  while (!list.empty()) {
    const std::string_view name = http::take_member(list);
    if (name.empty() || std::ranges::find(channels, name) != channels.end()) continue;
    channels.emplace_back(name);
  }
}

}  // namespace

std::expected<Attachment, std::string> parse_attachment(std::span<const http::Field> fields) {
  Attachment attachment;
  for (const http::Field& field : fields) {
    if (same_ignoring_case(field.name, kChannelsField)) {
      add_channels(field.value, attachment.channels);
    } else if (same_ignoring_case(field.name, "Fanfare-Replay")) {
      const auto count = count_of(field);
      if (!count) return Problem(count.error());
      attachment.replay = *count;
    } else {
      std::optional<Duration>* const duration =
          same_ignoring_case(field.name, "Fanfare-Heartbeat")      ? &attachment.heartbeat
          : same_ignoring_case(field.name, "Fanfare-Expires")      ? &attachment.expires
          : same_ignoring_case(field.name, "Fanfare-Finish-After") ? &attachment.finish_after
                                                                   : nullptr;
      if (duration == nullptr) continue;
      const auto value = duration_of(field);
      if (!value) return Problem(value.error());
      *duration = *value;
    }
  }
  if (attachment.channels.empty())
    return Problem(fmt::format("{} without a channel", kChannelsField));
  return attachment;
}

}  // namespace fanfare::sse
