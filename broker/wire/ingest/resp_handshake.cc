// What Redis tools and libraries send before, between and after the commands that matter: enough
// answers that they go on, and none that pretends to a feature that is not there.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <system_error>
#include <vector>

#include "broker/wire/ingest/door.h"
#include "broker/wire/ingest/resp_commands.h"
#include "broker/wire/ingest/resp_reply.h"
#include "broker/wire/ingest/text.h"

#include "common/letters.h"
#include "common/quotable.h"

namespace fanfare::ingest {

using resp::append_array;
using resp::append_bulk;
using resp::append_error;
using resp::append_integer;
using resp::append_map;
using resp::append_nil;
using resp::append_set;
using resp::append_simple;
using resp::append_verbatim;

void RespCommands::ping(Arguments arguments, std::string& out) {
  if (arguments.size() == 1) return append_simple(out, "PONG");
  append_bulk(out, arguments[1]);
}

// `redis-cli --pipe` ends with an ECHO of random bytes, and waits for them.
void RespCommands::echo(Arguments arguments, std::string& out) {
  append_bulk(out, arguments[1]);
}

namespace {

constexpr std::string_view kNoPasswords =
    "access is controlled by the permissions of the socket file and by [listen] ingest_users";

}  // namespace

// With a door, the password is a token, whatever the user is called. Without one, this is like a
// Redis without passwords: its user is "default", with any password. False: an error was appended.
bool RespCommands::authenticate(std::string_view user, std::string_view password,
                                std::string& out) {
  if (options_.door != nullptr) {
    const auto refused = options_.door->present(password);
    if (!refused) return true;
    append_error(out, refused->message, "WRONGPASS");
    quit_ = options_.door->tried_enough();
    return false;
  }
  if (user == "default") return true;
  append_error(out,
               fmt::format("invalid username-password pair or user is disabled. The only user is "
                           "'default', without a password: {}",
                           kNoPasswords),
               "WRONGPASS");
  return false;
}

// RESP3 is spoken from the greeting on; a refusal changes nothing.
void RespCommands::hello(Arguments arguments, std::string& out) {
  resp::Protocol wanted = protocol_;
  if (arguments.size() > 1) {
    const std::string_view text = arguments[1];
    int version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error != std::errc{} || end != text.data() + text.size()) {
      return append_error(out,
                          "Protocol version is not an integer or out of range: HELLO 2 or "
                          "HELLO 3");
    }
    if (version != 2 && version != 3) {
      return append_error(out,
                          "unsupported protocol version: this broker speaks RESP2 (HELLO 2) "
                          "and RESP3 (HELLO 3)",
                          "NOPROTO");
    }
    wanted = static_cast<resp::Protocol>(version);
    if (!take_hello_options(arguments.subspan(2), out)) return;
  }
  if (options_.door != nullptr && !options_.door->open()) {
    // Redis's own words come first: libraries know them.
    return append_error(out,
                        fmt::format("HELLO must be called with the client already authenticated, "
                                    "otherwise the HELLO <proto> AUTH <user> <pass> option can be "
                                    "used to authenticate the client and select the RESP protocol "
                                    "version at the same time: {}",
                                    options_.door->refusal().message),
                        "NOAUTH");
  }
  protocol_ = wanted;
  append_greeting(out);
}

bool RespCommands::take_hello_options(Arguments options, std::string& out) {
  std::optional<std::string_view> name;
  while (!options.empty()) {
    if (same_ignoring_case(options[0], "AUTH") && options.size() >= 3) {
      if (!authenticate(options[1], options[2], out)) return false;
      options = options.subspan(3);
    } else if (same_ignoring_case(options[0], "SETNAME") && options.size() >= 2) {
      name = options[1];
      options = options.subspan(2);
    } else {
      append_error(out, fmt::format("syntax error in HELLO option '{}': {}", quotable(options[0]),
                                    find("HELLO")->usage));
      return false;
    }
  }
  return !name || take_name(*name, out);
}

void RespCommands::append_greeting(std::string& out) const {
  append_map(out, 7, protocol_);
  append_bulk(out, "server");
  append_bulk(out, "fanfare");
  append_bulk(out, "version");
  append_bulk(out, options_.version);
  append_bulk(out, "proto");
  append_integer(out, static_cast<std::uint64_t>(protocol_));
  append_bulk(out, "id");
  append_integer(out, options_.connection);
  append_bulk(out, "mode");
  append_bulk(out, "standalone");
  append_bulk(out, "role");
  append_bulk(out, "master");
  append_bulk(out, "modules");
  append_array(out, 0);
}

void RespCommands::auth(Arguments arguments, std::string& out) {
  if (arguments.size() == 3) {
    if (authenticate(arguments[1], arguments[2], out)) append_simple(out, "OK");
    return;
  }
  if (options_.door != nullptr) {
    if (authenticate("default", arguments[1], out)) append_simple(out, "OK");
    return;
  }
  // Redis's own words come first: libraries know them, and go on.
  append_error(out,
               fmt::format("AUTH <password> called without any password configured for the default "
                           "user. Are you sure your configuration is correct? Send no password: {}",
                           kNoPasswords));
}

// As Redis describes a command: name, arity (negative: at least), flags, and where keys stand.
void RespCommands::append_description(std::string& out, const Command& command) const {
  const bool exact = command.arguments_min == command.arguments_max;
  append_array(out, 6);
  append_bulk(out, lower(command.name));
  out += fmt::format(":{}{}\r\n", exact ? "" : "-", command.arguments_min);
  append_set(out, 0, protocol_);
  for (int position = 0; position < 3; ++position) append_integer(out, 0);
}

void RespCommands::command(Arguments arguments, std::string& out) {
  const std::string_view what = arguments.size() == 1 ? "" : arguments[1];
  if (what.empty()) {
    append_array(out, table().size());
    for (const Command& command : table()) append_description(out, command);
  } else if (same_ignoring_case(what, "DOCS")) {
    append_map(out, 0, protocol_);  // redis-cli asks for hints; it does without
  } else if (same_ignoring_case(what, "COUNT")) {
    append_integer(out, table().size());
  } else if (same_ignoring_case(what, "LIST")) {
    append_array(out, table().size());
    for (const Command& command : table()) append_bulk(out, command.name);
  } else if (same_ignoring_case(what, "INFO")) {
    append_array(out, arguments.size() - 2);
    for (const std::string_view name : arguments.subspan(2)) {
      const Command* command = find(name);
      command != nullptr ? append_description(out, *command) : append_nil(out, protocol_);
    }
  } else {
    append_unknown_subcommand(arguments, out);
  }
}

// As in Redis: a name is one word, so that a list of clients can be taken apart.
bool RespCommands::take_name(std::string_view name, std::string& out) {
  if (!std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; })) {
    append_error(out, "Client names cannot contain spaces, newlines or special characters.");
    return false;
  }
  client_name_ = name;
  return true;
}

std::string RespCommands::description() const {
  return fmt::format("id={} name={} resp={}\n", options_.connection, client_name_,
                     static_cast<int>(protocol_));
}

void RespCommands::client(Arguments arguments, std::string& out) {
  const auto is = [&](std::string_view what, std::size_t size) {
    return same_ignoring_case(arguments[1], what) && arguments.size() == size;
  };
  if (is("SETNAME", 3)) {
    if (take_name(arguments[2], out)) append_simple(out, "OK");
  } else if (is("GETNAME", 2)) {
    client_name_.empty() ? append_nil(out, protocol_) : append_bulk(out, client_name_);
  } else if (is("ID", 2)) {
    append_integer(out, options_.connection);
  } else if (is("INFO", 2) || is("LIST", 2)) {
    append_verbatim(out, description(), protocol_);  // a publisher sees itself, nobody else
  } else if (is("SETINFO", 4) || is("NO-EVICT", 3) || is("NO-TOUCH", 3)) {
    append_simple(out, "OK");  // libraries send it unasked; nothing depends on it
  } else if (same_ignoring_case(arguments[1], "REPLY") && arguments.size() == 3) {
    if (same_ignoring_case(arguments[2], "ON")) return append_simple(out, "OK");
    append_error(
        out,
        "every command gets a reply: remove CLIENT REPLY, and read the replies whenever you like");
  } else if (same_ignoring_case(arguments[1], "TRACKING") && arguments.size() > 2) {
    if (same_ignoring_case(arguments[2], "OFF")) return append_simple(out, "OK");
    append_error(out,
                 "CLIENT TRACKING is not supported: there are no keys to track; disable "
                 "client-side caching");
  } else {
    append_unknown_subcommand(arguments, out);
  }
}

namespace {

// Parameters that clients query of their own accord (redis-benchmark, StackExchange.Redis), with
// the values that are true here.
struct Parameter {
  std::string_view name, value;
};
constexpr auto kParameters = std::to_array<Parameter>({
    {"appendonly", "no"},  // the history is in memory
    {"databases", "1"},
    {"replica-read-only", "no"},
    {"save", ""},
    {"slave-read-only", "no"},
    {"timeout", "0"},  // publishers may be idle for days
});

}  // namespace

void RespCommands::config(Arguments arguments, std::string& out) {
  if (!same_ignoring_case(arguments[1], "GET") || arguments.size() < 3) {
    return append_error(out,
                        "only CONFIG GET is supported: the configuration is broker.toml, which is "
                        "reloaded on SIGHUP");
  }
  std::vector<const Parameter*> found;
  for (const Parameter& parameter : kParameters) {
    const bool asked = std::ranges::any_of(arguments.subspan(2), [&](std::string_view pattern) {
      return glob_matches(lower(pattern), parameter.name);
    });
    if (asked) found.push_back(&parameter);
  }
  append_map(out, found.size(), protocol_);
  for (const Parameter* parameter : found) {
    append_bulk(out, parameter->name);
    append_bulk(out, parameter->value);
  }
}

// In Redis's own words: libraries that ask whether this is a cluster know them.
void RespCommands::cluster(Arguments /*arguments*/, std::string& out) {
  append_error(out,
               "This instance has cluster support disabled: there is one broker; connect without "
               "cluster mode");
}

void RespCommands::select(Arguments arguments, std::string& out) {
  if (arguments[1] == "0") return append_simple(out, "OK");
  append_error(out, "DB index is out of range: the only database is 0");
}

// There are never any replicas.
void RespCommands::wait(Arguments /*arguments*/, std::string& out) {
  append_integer(out, 0);
}

void RespCommands::info(Arguments /*arguments*/, std::string& out) {
  std::string text = "# Fanfare\r\n";
  sink_.for_each_fact([&text](std::string_view name, FactValue value) {
    text += name;
    text += ':';
    if (const auto* number = std::get_if<std::uint64_t>(&value)) {
      text += fmt::format_int(*number).c_str();
    } else {
      text += std::get<std::string_view>(value);
    }
    text += "\r\n";
  });
  append_verbatim(out, text, protocol_);
}

// As in Redis, who the client is counts no more either.
void RespCommands::reset(Arguments /*arguments*/, std::string& out) {
  if (options_.door != nullptr) options_.door->shut();
  transaction_.end();
  protocol_ = resp::Protocol::resp2;
  client_name_.clear();
  append_simple(out, "RESET");
}

void RespCommands::quit(Arguments /*arguments*/, std::string& out) {
  transaction_.end();
  quit_ = true;
  append_simple(out, "OK");
}

}  // namespace fanfare::ingest
