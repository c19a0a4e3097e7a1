#include "tests/sim/errand.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <vector>

#include "tests/sim/stream_reader.h"
#include "tests/sim/text.h"
#include "tests/sim/transcript.h"

namespace fanfare::sim {

Errand Errand::drawn(Town& town, const std::string& channel) {
  Random& random = town.kernel.random();
  Errand errand;
  errand.kind_ = static_cast<Kind>(random.below(8));
  errand.limited_ = town.addressed;
  H2Request& request = errand.request_;
  const std::string events = fmt::format("/events?channel={}", percent_encoded(channel, false));
  switch (errand.kind_) {
    case Kind::not_found:
      request.target = "/nothing/here";
      break;
    case Kind::head:
      request.method = "HEAD";
      request.target = events;
      break;
    case Kind::options:
      request.method = "OPTIONS";
      request.target = "/events";
      break;
    case Kind::preflight:
      request.method = "OPTIONS";
      request.target = events;
      request.fields = {{"origin", "https://page.example"},
                        {"access-control-request-method", "POST"},
                        {"access-control-request-headers", "last-event-id"}};
      break;
    case Kind::script:
      request.target = "/fanfare.js";
      break;
    case Kind::poll:
      request.target = events + "&poll=1&replay=5";
      break;
    case Kind::position:
      request.target = fmt::format("/position?channel={}", percent_encoded(channel, false));
      break;
    case Kind::wrong:
      request.method = "POST";
      request.target = "/events";
      request.fields = {{"content-type", "application/json"}};
      request.body = "{x}";
      break;
  }
  return errand;
}

void Errand::take_head(const H2News& head) {
  status_ = head.status;
  type_ = head.field("content-type");
  cursor_ = head.field("last-event-id");
  length_ = head.field("content-length");
}

std::string Errand::judge(const Ledger& ledger) const {
  if (limited_ && (status_ == 429 || status_ == 503)) return {};
  // It was said too slowly.
  if (status_ == 408) return {};
  constexpr std::array<int, 8> kDue = {404, 200, 204, 204, 200, 200, 200, 400};
  const int due = kDue[static_cast<std::size_t>(kind_)];
  // Every channel is finished, and nothing follows.
  const bool finished = (kind_ == Kind::poll || kind_ == Kind::head) && status_ == 204;
  if (status_ != due && !finished) return fmt::format("was answered {}, not {}", status_, due);
  const bool bodiless = kind_ == Kind::head || status_ == 204;
  if (bodiless && !body_.empty()) return "was answered with a body: " + excerpt(body_);
  if (!bodiless && body_.empty()) return "was answered without a body";
  if (!bodiless && length_ != std::to_string(body_.size()))
    return fmt::format("was answered {} bytes of {}", body_.size(), length_);
  if (kind_ == Kind::script && body_.find("fanfare") == std::string::npos)
    return "was answered with another script";
  if (kind_ == Kind::position && !ledger.place_of(body_.substr(0, body_.find('\n'))))
    return "was answered with no position: " + excerpt(body_);
  return kind_ == Kind::poll && !finished ? judge_poll(ledger) : std::string();
}

// Events that were published, in their order, and a cursor that is not before them.
std::string Errand::judge_poll(const Ledger& ledger) const {
  if (type_ != "text/event-stream; charset=utf-8") return "was answered with the type " + type_;
  StreamReader reader;
  std::vector<StreamReader::Message> messages;
  reader.feed(body_, messages);
  if (reader.in_event()) return "was answered with half an event";
  std::optional<Position> last;
  for (const StreamReader::Message& message : messages) {
    if (message.type == "~position" || message.type == "gap" || message.type == kEndEvent) continue;
    const std::optional<Position> place = ledger.place_of(message.id);
    const std::optional<std::uint32_t> number = ledger.number_in(message.data);
    if (last && place && *place <= *last) return "was answered with events out of order";
    if (place) last = place;
    if (place && message.type == kRemovedEvent) continue;
    if (!place || !number || ledger[*number].heard != message.data)
      return fmt::format("was answered with an event that nobody published: {}", message.id);
  }
  const std::optional<Position> cursor = ledger.place_of(cursor_);
  if (!cursor) return "was given the cursor " + excerpt(cursor_);
  if (last && *cursor < *last) return "was given a cursor before its last event";
  return {};
}

}  // namespace fanfare::sim
