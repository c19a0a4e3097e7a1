#include "broker/wire/sse/subscribe_request.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <utility>

#include "broker/wire/http/negotiation.h"
#include "broker/wire/http/query.h"

#include "common/quotable.h"
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

std::expected<void, SubscribeProblem> read_query(const http::Query& query,
                                                 SubscribeRequest& request) {
  for (const auto& [key, value] : query) {
    // `stream` is what Go's r3labs/sse sends.
    if ((key == "channel" || key == "stream") && !value.empty()) request.topics.emplace_back(value);
  }
  if (const auto cursor = query.last_of(
          {"lastEventId", "lastEventID", "last_event_id", "last-event-id", "Last-Event-ID"})) {
    request.cursor = *cursor;
  }
  if (const auto text = query.last("replay")) {
    request.replay = parse_number<std::uint32_t>(*text);
    if (!request.replay || *request.replay > kReplayMax) {
      return std::unexpected(fmt::format(
          "replay={} is not a number of events up to {}; write how many of the newest you want, "
          "like replay=10",
          quotable(*text), kReplayMax));
    }
  }
  if (const auto text = query.last("heartbeat")) {
    if (const auto seconds = parse_number<std::uint32_t>(*text)) {
      request.heartbeat = std::chrono::seconds(*seconds);
    } else if (const auto duration = parse_duration(*text)) {
      request.heartbeat = *duration;
    } else {
      return std::unexpected(fmt::format(
          "heartbeat={} is not a duration; write seconds, like heartbeat=4, or a unit, like "
          "heartbeat=30s",
          quotable(*text)));
    }
  }
  if (const auto format = query.last("format")) {
    if (*format == "raw") {
      request.raw = true;
    } else if (*format != "sse" && *format != "event-stream") {
      return std::unexpected(
          fmt::format("format={} is unknown; write format=raw for the payload alone, or leave it "
                      "out for an event stream",
                      quotable(*format)));
    }
  }
  return {};
}

// {"channels": ["a", …], "last_event_id": "…"}; "channel" for one. Other keys are the
// application's.
std::expected<void, SubscribeProblem> read_body(std::string_view body, SubscribeRequest& request) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (parser.parse(body.data(), body.size()).get(document) != simdjson::SUCCESS ||
      !document.is_object()) {
    return std::unexpected(
        "the body is not a JSON object; write {\"channels\": [\"news\"]}, or name the channels in "
        "the query");
  }
  std::string_view text;
  if (document["channel"].get(text) == simdjson::SUCCESS) request.topics.emplace_back(text);
  simdjson::dom::element channels;
  if (document["channels"].get(channels) == simdjson::SUCCESS) {
    simdjson::dom::array names;
    if (channels.get(names) != simdjson::SUCCESS) {
      return std::unexpected(
          "\"channels\" in the body is not an array; write {\"channels\": [\"news\"]}");
    }
    for (const simdjson::dom::element name : names) {
      if (name.get(text) != simdjson::SUCCESS) {
        return std::unexpected("\"channels\" in the body holds something that is not a string");
      }
      request.topics.emplace_back(text);
    }
  }
  if (request.cursor.empty() && document["last_event_id"].get(text) == simdjson::SUCCESS) {
    request.cursor = text;
  }
  return {};
}

// Many HTTP libraries name text/plain in every Accept they send, beside a wildcard.
bool asks_for_text(const http::RequestHead& head) {
  return http::accepts_by_name(head, "text/plain") && !http::accepts_by_name(head, "*/*") &&
         !http::accepts_by_name(head, "text/event-stream");
}

bool is_native_event_source(const http::RequestHead& head) {
  return head.method == http::Method::get && http::accepts_by_name(head, "text/event-stream") &&
         http::list_has(head.value("cache-control"), "no-cache") && http::is_browser(head);
}

}  // namespace

std::expected<SubscribeRequest, SubscribeProblem> parse_subscribe_request(
    const http::RequestHead& head, std::string_view body) {
  SubscribeRequest request;
  const http::Query query(head.query);
  if (auto read = read_query(query, request); !read) return std::unexpected(read.error());
  // An empty field counts as none: some libraries send one before they have an id.
  if (const std::string_view id = head.value("last-event-id"); !id.empty()) request.cursor = id;
  if (head.method == http::Method::post && request.topics.empty() && !body.empty() &&
      http::media_type_is(head.value("content-type"), "application/json")) {
    if (auto read = read_body(body, request); !read) return std::unexpected(read.error());
  }
  if (request.cursor == kEarliest) {
    request.earliest = true;
    request.cursor.clear();
  }
  request.raw = request.raw || asks_for_text(head);
  request.native_event_source = is_native_event_source(head);
  return request;
}

}  // namespace fanfare::sse
