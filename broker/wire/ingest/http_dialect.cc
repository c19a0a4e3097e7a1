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
#include "broker/wire/ingest/ndjson_line.h"
#include "broker/wire/ingest/ndjson_session.h"
#include "broker/wire/ingest/text.h"

#include "common/json_text.h"
#include "common/pattern.h"
#include "common/quotable.h"

namespace fanfare::ingest {
namespace {

using http::Method;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kNdjson = "application/x-ndjson";
constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::size_t kOtherBodyMax = 64U << 10U;  // for bodies that are read but not used
constexpr std::size_t kListedDefault = 1'000;
constexpr std::size_t kListedMax = 10'000;
// For the answer to a batch: the shortest line has 25 bytes, an error about a hundred.
constexpr std::size_t kBatchReplyFactor = 4;

constexpr std::string_view kGreeting =
    R"(This is the ingest socket of Fanfare, an event broker. It speaks three dialects:

HTTP/1.1
  curl --unix-socket SOCKET --data-binary 'hello' http://x/publish/news
  curl --unix-socket SOCKET --data-binary @file 'http://x/publish/news?event=tick&id=once-only'
  curl --unix-socket SOCKET -H 'Content-Type: application/x-ndjson' --data-binary @lines http://x/publish
  curl --unix-socket SOCKET -X POST http://x/finish/news
  curl --unix-socket SOCKET http://x/channels
  curl --unix-socket SOCKET http://x/channels/news/subscribers
  curl --unix-socket SOCKET -X DELETE http://x/channels/news
  curl --unix-socket SOCKET -d '{"channels":["news"]}' http://x/ticket
  curl --unix-socket SOCKET http://x/position
RESP2 (Redis)
  redis-cli -s SOCKET PUBLISH news hello
  redis-cli -s SOCKET XADD news '*' event tick data hello
NDJSON
  echo '{"channel":"news","data":"hello"}' | nc -UN SOCKET

Subscribers connect elsewhere: GET /events?channel=news on the [listen] http addresses.
)";

enum class Resource : std::uint8_t {
  root,
  batch,
  publish,
  finish,
  ticket,
  position,
  channels,
  channel,
  subscribers,
  nowhere
};

constexpr std::string_view kSubscribers = "/subscribers";

struct Route {
  Resource resource = Resource::nowhere;
  std::string_view channel;  // as sent, not decoded
};

Route route_of(const http::RequestHead& head) {
  const std::string_view path = head.path;
  const bool erases = head.method == Method::del;
  constexpr auto kExact =
      std::to_array<std::pair<std::string_view, Resource>>({{"/", Resource::root},
                                                            {"/publish", Resource::batch},
                                                            {"/ticket", Resource::ticket},
                                                            {"/position", Resource::position},
                                                            {"/channels", Resource::channels}});
  for (const auto& [text, resource] : kExact) {
    if (path == text) return {resource, {}};
  }
  constexpr auto kPrefixes =
      std::to_array<std::pair<std::string_view, Resource>>({{"/publish/", Resource::publish},
                                                            {"/finish/", Resource::finish},
                                                            {"/channels/", Resource::channel}});
  for (const auto& [prefix, resource] : kPrefixes) {
    if (!path.starts_with(prefix)) continue;
    const std::string_view channel = path.substr(prefix.size());
    // A channel whose own name ends so is written with %2F.
    const bool roll = resource == Resource::channel && channel.ends_with(kSubscribers) && !erases;
    if (!roll) return {resource, channel};
    return {Resource::subscribers, channel.substr(0, channel.size() - kSubscribers.size())};
  }
  return {};
}

std::string_view allowed_at(Resource resource) {
  switch (resource) {
    case Resource::batch:
    case Resource::finish:
    case Resource::ticket:
      return "POST";
    case Resource::publish:
      return "POST, PUT";
    case Resource::channel:
      return "GET, HEAD, DELETE";
    case Resource::root:
    case Resource::position:
    case Resource::channels:
    case Resource::subscribers:
    case Resource::nowhere:
      break;
  }
  return "GET, HEAD";
}

bool allows(Resource resource, Method method) {
  switch (method) {
    case Method::get:
    case Method::head:
      return resource == Resource::root || resource == Resource::position ||
             resource == Resource::channels || resource == Resource::channel ||
             resource == Resource::subscribers;
    case Method::post:
      return resource == Resource::batch || resource == Resource::publish ||
             resource == Resource::finish || resource == Resource::ticket;
    case Method::put:
      return resource == Resource::publish;
    case Method::del:
      return resource == Resource::channel;
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

}  // namespace

void answer_refused(const Refused& refused, HttpAnswer& answer) {
  answer.allow = answer.accept_encoding = {};
  switch (refused.kind) {
    case Refusal::invalid:
      return answer_error(answer, 400, refused.message);
    case Refusal::finished:
      return answer_error(answer, 409, refused.message);
    case Refusal::too_large:
      return answer_error(answer, 413, refused.message);
    case Refusal::unavailable:
      return answer_error(answer, 503, refused.message);
    case Refusal::unauthenticated:
      return answer_error(answer, 401, refused.message);
    case Refusal::forbidden:
      return answer_error(answer, 403, refused.message);
  }
}

namespace {

void begin_json(HttpAnswer& answer) {
  answer.status = 200;
  answer.content_type = kJson;
  answer.body.clear();
}

// ---- POST /publish/<channel>

// Reads them from the query or, where it has none, from the header fields that other brokers use.
// Returns what is wrong, or nothing.
std::string read_parameters(const http::RequestHead& head, const http::Query& query,
                            Publish& event) {
  std::string_view retry;
  for (const auto& [key, value] : query) {
    std::string_view* member = key == "event"   ? &event.type
                               : key == "id"    ? &event.idempotency_key
                               : key == "key"   ? &event.key
                               : key == "retry" ? &retry
                                                : nullptr;
    if (member == nullptr) {
      return fmt::format("unknown parameter \"{}\": the parameters are event, id, key and retry",
                         quotable(key));
    }
    if (member->data() != nullptr) return fmt::format("the parameter {} occurs twice", key);
    *member = value;
  }
  const auto fall_back = [&head](std::string_view& text, std::string_view field) {
    if (text.empty()) text = head.value(field);
  };
  fall_back(event.type, "x-event-type");
  fall_back(event.type, "x-eventsource-event");
  fall_back(event.idempotency_key, "idempotency-key");
  fall_back(event.idempotency_key, "x-event-id");
  fall_back(event.key, "x-event-key");
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
  if (!published) return answer_refused(published.error(), answer);
  begin_json(answer);
  answer.body += R"({"id":")";
  answer.body += published->id;
  answer.body += R"(","receivers":)";
  append_json_number(answer.body, published->receivers);
  append_repeat_members(answer.body, published->duplicate, published->evicted);
  answer.body += "}\n";
  answer.position = sink.position();
}

// The field or parameter that applies to a single event and therefore not to a batch; empty if
// there is none.
std::string_view field_of_one_event(const http::RequestHead& head) {
  for (const std::string_view field : {"idempotency-key", "x-event-id", "x-event-key",
                                       "x-event-type", "x-eventsource-event", "x-event-retry"}) {
    if (!head.value(field).empty()) return field;
  }
  return {};
}

// Every line has its own answer; the status says only that the batch was read.
void publish_batch(const http::RequestHead& head, std::string_view channel, std::string_view body,
                   Sink& sink, const HttpLimits& limits, HttpAnswer& answer) {
  if (!head.query.empty()) {
    return answer_error(answer, 400,
                        "a batch takes no parameters: put event, id, key and retry in its lines");
  }
  if (const std::string_view field = field_of_one_event(head); !field.empty()) {
    return answer_error(
        answer, 400,
        fmt::format("a batch takes no {} field: put event, id, key and retry in its lines", field));
  }
  answer.status = 200;
  answer.content_type = kNdjson;
  answer.body.clear();
  NdjsonSession session(
      sink,
      {.event_bytes = limits.event_bytes, .reply_bytes = kBatchReplyFactor * limits.batch_bytes},
      channel);
  session.receive(body, answer.body);
  const bool whole = !session.paused();
  if (whole) session.end_of_input(answer.body);
  answer.position = sink.position();
  if (whole) return;
  answer.body +=
      R"({"ok":false,"error":"the response is too long: this line and all after it were )"
      R"(not read; send smaller batches","line":)";
  append_json_number(answer.body, session.lines() + 1);
  answer.body += "}\n";
}

// ---- /finish, /ticket, /position, /channels

void finish(std::string_view channel, Sink& sink, HttpAnswer& answer) {
  const auto finished = sink.finish(channel);
  if (!finished) return answer_refused(finished.error(), answer);
  begin_json(answer);
  answer.body += "{\"finished\":true}\n";
  answer.position = sink.position();
}

void tell_position(Sink& sink, HttpAnswer& answer) {
  begin_json(answer);
  answer.position = sink.position();
  answer.body += R"({"position":")";
  answer.body += answer.position;
  answer.body += "\"}\n";
}

void issue_ticket(const http::RequestHead& head, std::string_view body, Sink& sink,
                  HttpAnswer& answer) {
  if (!head.query.empty()) {
    return answer_error(answer, 400, R"(there are no parameters here: write {"channels": [...]})");
  }
  NdjsonLine line;
  if (!line.parse_ticket(body)) return answer_error(answer, 400, line.problem());
  const LineRequest& request = line.request();
  if (request.op != LineRequest::Op::ticket) {
    return answer_error(answer, 400, R"(only "op":"ticket" means something here)");
  }
  const auto ticket = sink.issue_ticket({.channels = request.channels,
                                         .subject = request.subject,
                                         .expires = request.expires,
                                         .life = request.life});
  if (!ticket) return answer_refused(ticket.error(), answer);
  begin_json(answer);
  answer.body += '{';
  append_ticket_members(answer.body, *ticket);
  answer.body += "}\n";
}

void answer_no_channel(std::string_view channel, HttpAnswer& answer) {
  answer_error(
      answer, 404,
      fmt::format("there is no channel \"{}\": a channel is created by the first publish to it",
                  quotable(channel)));
}

void erase(std::string_view channel, Sink& sink, HttpAnswer& answer) {
  const auto erased = sink.erase(channel);
  if (!erased) return answer_refused(erased.error(), answer);
  if (!*erased) return answer_no_channel(channel, answer);
  begin_json(answer);
  answer.body += "{\"deleted\":true}\n";
  answer.position = sink.position();
}

void tell_channel(std::string_view channel, Sink& sink, HttpAnswer& answer) {
  if (const auto refused = sink.name_problem(channel)) return answer_refused(*refused, answer);
  const auto state = sink.find(channel);
  if (!state) return answer_no_channel(channel, answer);
  begin_json(answer);
  answer.body += '{';
  append_channel_members(answer.body, channel, *state);
  answer.body += "}\n";
}

// HEAD asks how many there are; the list would not be sent.
void ask_for_roll(const http::RequestHead& head, std::string_view channel, Sink& sink,
                  HttpAnswer& answer) {
  if (const auto refused = sink.watch_problem()) return answer_refused(*refused, answer);
  if (const auto refused = sink.name_problem(channel)) return answer_refused(*refused, answer);
  auto request = read_roll_request(channel, http::Query(head.query));
  if (!request) return answer_error(answer, 400, request.error());
  if (head.method == Method::head) request->limit = 0;
  answer.roll = *std::move(request);
}

struct Listing {
  std::string_view match = "**";
  std::size_t limit = kListedDefault;
};

std::string read_listing(const http::Query& query, Listing& listing) {
  for (const auto& [key, value] : query) {
    if ((key == "match" || key == "limit") && query.all(key).size() > 1) {
      return fmt::format("the parameter {} occurs twice", key);
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
      return fmt::format("unknown parameter \"{}\": the parameters are match and limit",
                         quotable(key));
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

// 0 for a chunked body, whose size is not known until its end.
std::uint64_t declared_size(const http::RequestHead& head) {
  const std::string_view text = head.value("content-length");
  std::uint64_t size = 0;
  const auto [stop, error] = std::from_chars(text.begin(), text.end(), size);
  return error == std::errc{} && stop == text.end() ? size : 0;
}

// Where the method does to a channel what seems to be wanted here, as a tail of the sentence.
std::string_view what_does(http::Method method, Resource resource) {
  if (resource != Resource::publish && resource != Resource::finish) return {};
  if (method == http::Method::del) return ": DELETE /channels/<channel> drops a channel";
  if (method == http::Method::get) return ": GET /channels/<channel> says what a channel holds";
  return {};
}

}  // namespace

std::size_t body_bytes_max(const http::RequestHead& head, const HttpLimits& limits) {
  const Resource resource = route_of(head).resource;
  const bool publishes = resource == Resource::publish || resource == Resource::batch;
  if (!publishes) return kOtherBodyMax;
  return resource == Resource::batch || is_ndjson(head) ? limits.batch_bytes : limits.event_bytes;
}

bool refused_by_head(const http::RequestHead& head, HttpAnswer& answer) {
  answer.allow = answer.accept_encoding = answer.position = {};
  const Resource resource = route_of(head).resource;
  if (resource == Resource::nowhere) {
    answer_error(answer, 404,
                 fmt::format("there is no {} on the ingest socket: POST /publish/<channel> "
                             "publishes, GET / lists the rest",
                             quotable(head.path)));
    return true;
  }
  if (!allows(resource, head.method)) {
    answer.allow = allowed_at(resource);
    answer_error(answer, 405,
                 fmt::format("{} allows {}, but not {}{}", quotable(head.path), answer.allow,
                             quotable(head.method_text), what_does(head.method, resource)));
    return true;
  }
  if (resource != Resource::batch && resource != Resource::publish) return false;
  const MediaProblem media = media_problem(head, resource == Resource::batch || is_ndjson(head));
  if (media.sentence.empty()) return false;
  if (media.of_its_coding) answer.accept_encoding = "identity";
  answer_error(answer, 415, media.sentence);
  return true;
}

void answer_body_too_large(const http::RequestHead& head, const HttpLimits& limits,
                           HttpAnswer& answer) {
  const std::size_t most = body_bytes_max(head, limits);
  const Resource resource = route_of(head).resource;
  const bool batch =
      resource == Resource::batch || (resource == Resource::publish && is_ndjson(head));
  const std::uint64_t declared = declared_size(head);
  answer.allow = answer.accept_encoding = answer.position = {};
  answer_error(
      answer, 413,
      fmt::format(
          "the body has {} bytes; the limit is {} for {}",
          declared > most ? fmt::format("{}", declared) : fmt::format("more than {}", most), most,
          batch                           ? "a batch ([limits] ingest_batch_bytes)"
          : resource == Resource::publish ? "one event ([limits] event_bytes): many clients fail "
                                            "on lines over 64 KiB"
                                          : "a request that publishes nothing: send none"));
}

void answer_not_taken(int status, std::string_view sentence, HttpAnswer& answer) {
  answer.allow = answer.accept_encoding = answer.position = {};
  if (status != 408) return answer_error(answer, status, sentence);
  answer_error(
      answer, status,
      fmt::format("{}; nothing was published; to stream events as they come, write lines of JSON "
                  "to this socket without HTTP, where there is no time limit: nc -UN SOCKET",
                  sentence));
}

void answer_too_many_bodies(HttpAnswer& answer) {
  answer.allow = answer.accept_encoding = answer.position = {};
  answer_error(answer, 503,
               "too many request bodies are being received at once ([limits] bodies_bytes); try "
               "again, or in smaller batches");
}

void answer_request(const http::RequestHead& head, std::string_view body, Sink& sink,
                    const HttpLimits& limits, HttpAnswer& answer) {
  if (refused_by_head(head, answer)) return;
  const Route route = route_of(head);
  std::string_view channel = route.channel;
  std::optional<std::string> decoded;
  if (channel.find('%') != std::string_view::npos) {
    decoded = http::percent_decoded(channel);
    if (!decoded) {
      return answer_error(answer, 400,
                          "the channel in the path has a malformed percent-escape: % must be "
                          "followed by two hexadecimal digits");
    }
    channel = *decoded;
  }
  const bool of_a_channel =
      route.resource == Resource::finish || route.resource == Resource::channel;
  if (of_a_channel && !head.query.empty()) {
    return answer_error(answer, 400,
                        "this request takes no parameters: the channel is in the path");
  }
  switch (route.resource) {
    case Resource::root:
      answer.status = 200;
      answer.content_type = kText;
      answer.body = kGreeting;
      return;
    case Resource::batch:
      return publish_batch(head, {}, body, sink, limits, answer);
    case Resource::publish:
      if (is_ndjson(head)) return publish_batch(head, channel, body, sink, limits, answer);
      return publish_one(head, channel, body, sink, answer);
    case Resource::finish:
      return finish(channel, sink, answer);
    case Resource::ticket:
      return issue_ticket(head, body, sink, answer);
    case Resource::position:
      return tell_position(sink, answer);
    case Resource::channels:
      return list_channels(head, sink, answer);
    case Resource::channel:
      if (head.method == Method::del) return erase(channel, sink, answer);
      return tell_channel(channel, sink, answer);
    case Resource::subscribers:
      return ask_for_roll(head, channel, sink, answer);
    case Resource::nowhere:
      break;
  }
}

void answer_roll(const Roll& roll, HttpAnswer& answer) {
  begin_json(answer);
  answer.body += '{';
  append_roll_members(answer.body, roll);
  answer.body += "}\n";
}

}  // namespace fanfare::ingest
