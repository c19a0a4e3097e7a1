#include "broker/wire/sse/subscribe_request.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "broker/wire/http/negotiation.h"
#include "broker/wire/sse/subscribe_wishes.h"

#include "common/units.h"

namespace fanfare::sse {
namespace {

constexpr std::string_view kEarliest = "earliest";
// More would be more than any window holds.
constexpr std::uint32_t kReplayMax = 10'000'000;

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::unexpected<SubscribeProblem> wrong(const Wish& wish, std::string_view what,
                                        std::string_view in_query, std::string_view in_body) {
  return std::unexpected(
      fmt::format("{} is {}{}", wish.shown, what, wish.in_body ? in_body : in_query));
}

std::expected<std::uint32_t, SubscribeProblem> replay_of(const Wish& wish) {
  const auto count = parse_number<std::uint32_t>(wish.text);
  if (count && *count <= kReplayMax) return *count;
  return wrong(
      wish,
      fmt::format(
          "not a number of events up to {}; write how many of the newest events you want, like ",
          kReplayMax),
      "replay=10", R"("replay": 10)");
}

std::expected<Duration, SubscribeProblem> heartbeat_of(const Wish& wish) {
  if (const auto seconds = parse_number<std::uint32_t>(wish.text)) {
    return std::chrono::seconds(*seconds);
  }
  if (const auto duration = parse_duration(wish.text)) return *duration;
  return wrong(wish, "not a duration; write seconds, like ",
               "heartbeat=4, or a unit, like heartbeat=30s",
               R"("heartbeat": 4, or a unit, like "heartbeat": "30s")");
}

// Whether the payload alone is wanted.
std::expected<bool, SubscribeProblem> raw_of(const Wish& wish) {
  if (wish.text == "raw") return true;
  if (wish.text == "sse" || wish.text == "event-stream") return false;
  constexpr std::string_view kElse = " for the payload alone, or leave it out for an event stream";
  return wrong(wish, "unknown; write ", fmt::format("format=raw{}", kElse),
               fmt::format(R"("format": "raw"{})", kElse));
}

std::expected<AnnouncePosition, SubscribeProblem> announcement_of(const Wish& wish) {
  if (wish.text == "auto") return AnnouncePosition::automatic;
  if (wish.text == "always") return AnnouncePosition::always;
  if (wish.text == "never") return AnnouncePosition::never;
  return wrong(wish, "unknown; write ", "announce_position=always, auto or never",
               R"("announce_position": "always", "auto" or "never")");
}

std::expected<void, SubscribeProblem> understand(const Wishes& wishes, SubscribeRequest& request) {
  if (wishes.replay) {
    const auto replay = replay_of(*wishes.replay);
    if (!replay) return std::unexpected(replay.error());
    request.replay = *replay;
  }
  if (wishes.heartbeat) {
    const auto heartbeat = heartbeat_of(*wishes.heartbeat);
    if (!heartbeat) return std::unexpected(heartbeat.error());
    request.heartbeat = *heartbeat;
  }
  if (wishes.format) {
    const auto raw = raw_of(*wishes.format);
    if (!raw) return std::unexpected(raw.error());
    request.raw = *raw;
  }
  if (wishes.announce_position) {
    const auto announcement = announcement_of(*wishes.announce_position);
    if (!announcement) return std::unexpected(announcement.error());
    request.announce_position = *announcement;
  }
  return {};
}

// Many HTTP libraries name text/plain in every Accept they send, next to a wildcard.
bool asks_for_text(const http::RequestHead& head) {
  return http::accepts_by_name(head, "text/plain") && !http::accepts_by_name(head, "*/*") &&
         !http::accepts_by_name(head, "text/event-stream");
}

// An Accept that names a form is a wish as well.
bool raw_by_head(const http::RequestHead& head, Format otherwise) {
  if (http::accepts_by_name(head, "text/event-stream")) return false;
  return asks_for_text(head) || otherwise == Format::raw;
}

}  // namespace

std::expected<SubscribeRequest, SubscribeProblem> parse_subscribe_request(
    const http::RequestHead& head, std::string_view body, const Scope& scope) {
  auto query = wishes_of_query(head.query, scope);
  if (!query) return std::unexpected(query.error());
  auto further = scope.body == BodyOf::page ? cursor_of_body(head, body, scope)
                                            : wishes_of_body(head, body, scope);
  if (!further) return std::unexpected(further.error());
  // The body first, so that the query overrules it; a wrong value is refused all the same.
  SubscribeRequest request;
  if (auto read = understand(*further, request); !read) return std::unexpected(read.error());
  if (auto read = understand(*query, request); !read) return std::unexpected(read.error());
  request.topics = std::move(query->topics);
  for (std::string& topic : further->topics) request.topics.push_back(std::move(topic));
  // An empty field counts as none: some libraries send one before they have an id.
  if (const std::string_view id = head.value("last-event-id"); !id.empty()) {
    request.cursor = id;
  } else if (query->cursor && !query->cursor->text.empty()) {
    request.cursor = std::move(query->cursor->text);
  } else if (further->cursor) {
    request.cursor = std::move(further->cursor->text);
  }
  if (request.cursor == kEarliest) {
    request.earliest = true;
    request.cursor.clear();
  }
  if (!query->format && !further->format) request.raw = raw_by_head(head, scope.format);
  return request;
}

}  // namespace fanfare::sse
