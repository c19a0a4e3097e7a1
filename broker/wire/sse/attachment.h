// Attachment: what an application answers in order to let a client in: the fields of its answer
// that begin with Fanfare-. Meaning only: whether the channels are valid is for others to say.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/http/head.h"

#include "common/time.h"

namespace fanfare::sse {

struct Attachment {
  std::vector<std::string> channels;     // Fanfare-Channels: news, orders/7
  std::optional<std::uint32_t> replay;   // Fanfare-Replay: 10; a newcomer is sent the last ten
  std::optional<Duration> heartbeat;     // Fanfare-Heartbeat: 15s
  std::optional<Duration> expires;       // Fanfare-Expires: 5min; then the stream comes back
  std::optional<Duration> finish_after;  // Fanfare-Finish-After: 1h; then the stream is complete
};

// A field of this name: the answer attaches, or is meant to.
inline constexpr std::string_view kChannelsField = "Fanfare-Channels";

// The error is the end of a sentence, without a full stop: "the application answered …".
std::expected<Attachment, std::string> parse_attachment(std::span<const http::Field> fields);

}  // namespace fanfare::sse
