#include "broker/wire/ingest/resp_commands.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <expected>
#include <utility>
#include <vector>

#include "broker/wire/ingest/resp_reply.h"
#include "broker/wire/ingest/text.h"

#include "common/quotable.h"

namespace fanfare::ingest {

using resp::append_array;
using resp::append_bulk;
using resp::append_error;
using resp::append_integer;
using resp::append_nil;
using resp::append_refused;
using resp::append_simple;

namespace {

// A listing is one reply and has to be held whole; whoever has more channels narrows the pattern.
constexpr std::size_t kChannelsListedMax = 10'000;

struct Refuted {
  std::string_view name;
  std::string_view instead;
};
// What Redis users try next, and what to do instead.
constexpr auto kRefuted = std::to_array<Refuted>({
    {"SUBSCRIBE", "subscribers connect over HTTP: GET /events?channel=..."},
    {"PSUBSCRIBE", "subscribers connect over HTTP, patterns too: GET /events?channel=metrics/**"},
    {"SSUBSCRIBE", "subscribers connect over HTTP: GET /events?channel=..."},
    {"UNSUBSCRIBE", "there are no subscriptions on the ingest socket"},
    {"PUNSUBSCRIBE", "there are no subscriptions on the ingest socket"},
    {"SPUBLISH", "there are no shard channels: use PUBLISH"},
    {"XREAD", "events are read over HTTP: GET /events?channel=... with Last-Event-ID or replay=N"},
    {"XRANGE", "events are read over HTTP: GET /events?channel=...&lastEventId=earliest"},
    {"XREVRANGE", "events are read over HTTP: GET /events?channel=...&replay=N"},
    {"XREADGROUP", "there are no consumer groups: every subscriber gets every event"},
    {"XGROUP", "there are no consumer groups: every subscriber gets every event"},
    {"XTRIM", "history is bounded by [history] in broker.toml; DEL drops a channel's"},
    {"XDEL", "single events cannot be taken back; DEL drops a channel's history"},
    {"MULTI",
     "there are no transactions: pipeline the commands, what one write brings is "
     "committed together"},
    {"EXEC", "there are no transactions: pipeline the commands instead"},
    {"DISCARD", "there are no transactions"},
    {"WATCH", "there are no transactions; notices of subscribers are {\"op\":\"watch\"} in NDJSON"},
    {"AUTH",
     "there are no passwords: who may publish is decided by the mode of the socket file "
     "and [listen] ingest_users"},
    {"GET", "there are no keys and values, only channels: PUBLISH channel data"},
    {"SET", "there are no keys and values, only channels: PUBLISH channel data"},
    {"KEYS", "channels are listed by PUBSUB CHANNELS [pattern]"},
    {"SCAN", "channels are listed by PUBSUB CHANNELS [pattern]"},
    {"EXISTS", "XLEN tells how many events a channel has kept"},
    {"UNLINK", "use DEL"},
    {"MONITOR", "{\"op\":\"watch\"} in NDJSON tells of subscribers; [listen] admin shows the rest"},
    {"EVAL", "there are no scripts"},
    {"FLUSHALL", "DEL drops a channel's history; there is no command that drops all"},
    {"SHUTDOWN", "the broker is stopped by SIGTERM"},
});

}  // namespace

// PUBLISH and XADD first: the search goes from the front.
std::span<const RespCommands::Command> RespCommands::table() {
  using R = RespCommands;
  constexpr std::size_t kAny = SIZE_MAX;
  static constexpr auto kCommands = std::to_array<Command>({
      {"PUBLISH", 3, 3, &R::publish, "PUBLISH channel data"},
      {"XADD", 5, kAny, &R::xadd, "XADD channel * data ... [event ...] [retry ...]"},
      {"XLEN", 2, 2, &R::xlen, "XLEN channel"},
      {"DEL", 2, kAny, &R::del, "DEL channel [channel ...]"},
      {"SSE.FINISH", 2, 2, &R::finish, "SSE.FINISH channel"},
      {"PUBSUB", 2, kAny, &R::pubsub, "PUBSUB CHANNELS [pattern] | NUMSUB [channel ...] | NUMPAT"},
      {"PING", 1, 2, &R::ping, "PING [message]"},
      {"ECHO", 2, 2, &R::echo, "ECHO message"},
      {"HELLO", 1, kAny, &R::hello, "HELLO [2 [SETNAME name]]"},
      {"COMMAND", 1, kAny, &R::command, "COMMAND [COUNT | LIST | INFO name ... | DOCS]"},
      {"CLIENT", 2, kAny, &R::client, "CLIENT SETNAME | GETNAME | SETINFO | ID | INFO"},
      {"CONFIG", 2, kAny, &R::config, "CONFIG GET parameter"},
      {"SELECT", 2, 2, &R::select, "SELECT 0"},
      {"INFO", 1, kAny, &R::info, "INFO"},
      {"RESET", 1, 1, &R::reset, "RESET"},
      {"QUIT", 1, kAny, &R::quit, "QUIT"},
  });
  return kCommands;
}

void RespCommands::run(Arguments arguments, std::string& out) {
  const std::string_view name = arguments[0];
  if (const Command* command = find(name)) {
    const bool fits =
        arguments.size() >= command->arguments_min && arguments.size() <= command->arguments_max;
    return fits ? (this->*command->run)(arguments, out) : append_wrong_arity(out, *command);
  }
  for (const Refuted& refuted : kRefuted) {
    if (!equals_ignoring_case(name, refuted.name)) continue;
    return append_error(out,
                        fmt::format("{} is not served here: {}", refuted.name, refuted.instead));
  }
  append_error(out, fmt::format("unknown command '{}': this is Fanfare, an event broker; it serves "
                                "PUBLISH, XADD, XLEN, DEL, SSE.FINISH and PUBSUB",
                                quotable(name)));
}

const RespCommands::Command* RespCommands::find(std::string_view name) {
  for (const Command& command : table()) {
    if (equals_ignoring_case(name, command.name)) return &command;
  }
  return nullptr;
}

void RespCommands::append_wrong_arity(std::string& out, const Command& command) {
  std::string lower(command.name);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  append_error(out,
               fmt::format("wrong number of arguments for '{}' command: {}", lower, command.usage));
}

bool RespCommands::postpone(Arguments arguments, std::vector<Publish>& waiting) {
  if (arguments.size() != 3 || !equals_ignoring_case(arguments[0], "PUBLISH")) return false;
  Publish& event = waiting.emplace_back();
  event.channel = arguments[1];
  event.data = arguments[2];
  event.wants_id = false;
  return true;
}

namespace {

void append_receivers(std::string& out, const std::expected<Published, Refused>& published) {
  if (!published) return append_refused(out, published.error());
  append_integer(out, published->receivers);
}

}  // namespace

void RespCommands::publish(std::span<const Publish> events, std::string& out) {
  if (events.empty()) return;
  sink_.publish_all(events, [&out](const auto& published) { append_receivers(out, published); });
}

void RespCommands::publish(Arguments arguments, std::string& out) {
  const Publish event{.channel = arguments[1], .data = arguments[2], .wants_id = false};
  append_receivers(out, sink_.publish(event));
}

namespace {

// The part of XADD between the key and the fields. The trimming options are understood and without
// effect: history is bounded by [history], not by publishers.
struct XaddOptions {
  std::size_t fields_at = 0;  // index of the first field's name
  bool no_make_stream = false;
  std::string problem;
};

XaddOptions read_xadd_options(RespCommands::Arguments arguments) {
  XaddOptions options;
  std::size_t at = 2;
  while (at < arguments.size()) {
    if (equals_ignoring_case(arguments[at], "NOMKSTREAM")) {
      options.no_make_stream = true;
      ++at;
    } else if (equals_ignoring_case(arguments[at], "MAXLEN") ||
               equals_ignoring_case(arguments[at], "MINID")) {
      ++at;
      if (at < arguments.size() && (arguments[at] == "~" || arguments[at] == "=")) ++at;
      ++at;
    } else if (equals_ignoring_case(arguments[at], "LIMIT")) {
      at += 2;
    } else {
      break;
    }
  }
  if (at >= arguments.size()) {
    options.problem = "syntax error: after the channel and its options comes *, then the fields";
  } else if (arguments[at] != "*") {
    options.problem = fmt::format(
        "the id must be *, not '{}': the broker alone numbers events, over all channels",
        quotable(arguments[at]));
  }
  options.fields_at = at + 1;
  return options;
}

// Fields to event; returns what is wrong, or nothing.
std::string read_xadd_fields(RespCommands::Arguments arguments, std::size_t at, Publish& event) {
  bool has_data = false, has_type = false;
  for (; at + 1 < arguments.size(); at += 2) {
    const std::string_view name = arguments[at], value = arguments[at + 1];
    bool twice = false;
    if (name == "data") {
      twice = std::exchange(has_data, true);
      event.data = value;
    } else if (name == "event") {
      twice = std::exchange(has_type, true);
      event.type = value;
    } else if (name == "retry") {
      twice = event.retry_ms.has_value();
      event.retry_ms = parse_retry(value);
      if (!event.retry_ms) return retry_text_problem(value);
    } else {
      return fmt::format(
          "unknown field '{}' (argument {}): an event has the fields data, event and "
          "retry; put several values into data, as JSON",
          quotable(name), at);
    }
    if (twice) return fmt::format("field '{}' is given twice (argument {})", name, at);
  }
  if (!has_data) return "the field data is missing: an event without data is never dispatched";
  return {};
}

}  // namespace

void RespCommands::xadd(Arguments arguments, std::string& out) {
  const XaddOptions options = read_xadd_options(arguments);
  if (!options.problem.empty()) return append_error(out, options.problem);
  const std::size_t field_words = arguments.size() - options.fields_at;
  if (field_words == 0 || field_words % 2 != 0) return append_wrong_arity(out, *find("XADD"));
  Publish event{.channel = arguments[1], .wants_receivers = false};
  if (const std::string problem = read_xadd_fields(arguments, options.fields_at, event);
      !problem.empty()) {
    return append_error(out, problem);
  }
  if (options.no_make_stream && !sink_.find(event.channel)) return append_nil(out);
  const auto published = sink_.publish(event);
  if (!published) return append_refused(out, published.error());
  append_bulk(out, published->id);
}

void RespCommands::xlen(Arguments arguments, std::string& out) {
  const auto state = sink_.find(arguments[1]);
  append_integer(out, state ? state->events : 0);
}

void RespCommands::del(Arguments arguments, std::string& out) {
  std::uint64_t erased = 0;
  for (const std::string_view channel : arguments.subspan(1)) {
    const auto result = sink_.erase(channel);
    if (!result) return append_refused(out, result.error());
    erased += *result ? 1 : 0;
  }
  append_integer(out, erased);
}

void RespCommands::finish(Arguments arguments, std::string& out) {
  const auto finished = sink_.finish(arguments[1]);
  if (!finished) return append_refused(out, finished.error());
  append_simple(out, "OK");
}

void RespCommands::pubsub(Arguments arguments, std::string& out) {
  const std::string_view what = arguments[1];
  if (equals_ignoring_case(what, "CHANNELS") && arguments.size() <= 3) {
    return pubsub_channels(arguments.size() == 3 ? arguments[2] : "*", out);
  }
  if (equals_ignoring_case(what, "NUMSUB")) {
    append_array(out, 2 * (arguments.size() - 2));
    for (const std::string_view channel : arguments.subspan(2)) {
      append_bulk(out, channel);
      append_integer(out, sink_.subscribers(channel));
    }
    return;
  }
  if (equals_ignoring_case(what, "NUMPAT") && arguments.size() == 2) {
    return append_integer(out, sink_.pattern_count());
  }
  append_unknown_subcommand(arguments, out);
}

// Every channel that has a history or subscribers, not only those with subscribers as in Redis: a
// publisher looks here for what it has published.
void RespCommands::pubsub_channels(std::string_view pattern, std::string& out) {
  std::vector<std::string> names;
  sink_.for_each_channel([&](std::string_view name, const ChannelState&) {
    if (glob_matches(pattern, name)) names.emplace_back(name);
    return names.size() <= kChannelsListedMax;
  });
  if (names.size() > kChannelsListedMax) {
    return append_error(out, fmt::format("more than {} channels match '{}': narrow the pattern",
                                         kChannelsListedMax, quotable(pattern)));
  }
  append_array(out, names.size());
  for (const std::string& name : names) append_bulk(out, name);
}

void RespCommands::append_unknown_subcommand(Arguments arguments, std::string& out) {
  const Command& command = *find(arguments[0]);
  append_error(out, fmt::format("unknown subcommand or wrong number of arguments for '{}': {}",
                                quotable(arguments[1]), command.usage));
}

}  // namespace fanfare::ingest
