#include "broker/wire/sse/subscribe_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "broker/wire/http/negotiation.h"
#include "broker/wire/sse/subscribe_wishes.h"

#include "common/pattern.h"
#include "common/units.h"

namespace fanfare::sse {
namespace {

constexpr std::string_view kEarliest = "earliest";
// More would be more than any window holds.
constexpr std::uint32_t kReplayMax = 10'000'000;
constexpr std::uint32_t kMaxRateMax = 1'000;

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

// `seconds` and `unit` make two examples.
std::expected<Duration, SubscribeProblem> duration_of(const Wish& wish, std::string_view name,
                                                      int seconds, std::string_view unit) {
  if (const auto count = parse_number<std::uint32_t>(wish.text)) {
    return std::chrono::seconds(*count);
  }
  if (const auto duration = parse_duration(wish.text)) return *duration;
  return wrong(wish, "not a duration; write seconds, like ",
               fmt::format("{0}={1}, or a unit, like {0}={2}", name, seconds, unit),
               fmt::format(R"("{0}": {1}, or a unit, like "{0}": "{2}")", name, seconds, unit));
}

std::expected<void, SubscribeProblem> each_of(const Wish& wish) {
  if (wish.text == "channel") return {};
  return wrong(wish, "unknown; write ", "each=channel, or leave it out",
               R"("each": "channel", or leave it out)");
}

std::expected<bool, SubscribeProblem> poll_of(const Wish& wish) {
  if (wish.text == "1" || wish.text == "true") return true;
  if (wish.text == "0" || wish.text == "false") return false;
  return wrong(wish, "unknown; write ", "poll=1, or leave it out", R"("poll": 1, or leave it out)");
}

std::expected<Format, SubscribeProblem> format_of(const Wish& wish) {
  if (wish.text == "raw") return Format::raw;
  if (wish.text == "json") return Format::json;
  if (wish.text == "sse" || wish.text == "event-stream") return Format::event_stream;
  return wrong(
      wish, "unknown; write ",
      "format=json for a line of JSON an event, format=raw for the payload alone, or leave "
      "it out for an event stream",
      R"("format": "json" for a line of JSON an event, "raw" for the payload alone, or )"
      "leave it out for an event stream");
}

// What each event is to be told with, one or both.
std::expected<void, SubscribeProblem> understand_with(const Wish& wish, SubscribeRequest& request) {
  request.with_channel = request.with_key = false;
  std::string_view left = wish.text;
  for (bool more = true; more;) {
    const std::size_t comma = left.find(',');
    const std::string_view word = left.substr(0, comma);
    more = comma != std::string_view::npos;
    left.remove_prefix(more ? comma + 1 : left.size());
    if (word != "channel" && word != "key") {
      return wrong(wish, "unknown; write ",
                   "with=channel to be given the channel of each event, with=key its key, or "
                   "with=channel,key",
                   R"("with": "channel" to be given the channel of each event, "key" its key, or )"
                   R"("channel,key")");
    }
    (word == "key" ? request.with_key : request.with_channel) = true;
  }
  return {};
}

std::expected<std::uint32_t, SubscribeProblem> max_rate_of(const Wish& wish) {
  const auto count = parse_number<std::uint32_t>(wish.text);
  if (count && *count >= 1 && *count <= kMaxRateMax) return *count;
  return wrong(wish,
               fmt::format("not a number from 1 to {}; write how many updates of one key you want "
                           "in a second, like ",
                           kMaxRateMax),
               "max_rate=5", R"("max_rate": 5)");
}

std::expected<AnnouncePosition, SubscribeProblem> announcement_of(const Wish& wish) {
  if (wish.text == "auto") return AnnouncePosition::automatic;
  if (wish.text == "always") return AnnouncePosition::always;
  if (wish.text == "never") return AnnouncePosition::never;
  return wrong(wish, "unknown; write ", "announce_position=always, auto or never",
               R"("announce_position": "always", "auto" or "never")");
}

// Where it begins, and whether it ends.
std::expected<void, SubscribeProblem> understand_extent(const Wishes& wishes,
                                                        SubscribeRequest& request) {
  if (wishes.replay) {
    const auto replay = replay_of(*wishes.replay);
    if (!replay) return std::unexpected(replay.error());
    request.replay = *replay;
  }
  if (wishes.each) {
    if (const auto each = each_of(*wishes.each); !each) return each;
    request.of_each = true;
  }
  if (wishes.since) {
    const auto since = duration_of(*wishes.since, "since", 600, "10min");
    if (!since) return std::unexpected(since.error());
    request.since = *since;
  }
  if (wishes.poll) {
    const auto poll = poll_of(*wishes.poll);
    if (!poll) return std::unexpected(poll.error());
    request.poll = *poll;
  }
  if (wishes.wait) {
    const auto wait = duration_of(*wishes.wait, "wait", 25, "25s");
    if (!wait) return std::unexpected(wait.error());
    request.wait = *wait;
  }
  return {};
}

// What each of them means is clear, but not all of them together.
std::string contradiction(const SubscribeRequest& request) {
  if (request.replay && request.since) {
    return "replay and since cannot both say where the stream begins; leave one of them out";
  }
  if (request.of_each && !request.replay) {
    return "each=channel says of what replay counts the newest events; add replay=1";
  }
  if (request.wait > Duration(0) && !request.poll) {
    return "wait says how long a poll waits for an event, and a stream waits anyway; add poll=1, "
           "or "
           "leave it out";
  }
  return {};
}

std::expected<void, SubscribeProblem> understand(const Wishes& wishes, SubscribeRequest& request) {
  if (auto read = understand_extent(wishes, request); !read) return read;
  if (wishes.heartbeat) {
    const auto heartbeat = duration_of(*wishes.heartbeat, "heartbeat", 4, "30s");
    if (!heartbeat) return std::unexpected(heartbeat.error());
    request.heartbeat = *heartbeat;
  }
  if (wishes.format) {
    const auto format = format_of(*wishes.format);
    if (!format) return std::unexpected(format.error());
    request.format = *format;
  }
  if (wishes.with) {
    if (auto read = understand_with(*wishes.with, request); !read) return read;
  }
  if (wishes.max_rate) {
    const auto rate = max_rate_of(*wishes.max_rate);
    if (!rate) return std::unexpected(rate.error());
    request.max_rate = *rate;
  }
  if (wishes.heartbeat_event) request.heartbeat_event = wishes.heartbeat_event->text;
  if (wishes.announce_position) {
    const auto announcement = announcement_of(*wishes.announce_position);
    if (!announcement) return std::unexpected(announcement.error());
    request.announce_position = *announcement;
  }
  return {};
}

// An Accept that names a form is a wish as well. But many HTTP libraries name text/plain in every
// one they send, next to a wildcard; nobody names JSON lines without meaning it.
Format accepted_format(const http::RequestHead& head, Format otherwise) {
  if (http::accepts_by_name(head, "text/event-stream")) return Format::event_stream;
  for (const std::string_view type :
       {"application/x-ndjson", "application/ndjson", "application/jsonl"}) {
    if (http::accepts_by_name(head, type)) return Format::json;
  }
  const bool text =
      http::accepts_by_name(head, "text/plain") && !http::accepts_by_name(head, "*/*");
  return text ? Format::raw : otherwise;
}

// A channel or a key as an id has it: a key's other characters are written as %XX.
bool is_suffix(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const char letter = static_cast<char>(c | 0x20);
    return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("._~:@/-%").contains(c);
  });
}

// Only what we put there, a channel, a key or both: anything else is no id of ours.
void cut_off_suffixes(std::string& cursor) {
  const std::size_t comma = cursor.find(',');
  if (comma == std::string::npos) return;
  const std::string_view suffixes = std::string_view(cursor).substr(comma + 1);
  const std::size_t second = suffixes.find(',');
  const bool both = second != std::string_view::npos;
  if (!is_suffix(suffixes.substr(0, second))) return;
  if (both && !is_suffix(suffixes.substr(second + 1))) return;
  cursor.resize(comma);
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
  if (auto problem = contradiction(request); !problem.empty()) return std::unexpected(problem);
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
  cut_off_suffixes(request.cursor);
  if (request.cursor == kEarliest) {
    request.earliest = true;
    request.cursor.clear();
  }
  if (!query->format && !further->format) request.format = accepted_format(head, scope.format);
  return request;
}

}  // namespace fanfare::sse
