#include "broker/wire/ingest/http_dialect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "broker/wire/http/head.h"
#include "broker/wire/http/query.h"
#include "broker/wire/http/target.h"
#include "broker/wire/ingest/http_media.h"
#include "broker/wire/ingest/json_reply.h"
#include "broker/wire/ingest/json_text.h"
#include "broker/wire/ingest/ndjson_session.h"
#include "broker/wire/ingest/text.h"

#include "common/pattern.h"
#include "common/quotable.h"

namespace fanfare::ingest {
namespace {

using http::Method;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kNdjson = "application/x-ndjson";
constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::size_t kOtherBodyMax = 64U << 10U;  // of requests whose body is read and not used
constexpr std::size_t kListedDefault = 1'000;
constexpr std::size_t kListedMax = 10'000;
// Of an answer to a batch: the shortest line is 25 bytes, an error is some hundred.
constexpr std::size_t kBatchReplyFactor = 4;

constexpr std::string_view kGreeting =
    R"(This is the ingest socket of Fanfare, an event broker. It speaks three dialects:

HTTP/1.1
  curl --unix-socket SOCKET --data-binary 'hello' http://x/publish/news
  curl --unix-socket SOCKET --data-binary @file 'http://x/publish/news?event=tick&id=once-only'
  curl --unix-socket SOCKET -H 'Content-Type: application/x-ndjson' --data-binary @lines http://x/publish
  curl --unix-socket SOCKET -X POST http://x/finish/news
  curl --unix-socket SOCKET http://x/channels
  curl --unix-socket SOCKET -X DELETE http://x/channels/news
RESP2 (Redis)
  redis-cli -s SOCKET PUBLISH news hello
  redis-cli -s SOCKET XADD news '*' event tick data hello
NDJSON
  echo '{"channel":"news","data":"hello"}' | nc -UN SOCKET

Subscribers connect elsewhere: GET /events?channel=news on the [listen] http addresses.
)";

enum class Place : std::uint8_t { root, batch, publish, finish, channels, channel, nowhere };

struct Route {
  Place place = Place::nowhere;
  std::string_view channel;  // as sent, not decoded
};

Route route_of(std::string_view path) {
  constexpr auto kExact = std::to_array<std::pair<std::string_view, Place>>(
      {{"/", Place::root}, {"/publish", Place::batch}, {"/channels", Place::channels}});
  for (const auto& [text, place] : kExact) {
    if (path == text) return {place, {}};
  }
  constexpr auto kPrefixes = std::to_array<std::pair<std::string_view, Place>>(
      {{"/publish/", Place::publish}, {"/finish/", Place::finish}, {"/channels/", Place::channel}});
  for (const auto& [prefix, place] : kPrefixes) {
    if (path.starts_with(prefix)) return {place, path.substr(prefix.size())};
  }
  return {};
}

std::string_view allowed_at(Place place) {
  switch (place) {
    case Place::batch:
    case Place::finish:
      return "POST";
    case Place::publish:
      return "POST, PUT";
    case Place::channel:
      return "GET, HEAD, DELETE";
    case Place::root:
    case Place::channels:
    case Place::nowhere:
      break;
  }
  return "GET, HEAD";
}

bool allows(Place place, Method method) {
  switch (method) {
    case Method::get:
    case Method::head:
      return place == Place::root || place == Place::channels || place == Place::channel;
    case Method::post:
      return place == Place::batch || place == Place::publish || place == Place::finish;
    case Method::put:
      return place == Place::publish;
    case Method::del:
      return place == Place::channel;
    case Method::options:
    case Method::connect:
    case Method::other:
      break;
  }
  return false;
}

void answer_error(HttpAnswer& answer, int status, std::string_view sentence) {
  answer.status = status;
  answer.content_type = kJson;
  answer.body = R"({"error":)";
  append_json_string(answer.body, sentence);
  answer.body += "}\n";
}

void answer_refused(HttpAnswer& answer, const Refused& refused) {
  switch (refused.kind) {
    case Refusal::invalid:
      return answer_error(answer, 400, refused.message);
    case Refusal::finished:
      return answer_error(answer, 409, refused.message);
    case Refusal::too_large:
      return answer_error(answer, 413, refused.message);
    case Refusal::unavailable:
      return answer_error(answer, 503, refused.message);
  }
}

void begin_json(HttpAnswer& answer) {
  answer.status = 200;
  answer.content_type = kJson;
  answer.body.clear();
}

// ---- POST /publish/<channel>

// From the query and, where that is silent, from the fields of other brokers' habits.
// Returns what is wrong, or nothing.
std::string read_parameters(const http::RequestHead& head, const http::Query& query,
                            Publish& event) {
  std::string_view retry;
  for (const auto& [key, value] : query) {
    std::string_view* place = key == "event"   ? &event.type
                              : key == "id"    ? &event.key
                              : key == "retry" ? &retry
                                               : nullptr;
    if (place == nullptr) {
      return fmt::format("unknown parameter \"{}\": there are event, id and retry", quotable(key));
    }
    if (place->data() != nullptr) return fmt::format("the parameter {} is given twice", key);
    *place = value;
  }
  const auto fall_back = [&head](std::string_view& text, std::string_view field) {
    if (text.empty()) text = head.value(field);
  };
  fall_back(event.type, "x-event-type");
  fall_back(event.type, "x-eventsource-event");
  fall_back(event.key, "idempotency-key");
  fall_back(event.key, "x-event-id");
  fall_back(retry, "x-event-retry");
  if (retry.empty()) return {};
  event.retry_ms = parse_retry(retry);
  return event.retry_ms ? std::string{} : retry_text_problem(retry);
}

void publish_one(const http::RequestHead& head, std::string_view channel, std::string_view body,
                 Sink& sink, HttpAnswer& answer) {
  const http::Query query(head.query);
  Publish event{.channel = channel, .data = body};
  if (const std::string problem = read_parameters(head, query, event); !problem.empty()) {
    return answer_error(answer, 400, problem);
  }
  const auto published = sink.publish(event);
  if (!published) return answer_refused(answer, published.error());
  begin_json(answer);
  answer.body += R"({"id":")";
  answer.body += published->id;
  answer.body += R"(","receivers":)";
  append_json_number(answer.body, published->receivers);
  append_repeat_members(answer.body, published->duplicate, published->evicted);
  answer.body += "}\n";
}

// What names or types one event, which a batch is not; empty: nothing does.
std::string_view field_of_one_event(const http::RequestHead& head) {
  for (const std::string_view field :
       {"idempotency-key", "x-event-id", "x-event-type", "x-eventsource-event", "x-event-retry"}) {
    if (!head.value(field).empty()) return field;
  }
  return {};
}

// Every line has its own answer; the status says only that the batch was read.
void publish_batch(const http::RequestHead& head, std::string_view channel, std::string_view body,
                   Sink& sink, const HttpLimits& limits, HttpAnswer& answer) {
  if (!head.query.empty()) {
    return answer_error(answer, 400,
                        "a batch has no parameters: write event, id and retry into its lines");
  }
  if (const std::string_view field = field_of_one_event(head); !field.empty()) {
    return answer_error(answer, 400,
                        fmt::format("a batch has no {} of its own: write event, id and retry into "
                                    "its lines",
                                    field));
  }
  answer.status = 200;
  answer.content_type = kNdjson;
  answer.body.clear();
  NdjsonSession session(
      sink,
      {.event_bytes = limits.event_bytes, .reply_bytes = kBatchReplyFactor * limits.batch_bytes},
      channel);
  session.receive(body, answer.body);
  if (!session.paused()) return session.end_of_input(answer.body);
  answer.body += R"({"ok":false,"error":"the answer is too long: this line and all after it were )"
                 R"(not read; send smaller batches","line":)";
  append_json_number(answer.body, session.lines() + 1);
  answer.body += "}\n";
}

// ---- /finish, /channels

void finish(std::string_view channel, Sink& sink, HttpAnswer& answer) {
  const auto finished = sink.finish(channel);
  if (!finished) return answer_refused(answer, finished.error());
  begin_json(answer);
  answer.body += "{\"finished\":true}\n";
}

void answer_no_channel(std::string_view channel, HttpAnswer& answer) {
  answer_error(answer, 404,
               fmt::format("there is no channel \"{}\": a channel appears when something is "
                           "published to it",
                           quotable(channel)));
}

void erase(std::string_view channel, Sink& sink, HttpAnswer& answer) {
  const auto erased = sink.erase(channel);
  if (!erased) return answer_refused(answer, erased.error());
  if (!*erased) return answer_no_channel(channel, answer);
  begin_json(answer);
  answer.body += "{\"deleted\":true}\n";
}

void tell_channel(std::string_view channel, Sink& sink, HttpAnswer& answer) {
  if (const auto refused = sink.name_problem(channel)) return answer_refused(answer, *refused);
  const auto state = sink.find(channel);
  if (!state) return answer_no_channel(channel, answer);
  begin_json(answer);
  answer.body += '{';
  append_channel_members(answer.body, channel, *state);
  answer.body += "}\n";
}

struct Listing {
  std::string_view match = "**";
  std::size_t limit = kListedDefault;
};

std::string read_listing(const http::Query& query, Listing& listing) {
  for (const auto& [key, value] : query) {
    if ((key == "match" || key == "limit") && query.all(key).size() > 1) {
      return fmt::format("the parameter {} is given twice", key);
    }
    if (key == "match") {
      if (const std::string problem = channel_pattern_problem(value); !problem.empty()) {
        return fmt::format("match is \"{}\": {}", quotable(value), problem);
      }
      listing.match = value;
    } else if (key == "limit") {
      const auto [stop, error] = std::from_chars(value.begin(), value.end(), listing.limit);
      if (error != std::errc{} || stop != value.end() || listing.limit > kListedMax) {
        return fmt::format("limit is \"{}\": it must be a number up to {}", quotable(value),
                           kListedMax);
      }
    } else {
      return fmt::format("unknown parameter \"{}\": there are match and limit", quotable(key));
    }
  }
  return {};
}

void list_channels(const http::RequestHead& head, Sink& sink, HttpAnswer& answer) {
  const http::Query query(head.query);
  Listing listing;
  if (const std::string problem = read_listing(query, listing); !problem.empty()) {
    return answer_error(answer, 400, problem);
  }
  begin_json(answer);
  answer.body += R"({"channels":[)";
  std::size_t listed = 0;
  bool more = false;
  sink.for_each_channel([&](std::string_view name, const ChannelState& state) {
    if (!pattern_matches(listing.match, name)) return true;
    more = listed == listing.limit;
    if (more) return false;
    answer.body += listed++ == 0 ? "{" : ",{";
    append_channel_members(answer.body, name, state);
    answer.body += '}';
    return true;
  });
  answer.body += more ? "],\"more\":true}\n" : "],\"more\":false}\n";
}

// Of a body that comes in chunks nobody knows it until its end: 0.
std::uint64_t declared_size(const http::RequestHead& head) {
  const std::string_view text = head.value("content-length");
  std::uint64_t size = 0;
  const auto [stop, error] = std::from_chars(text.begin(), text.end(), size);
  return error == std::errc{} && stop == text.end() ? size : 0;
}

}  // namespace

std::size_t body_bytes_max(const http::RequestHead& head, const HttpLimits& limits) {
  const Place place = route_of(head.path).place;
  const bool publishes = place == Place::publish || place == Place::batch;
  if (!publishes) return kOtherBodyMax;
  return place == Place::batch || is_ndjson(head) ? limits.batch_bytes : limits.event_bytes;
}

bool refused_by_head(const http::RequestHead& head, HttpAnswer& answer) {
  answer.allow = answer.accept_encoding = {};
  const Place place = route_of(head.path).place;
  if (place == Place::nowhere) {
    answer_error(answer, 404,
                 fmt::format("there is no {} on the ingest socket: POST /publish/<channel> "
                             "publishes, GET / lists the rest",
                             quotable(head.path)));
    return true;
  }
  if (!allows(place, head.method)) {
    answer.allow = allowed_at(place);
    answer_error(answer, 405,
                 fmt::format("{} takes {}, not {}", quotable(head.path), answer.allow,
                             quotable(head.method_text)));
    return true;
  }
  if (place != Place::batch && place != Place::publish) return false;
  const MediaProblem media = media_problem(head, place == Place::batch || is_ndjson(head));
  if (media.sentence.empty()) return false;
  if (media.of_its_coding) answer.accept_encoding = "identity";
  answer_error(answer, 415, media.sentence);
  return true;
}

void answer_body_too_large(const http::RequestHead& head, const HttpLimits& limits,
                           HttpAnswer& answer) {
  const std::size_t most = body_bytes_max(head, limits);
  const Place place = route_of(head.path).place;
  const bool batch = place == Place::batch || (place == Place::publish && is_ndjson(head));
  const std::uint64_t declared = declared_size(head);
  answer.allow = answer.accept_encoding = {};
  answer_error(
      answer, 413,
      fmt::format("the body has {} bytes; the limit is {} for {}",
                  declared > most ? fmt::format("{}", declared) : fmt::format("more than {}", most),
                  most,
                  batch                     ? "a batch ([limits] ingest_batch_bytes)"
                  : place == Place::publish ? "one event ([limits] event_bytes): many clients fail "
                                              "on lines over 64 KiB"
                                            : "a request that publishes nothing: send none"));
}

void answer_not_taken(int status, std::string_view sentence, HttpAnswer& answer) {
  answer.allow = answer.accept_encoding = {};
  if (status != 408) return answer_error(answer, status, sentence);
  answer_error(
      answer, status,
      fmt::format("{}; nothing was published; to stream events as they come, write lines of "
                  "JSON to this socket without HTTP, where no time is set: nc -UN SOCKET",
                  sentence));
}

void answer_too_many_bodies(HttpAnswer& answer) {
  answer.allow = answer.accept_encoding = {};
  answer_error(answer, 503,
               "too many request bodies are being received at once ([limits] bodies_bytes); try "
               "again, or in smaller batches");
}

void answer_request(const http::RequestHead& head, std::string_view body, Sink& sink,
                    const HttpLimits& limits, HttpAnswer& answer) {
  if (refused_by_head(head, answer)) return;
  const Route route = route_of(head.path);
  std::string_view channel = route.channel;
  std::optional<std::string> decoded;
  if (channel.find('%') != std::string_view::npos) {
    decoded = http::percent_decoded(channel);
    if (!decoded) {
      return answer_error(answer, 400,
                          "the channel in the path has a malformed percent-escape: % is followed "
                          "by two hexadecimal digits");
    }
    channel = *decoded;
  }
  const bool of_a_channel = route.place == Place::finish || route.place == Place::channel;
  if (of_a_channel && !head.query.empty()) {
    return answer_error(answer, 400,
                        "there are no parameters here: the channel stands in the path");
  }
  switch (route.place) {
    case Place::root:
      answer.status = 200;
      answer.content_type = kText;
      answer.body = kGreeting;
      return;
    case Place::batch:
      return publish_batch(head, {}, body, sink, limits, answer);
    case Place::publish:
      if (is_ndjson(head)) return publish_batch(head, channel, body, sink, limits, answer);
      return publish_one(head, channel, body, sink, answer);
    case Place::finish:
      return finish(channel, sink, answer);
    case Place::channels:
      return list_channels(head, sink, answer);
    case Place::channel:
      if (head.method == Method::del) return erase(channel, sink, answer);
      return tell_channel(channel, sink, answer);
    case Place::nowhere:
      break;
  }
}

}  // namespace fanfare::ingest
