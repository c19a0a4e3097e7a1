#include "broker/wire/ingest/resp_commands.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <expected>
#include <utility>
#include <vector>

#include "broker/wire/ingest/door.h"
#include "broker/wire/ingest/resp_reply.h"
#include "broker/wire/ingest/resp_unserved.h"
#include "broker/wire/ingest/text.h"

#include "common/letters.h"
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

// A listing is one reply and must be held whole; with more channels than this, a client has to
// narrow the pattern.
constexpr std::size_t kChannelsListedMax = 10'000;

}  // namespace

RespCommands::RespCommands(Sink& sink, const SessionOptions& options)
    : sink_(sink),
      options_(options),
      alone_(options.commons == nullptr ? std::make_unique<RespCommons>() : nullptr),
      commons_(options.commons == nullptr ? *alone_ : *options.commons),
      transaction_(commons_) {}

// PUBLISH and XADD first: the search goes from the front.
std::span<const RespCommands::Command> RespCommands::table() {
  using R = RespCommands;
  using enum Inside;
  constexpr std::size_t kAny = SIZE_MAX;
  static constexpr auto kCommands = std::to_array<Command>({
      {"PUBLISH", 3, 3, &R::publish, "PUBLISH channel data", queued, &R::publish_changes},
      {"XADD", 5, kAny, &R::xadd, "XADD channel * data ... [event ...] [key ...] [retry ...]",
       queued, &R::xadd_changes},
      {"MULTI", 1, 1, &R::multi, "MULTI", run_at_once},
      {"EXEC", 1, 1, &R::exec, "EXEC", run_at_once},
      {"DISCARD", 1, 1, &R::discard, "DISCARD", run_at_once},
      {"EVAL", 3, kAny, &R::eval, "EVAL script 0 data channel [channel ...]", queued,
       &R::eval_changes},
      {"EVALSHA", 3, kAny, &R::eval, "EVALSHA sha1 0 data channel [channel ...]", queued,
       &R::eval_changes},
      {"SCRIPT", 2, kAny, &R::script, "SCRIPT LOAD script | EXISTS sha1 ... | FLUSH", refused},
      {"XLEN", 2, 2, &R::xlen, "XLEN channel", queued, nullptr, true},
      {"EXISTS", 2, kAny, &R::exists, "EXISTS channel [channel ...]", queued, nullptr, true},
      {"DEL", 2, kAny, &R::del, "DEL channel [channel ...]", queued, &R::del_changes},
      {"SSE.FINISH", 2, 2, &R::finish, "SSE.FINISH channel", queued, &R::finish_changes},
      {"SSE.TICKET", 2, kAny, &R::ticket,
       "SSE.TICKET [EX duration] [LIFE duration] [SUB subject] channel [channel ...]", refused},
      {"PUBSUB", 2, kAny, &R::pubsub, "PUBSUB CHANNELS [pattern] | NUMSUB [channel ...] | NUMPAT",
       refused},
      {"PING", 1, 2, &R::ping, "PING [message]"},
      {"ECHO", 2, 2, &R::echo, "ECHO message"},
      {"HELLO", 1, kAny, &R::hello, "HELLO [2 | 3 [AUTH user password] [SETNAME name]]", refused,
       nullptr, false, true},
      {"AUTH", 2, 3, &R::auth, "AUTH user password", refused, nullptr, false, true},
      {"COMMAND", 1, kAny, &R::command, "COMMAND [COUNT | LIST | INFO name ... | DOCS]", refused},
      {"CLIENT", 2, kAny, &R::client,
       "CLIENT SETNAME | GETNAME | SETINFO | ID | INFO | LIST | REPLY ON | NO-EVICT | NO-TOUCH",
       refused},
      {"CONFIG", 2, kAny, &R::config, "CONFIG GET parameter [parameter ...]", refused},
      {"CLUSTER", 2, kAny, &R::cluster, "CLUSTER", refused},
      {"SELECT", 2, 2, &R::select, "SELECT 0"},
      {"WAIT", 3, 3, &R::wait, "WAIT replicas milliseconds"},
      {"WATCH", 2, kAny, &R::watch, "WATCH", run_at_once},
      {"UNWATCH", 1, 1, &R::unwatch, "UNWATCH"},
      {"INFO", 1, kAny, &R::info, "INFO", refused},
      {"RESET", 1, 1, &R::reset, "RESET", run_at_once, nullptr, false, true},
      {"QUIT", 1, kAny, &R::quit, "QUIT", run_at_once, nullptr, false, true},
  });
  return kCommands;
}

void RespCommands::run(Arguments arguments, std::string& out) {
  const Command* command = find(arguments[0]);
  if (!let_in(command, out)) return;
  if (command != nullptr && command->run == &RespCommands::exec && !fits(*command, arguments)) {
    return refuse_exec(*command, out);
  }
  if (transaction_.open() && (command == nullptr || command->inside != Inside::run_at_once ||
                              !fits(*command, arguments))) {
    return queue(command, arguments, out);
  }
  if (command == nullptr) return append_not_served(out, arguments[0]);
  if (!fits(*command, arguments)) return append_wrong_arity(out, *command);
  if (command->reads_channels && refuse_names(arguments.subspan(1), out)) return;
  (this->*command->run)(arguments, out);
}

bool RespCommands::door_open() const {
  return options_.door == nullptr || executing_ || options_.door->open();
}

// A transaction whose token expires before its end is over: none of it was published.
bool RespCommands::let_in(const Command* command, std::string& out) {
  if ((command != nullptr && command->before_door) || door_open()) return true;
  if (transaction_.open()) ++commons_.transactions_refused_total;
  transaction_.end();
  append_refused(out, options_.door->refusal());
  return false;
}

void RespCommands::passed_over() {
  if (transaction_.open()) transaction_.spoil();
}

const RespCommands::Command* RespCommands::find(std::string_view name) {
  for (const Command& command : table()) {
    if (same_ignoring_case(name, command.name)) return &command;
  }
  return nullptr;
}

bool RespCommands::fits(const Command& command, Arguments arguments) {
  return arguments.size() >= command.arguments_min && arguments.size() <= command.arguments_max;
}

std::string RespCommands::arity_problem(const Command& command) {
  return fmt::format("wrong number of arguments for '{}' command: {}", lower(command.name),
                     command.usage);
}

void RespCommands::append_wrong_arity(std::string& out, const Command& command) {
  append_error(out, arity_problem(command));
}

void RespCommands::append_not_served(std::string& out, std::string_view name) {
  if (const Unserved* const unserved = find_unserved(name)) {
    return append_error(out,
                        fmt::format("{} is not supported: {}", unserved->name, unserved->instead));
  }
  append_error(
      out,
      fmt::format("unknown command '{}': this is Fanfare, an event broker; it "
                  "supports PUBLISH, XADD, MULTI, XLEN, DEL, SSE.FINISH, SSE.TICKET and PUBSUB",
                  quotable(name)));
}

// Redis has no invalid keys, and so no error for one; a monitor that misspells a channel should not
// read 0 for ever. The other dialects refuse the name, too.
bool RespCommands::refuse_names(Arguments channels, std::string& out) {
  for (const std::string_view channel : channels) {
    const auto refused = sink_.name_problem(channel);
    if (!refused) continue;
    append_refused(out, *refused);
    return true;
  }
  return false;
}

bool RespCommands::postpone(Arguments arguments, std::vector<Publish>& waiting) {
  if (arguments.size() != 3 || !same_ignoring_case(arguments[0], "PUBLISH")) return false;
  if (transaction_.open() || !door_open()) return false;
  Publish& event = waiting.emplace_back();
  event.channel = arguments[1];
  event.data = arguments[2];
  event.wants_id = false;
  return true;
}

namespace {

// It has a history, not only subscribers.
bool is_there(Sink& sink, std::string_view channel) {
  const auto state = sink.find(channel);
  return state && state->published;
}

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

bool RespCommands::publish_changes(Arguments arguments, const Visit& visit, std::string& /*out*/) {
  visit({Change::Kind::publish, {.channel = arguments[1], .data = arguments[2]}});
  return true;
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
    if (same_ignoring_case(arguments[at], "NOMKSTREAM")) {
      options.no_make_stream = true;
      ++at;
    } else if (same_ignoring_case(arguments[at], "MAXLEN") ||
               same_ignoring_case(arguments[at], "MINID")) {
      ++at;
      if (at < arguments.size() && (arguments[at] == "~" || arguments[at] == "=")) ++at;
      ++at;
    } else if (same_ignoring_case(arguments[at], "LIMIT")) {
      at += 2;
    } else {
      break;
    }
  }
  if (at >= arguments.size()) {
    options.problem =
        "syntax error: the channel and its options must be followed by *, then the fields";
  } else if (arguments[at] != "*") {
    options.problem = fmt::format(
        "the id must be *, not '{}': only the broker numbers events, across all channels",
        quotable(arguments[at]));
  }
  options.fields_at = at + 1;
  return options;
}

// Fields to event; returns what is wrong, or nothing.
std::string read_xadd_fields(RespCommands::Arguments arguments, std::size_t at, Publish& event) {
  bool has_data = false, has_type = false, has_key = false;
  for (; at + 1 < arguments.size(); at += 2) {
    const std::string_view name = arguments[at], value = arguments[at + 1];
    bool twice = false;
    if (name == "data") {
      twice = std::exchange(has_data, true);
      event.data = value;
    } else if (name == "event") {
      twice = std::exchange(has_type, true);
      event.type = value;
    } else if (name == "key") {
      twice = std::exchange(has_key, true);
      event.key = value;
    } else if (name == "retry") {
      twice = event.retry_ms.has_value();
      event.retry_ms = parse_retry(value);
      if (!event.retry_ms) return retry_text_problem(value);
    } else {
      return fmt::format(
          "unknown field '{}' (argument {}): an event has the fields data, event, key and retry; "
          "put "
          "several values into data as JSON",
          quotable(name), at);
    }
    if (twice) return fmt::format("field '{}' occurs twice (argument {})", name, at);
  }
  if (has_key && event.key.empty())
    return "the field 'key' is empty: name what this is the latest value of, or leave it out";
  if (!has_data && !has_key)
    return "the field 'data' is missing: browsers do not dispatch an event without data";
  return {};
}

}  // namespace

bool RespCommands::xadd_changes(Arguments arguments, const Visit& visit, std::string& out) {
  const XaddOptions options = read_xadd_options(arguments);
  if (!options.problem.empty()) {
    append_error(out, options.problem);
    return false;
  }
  const std::size_t field_words = arguments.size() - options.fields_at;
  if (field_words == 0 || field_words % 2 != 0) {
    append_wrong_arity(out, *find("XADD"));
    return false;
  }
  Publish event{.channel = arguments[1], .wants_receivers = false};
  if (const std::string problem = read_xadd_fields(arguments, options.fields_at, event);
      !problem.empty()) {
    append_error(out, problem);
    return false;
  }
  using enum Change::Kind;
  visit({options.no_make_stream ? publish_if_there : publish, event});
  return true;
}

void RespCommands::xadd(Arguments arguments, std::string& out) {
  xadd_changes(
      arguments,
      [&](const Change& change) {
        const Publish& event = change.event;
        if (change.kind == Change::Kind::publish_if_there && !is_there(sink_, event.channel)) {
          // An event that no channel would accept is an error here too, as in MULTI.
          const auto refused = sink_.check(change);
          refused ? append_refused(out, *refused) : append_nil(out, protocol_);
          return true;
        }
        const auto published = sink_.publish(event);
        published ? append_bulk(out, published->id) : append_refused(out, published.error());
        return true;
      },
      out);
}

void RespCommands::xlen(Arguments arguments, std::string& out) {
  const auto state = sink_.find(arguments[1]);
  append_integer(out, state ? state->events : 0);
}

void RespCommands::exists(Arguments arguments, std::string& out) {
  std::uint64_t there = 0;
  for (const std::string_view channel : arguments.subspan(1))
    there += is_there(sink_, channel) ? 1 : 0;
  append_integer(out, there);
}

bool RespCommands::del_changes(Arguments arguments, const Visit& visit, std::string& /*out*/) {
  for (const std::string_view channel : arguments.subspan(1)) {
    if (!visit({Change::Kind::erase, {.channel = channel}})) break;
  }
  return true;
}

// An invalid name is found before the first channel is dropped.
void RespCommands::del(Arguments arguments, std::string& out) {
  for (const std::string_view channel : arguments.subspan(1)) {
    const auto refused = sink_.check({Change::Kind::erase, {.channel = channel}});
    if (refused) return append_refused(out, *refused);
  }
  std::uint64_t erased = 0;
  for (const std::string_view channel : arguments.subspan(1)) {
    const auto result = sink_.erase(channel);
    if (!result) return append_refused(out, result.error());
    erased += *result ? 1 : 0;
  }
  append_integer(out, erased);
}

bool RespCommands::finish_changes(Arguments arguments, const Visit& visit, std::string& /*out*/) {
  visit({Change::Kind::finish, {.channel = arguments[1]}});
  return true;
}

void RespCommands::finish(Arguments arguments, std::string& out) {
  const auto finished = sink_.finish(arguments[1]);
  if (!finished) return append_refused(out, finished.error());
  append_simple(out, "OK");
}

void RespCommands::ticket(Arguments arguments, std::string& out) {
  TicketRequest request;
  Arguments rest = arguments.subspan(1);
  const auto take = [&rest](std::string_view option, std::string_view& value) {
    const bool found = rest.size() > 2 && same_ignoring_case(rest[0], option);
    if (found) value = rest[1];
    if (found) rest = rest.subspan(2);
    return found;
  };
  while (take("EX", request.expires) || take("LIFE", request.life) ||
         take("SUB", request.subject)) {
  }
  request.channels.assign(rest.begin(), rest.end());
  const auto ticket = sink_.issue_ticket(request);
  if (!ticket) return append_refused(out, ticket.error());
  append_bulk(out, ticket->text);
}

void RespCommands::pubsub(Arguments arguments, std::string& out) {
  const std::string_view what = arguments[1];
  if (same_ignoring_case(what, "CHANNELS") && arguments.size() <= 3) {
    return pubsub_channels(arguments.size() == 3 ? arguments[2] : "*", out);
  }
  if (same_ignoring_case(what, "NUMSUB")) {
    if (refuse_names(arguments.subspan(2), out)) return;
    append_array(out, 2 * (arguments.size() - 2));
    for (const std::string_view channel : arguments.subspan(2)) {
      append_bulk(out, channel);
      append_integer(out, sink_.subscribers(channel));
    }
    return;
  }
  if (same_ignoring_case(what, "NUMPAT") && arguments.size() == 2) {
    return append_integer(out, sink_.pattern_count());
  }
  append_unknown_subcommand(arguments, out);
}

// Every channel that has a history or subscribers by name, not only those with subscribers as in
// Redis: a publisher also looks here for what it has published.
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
