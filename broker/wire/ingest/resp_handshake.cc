// What Redis tools and libraries send before, between and after the commands that matter: enough of
// it that they go on, and nothing that pretends to be what this is not.
#include <fmt/format.h>

#include <algorithm>

#include "broker/wire/ingest/resp_commands.h"
#include "broker/wire/ingest/resp_reply.h"
#include "broker/wire/ingest/text.h"

#include "common/quotable.h"

namespace fanfare::ingest {

using resp::append_array;
using resp::append_bulk;
using resp::append_error;
using resp::append_integer;
using resp::append_nil;
using resp::append_simple;

void RespCommands::ping(Arguments arguments, std::string& out) {
  if (arguments.size() == 1) return append_simple(out, "PONG");
  append_bulk(out, arguments[1]);
}

// `redis-cli --pipe` ends with an ECHO of random bytes, and waits for them.
void RespCommands::echo(Arguments arguments, std::string& out) {
  append_bulk(out, arguments[1]);
}

void RespCommands::hello(Arguments arguments, std::string& out) {
  if (arguments.size() > 1 && arguments[1] != "2") {
    return append_error(out, "unsupported protocol version: this broker speaks RESP2 (HELLO 2)",
                        "NOPROTO");
  }
  for (std::size_t at = 2; at < arguments.size(); at += 2) {
    if (equals_ignoring_case(arguments[at], "SETNAME") && at + 1 < arguments.size()) {
      client_name_ = arguments[at + 1];
      continue;
    }
    return append_error(out,
                        fmt::format("HELLO option '{}': only SETNAME name is understood; there "
                                    "are no passwords, who may publish is decided by the mode "
                                    "of the socket file",
                                    quotable(arguments[at])));
  }
  append_array(out, 14);  // a map in RESP3: seven pairs
  append_bulk(out, "server");
  append_bulk(out, "fanfare");
  append_bulk(out, "version");
  append_bulk(out, options_.version);
  append_bulk(out, "proto");
  append_integer(out, 2);
  append_bulk(out, "id");
  append_integer(out, options_.connection);
  append_bulk(out, "mode");
  append_bulk(out, "standalone");
  append_bulk(out, "role");
  append_bulk(out, "master");
  append_bulk(out, "modules");
  append_array(out, 0);
}

// As Redis describes a command: name, arity (negative: at least), flags, and where keys stand.
void RespCommands::append_description(std::string& out, const Command& command) {
  const bool exact = command.arguments_min == command.arguments_max;
  std::string name(command.name);
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  append_array(out, 6);
  append_bulk(out, name);
  out += fmt::format(":{}{}\r\n", exact ? "" : "-", command.arguments_min);
  append_array(out, 0);
  for (int position = 0; position < 3; ++position) append_integer(out, 0);
}

void RespCommands::command(Arguments arguments, std::string& out) {
  const std::string_view what = arguments.size() == 1 ? "" : arguments[1];
  if (what.empty()) {
    append_array(out, table().size());
    for (const Command& command : table()) append_description(out, command);
  } else if (equals_ignoring_case(what, "DOCS")) {
    append_array(out, 0);  // redis-cli asks for hints; it does without
  } else if (equals_ignoring_case(what, "COUNT")) {
    append_integer(out, table().size());
  } else if (equals_ignoring_case(what, "LIST")) {
    append_array(out, table().size());
    for (const Command& command : table()) append_bulk(out, command.name);
  } else if (equals_ignoring_case(what, "INFO")) {
    append_array(out, arguments.size() - 2);
    for (const std::string_view name : arguments.subspan(2)) {
      const Command* command = find(name);
      command != nullptr ? append_description(out, *command) : append_nil(out);
    }
  } else {
    append_unknown_subcommand(arguments, out);
  }
}

void RespCommands::client(Arguments arguments, std::string& out) {
  const std::string_view what = arguments[1];
  if (equals_ignoring_case(what, "SETNAME") && arguments.size() == 3) {
    client_name_ = arguments[2];
    append_simple(out, "OK");
  } else if (equals_ignoring_case(what, "GETNAME") && arguments.size() == 2) {
    client_name_.empty() ? append_nil(out) : append_bulk(out, client_name_);
  } else if (equals_ignoring_case(what, "ID") && arguments.size() == 2) {
    append_integer(out, options_.connection);
  } else if (equals_ignoring_case(what, "INFO") && arguments.size() == 2) {
    append_bulk(out,
                fmt::format("id={} name={} resp=2\n", options_.connection, quotable(client_name_)));
  } else if (equals_ignoring_case(what, "SETINFO") || equals_ignoring_case(what, "NO-EVICT") ||
             equals_ignoring_case(what, "NO-TOUCH")) {
    append_simple(out, "OK");  // told by libraries unasked; nothing depends on it
  } else {
    append_unknown_subcommand(arguments, out);
  }
}

// redis-benchmark asks for these two to print them beside its figures; both are true.
void RespCommands::config(Arguments arguments, std::string& out) {
  if (!equals_ignoring_case(arguments[1], "GET") || arguments.size() < 3) {
    return append_error(out,
                        "only CONFIG GET parameter is served: the configuration is "
                        "broker.toml, reread on SIGHUP");
  }
  if (equals_ignoring_case(arguments[2], "SAVE")) {
    append_array(out, 2);
    append_bulk(out, "save");
    append_bulk(out, "");
  } else if (equals_ignoring_case(arguments[2], "APPENDONLY")) {
    append_array(out, 2);
    append_bulk(out, "appendonly");
    append_bulk(out, "no");
  } else {
    append_array(out, 0);
  }
}

void RespCommands::select(Arguments arguments, std::string& out) {
  if (arguments[1] == "0") return append_simple(out, "OK");
  append_error(out, "DB index is out of range: there is one log, SELECT 0");
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
  append_bulk(out, text);
}

void RespCommands::reset(Arguments /*arguments*/, std::string& out) {
  client_name_.clear();
  append_simple(out, "RESET");
}

void RespCommands::quit(Arguments /*arguments*/, std::string& out) {
  quit_ = true;
  append_simple(out, "OK");
}

}  // namespace fanfare::ingest
