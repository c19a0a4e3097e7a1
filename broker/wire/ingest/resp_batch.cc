// Commands that are executed together or not at all: MULTI ... EXEC, and the publish loop of EVAL.
//
// Commands are checked when they are queued, as far as that can be without the log; EXEC rehearses
// all of them on it before the first is run. So a transaction that would be refused in part (a
// channel was finished meanwhile, a limit is reached) publishes nothing, and can be sent again
// without publishing anything twice. Nothing comes between its events: they are made in one call.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "broker/wire/ingest/resp_commands.h"
#include "broker/wire/ingest/resp_reply.h"
#include "broker/wire/ingest/resp_script.h"
#include "broker/wire/ingest/text.h"

#include "common/letters.h"
#include "common/quotable.h"
#include "common/sha1.h"

namespace fanfare::ingest {

using resp::append_array;
using resp::append_bulk;
using resp::append_error;
using resp::append_integer;
using resp::append_nil;
using resp::append_refused;
using resp::append_simple;

namespace {

constexpr std::string_view kOnlyTheLoop =
    "the only supported script is the loop that publishes ARGV[1] to the channels ARGV[2...]: "
    "there is no Lua; send PUBLISH, or several of them between MULTI and EXEC";

}  // namespace

void RespCommands::multi(Arguments /*arguments*/, std::string& out) {
  if (transaction_.open()) {
    return append_error(out, "MULTI calls can not be nested: end the first with EXEC or DISCARD");
  }
  transaction_.begin();
  append_simple(out, "OK");
}

void RespCommands::discard(Arguments /*arguments*/, std::string& out) {
  if (!transaction_.open()) return append_error(out, "DISCARD without MULTI");
  transaction_.end();
  append_simple(out, "OK");
}

void RespCommands::watch(Arguments /*arguments*/, std::string& out) {
  if (transaction_.open()) return append_error(out, "WATCH inside MULTI is not allowed");
  append_error(out,
               "WATCH is not supported: there are no keys that could change before EXEC; MULTI and "
               "EXEC alone publish all or nothing. To be notified of subscribers, send "
               "{\"op\":\"watch\"} in NDJSON");
}

// Nothing is watched.
void RespCommands::unwatch(Arguments /*arguments*/, std::string& out) {
  append_simple(out, "OK");
}

void RespCommands::queue(const Command* command, Arguments arguments, std::string& out) {
  if (!may_be_queued(command, arguments, out)) return transaction_.spoil();
  if (transaction_.spoiled()) return append_simple(out, "QUEUED");  // as Redis; EXEC will refuse
  switch (transaction_.add(arguments)) {
    case RespTransaction::Added::added:
      return append_simple(out, "QUEUED");
    case RespTransaction::Added::too_large:
      append_error(
          out, fmt::format(
                   "the transaction is too large: the limit is {} bytes, including {} for each "
                   "command ([limits] ingest_batch_bytes); EXEC will refuse it: send smaller ones",
                   commons_.transaction_bytes_max, RespTransaction::kCommandBytes));
      break;
    case RespTransaction::Added::no_room:
      append_error(out,
                   "the open transactions of all publishers have reached [limits] bodies_bytes; "
                   "EXEC will refuse this one: send it again later",
                   "UNAVAILABLE");
      break;
  }
  ++commons_.queue_full_total;
  transaction_.spoil();
}

bool RespCommands::may_be_queued(const Command* command, Arguments arguments, std::string& out) {
  if (command == nullptr) {
    append_not_served(out, arguments[0]);
    return false;
  }
  if (!fits(*command, arguments)) {
    append_wrong_arity(out, *command);
    return false;
  }
  if (command->inside == Inside::refused) {
    append_error(out, fmt::format("{} inside MULTI is not allowed: send it before", command->name));
    return false;
  }
  if (command->reads_channels && refuse_names(arguments.subspan(1), out)) return false;
  if (command->changes == nullptr) return true;
  bool allowed = true;
  const bool understood = (this->*command->changes)(
      arguments,
      [&](const Change& change) {
        const auto refused = sink_.check(change);
        if (!refused) return true;
        append_refused(out, *refused);
        return allowed = false;
      },
      out);
  return understood && allowed;
}

void RespCommands::exec(Arguments /*arguments*/, std::string& out) {
  if (!transaction_.open()) return append_error(out, "EXEC without MULTI");
  if (transaction_.spoiled()) {
    transaction_.end();
    ++commons_.transactions_refused_total;
    return append_error(out,
                        "Transaction discarded because of previous errors: nothing was published",
                        "EXECABORT");
  }
  RespTransaction::Commands commands = transaction_.take();
  if (!would_be_taken(commands, out)) {
    ++commons_.transactions_refused_total;
    return;
  }
  ++commons_.transactions_total;
  run_all(commands, out);
}

// EXEC with arguments ends the transaction as any other that is refused, and outside of one it is
// the same error: as Redis.
void RespCommands::refuse_exec(const Command& command, std::string& out) {
  if (transaction_.open()) ++commons_.transactions_refused_total;
  transaction_.end();
  append_error(out, fmt::format("Transaction discarded because of: {}", arity_problem(command)),
               "EXECABORT");
}

// Appends an error if not.
bool RespCommands::would_be_taken(RespTransaction::Commands& commands, std::string& out) {
  const auto rehearsal = sink_.rehearse();
  std::optional<Refused> refused;
  const Visit rehearse = [&](const Change& change) { return !(refused = rehearsal->add(change)); };
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const Arguments arguments = commands.at(i);
    const Command& command = *find(arguments[0]);
    if (command.changes == nullptr) continue;
    // A script that was known may be forgotten by now.
    const std::size_t before = out.size();
    if (!(this->*command.changes)(arguments, rehearse, out)) {
      out.resize(before);
      refused = Refused{.message = "the script is no longer known"};
    }
    if (!refused) continue;
    append_error(out,
                 fmt::format("Transaction discarded because command {} ({}) would be refused: {}; "
                             "nothing was published",
                             i + 1, command.name, refused->message),
                 "EXECABORT");
    return false;
  }
  return true;
}

void RespCommands::run_all(RespTransaction::Commands& commands, std::string& out) {
  append_array(out, commands.size());
  executing_ = true;
  std::vector<Publish> together;
  const auto publish_together = [&] {
    publish(together, out);
    together.clear();
  };
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const Arguments arguments = commands.at(i);
    if (postpone(arguments, together)) {
      if (together.size() == kTogetherMax) publish_together();
      continue;
    }
    publish_together();
    run(arguments, out);
  }
  publish_together();
  executing_ = false;
}

// EVAL script keys [key ...] data channel ...; EVALSHA has the script's name instead. `argv`
// becomes what the script knows as ARGV. False: an error was appended.
bool RespCommands::read_loop(Arguments arguments, Arguments& argv, std::string& out) {
  const auto wrong = [&out](std::string_view problem) {
    append_error(out, problem);
    return false;
  };
  if (same_ignoring_case(arguments[0], "EVAL")) {
    if (!is_publish_loop(arguments[1])) {
      return wrong(kOnlyTheLoop);
    }
    commons_.scripts.add(sha1_hex(arguments[1]));
  } else if (!commons_.scripts.contains(lower(arguments[1]))) {
    append_error(out, "No matching script. Please use EVAL.", "NOSCRIPT");
    return false;
  }
  const std::string_view text = arguments[2];
  std::int64_t keys = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), keys);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return wrong("value is not an integer or out of range");
  }
  if (keys < 0) return wrong("Number of keys can't be negative");
  argv = arguments.subspan(3);
  if (static_cast<std::uint64_t>(keys) > argv.size()) {
    return wrong("Number of keys can't be greater than number of args");
  }
  argv = argv.subspan(static_cast<std::size_t>(keys));
  return true;
}

bool RespCommands::eval_changes(Arguments arguments, const Visit& visit, std::string& out) {
  Arguments argv;
  if (!read_loop(arguments, argv, out)) return false;
  for (std::size_t i = 1; i < argv.size(); ++i) {
    if (!visit(
            {Change::Kind::publish,
             {.channel = argv[i], .data = argv[0], .wants_id = false, .wants_receivers = false}})) {
      break;
    }
  }
  return true;
}

void RespCommands::eval(Arguments arguments, std::string& out) {
  const auto rehearsal = sink_.rehearse();
  std::optional<Refused> refused;
  std::vector<Publish> events;
  const bool understood = eval_changes(
      arguments,
      [&](const Change& change) {
        refused = rehearsal->add(change);
        if (!refused) events.push_back(change.event);
        return !refused;
      },
      out);
  if (!understood) return;
  if (refused) {
    refused->message += "; the script published nothing";
    return append_refused(out, *refused);
  }
  std::string receivers;  // the script does not return them
  for (std::span<const Publish> rest(events); !rest.empty();) {
    const std::size_t count = std::min(rest.size(), kTogetherMax);
    publish(rest.first(count), receivers);
    rest = rest.subspan(count);
  }
  append_nil(out, protocol_);
}

void RespCommands::script(Arguments arguments, std::string& out) {
  const std::string_view what = arguments[1];
  if (same_ignoring_case(what, "LOAD") && arguments.size() == 3) {
    if (!is_publish_loop(arguments[2])) {
      return append_error(out, kOnlyTheLoop);
    }
    const std::string name = sha1_hex(arguments[2]);
    commons_.scripts.add(name);
    append_bulk(out, name);
  } else if (same_ignoring_case(what, "EXISTS") && arguments.size() >= 3) {
    append_array(out, arguments.size() - 2);
    for (const std::string_view name : arguments.subspan(2)) {
      append_integer(out, commons_.scripts.contains(lower(name)) ? 1 : 0);
    }
  } else if (same_ignoring_case(what, "FLUSH") && arguments.size() <= 3) {
    commons_.scripts.clear();
    append_simple(out, "OK");
  } else {
    append_unknown_subcommand(arguments, out);
  }
}

}  // namespace fanfare::ingest
