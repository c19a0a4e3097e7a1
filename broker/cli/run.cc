#include "broker/cli/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string_view>

#include "broker/cli/usage.h"
#include "broker/server/base/version.h"

namespace fanfare::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  fanfare serve                                  start the broker with its defaults
  fanfare tail news 'metrics/**'                 watch two subscriptions
  fanfare publish news 'hello, world'            publish one event
  fanfare COMMAND --help                         more, with examples

Exit codes:
   0  done
   1  it did not work, and may work later (the port is in use, the broker is not running)
   2  wrong arguments
  78  the configuration or this machine must be fixed first)";

}  // namespace

bool Console::terminal() const {
  return isatty(fileno(out)) == 1;
}

bool Console::colourful() const {
  const char* term = std::getenv("TERM");
  return terminal() && std::getenv("NO_COLOR") == nullptr && term != nullptr &&
         std::string_view(term) != "dumb";
}

std::string Console::version() const {
  return fmt::format("fanfare {} ({})", server::kVersion, commit);
}

std::vector<Command> add_commands(CLI::App& parser) {
  parser.footer(kFooter);
  return {add_serve(parser), add_publish(parser), add_tail(parser),      add_top(parser),
          add_check(parser), add_cert(parser),    add_completion(parser)};
}

Exit run(std::span<const char* const> arguments, Console& console) {
  CLI::App parser(
      "Fanfare hands each published event to very many subscribers, over plain "
      "Server-Sent Events.",
      "fanfare");
  parser.set_version_flag("--version", console.version());
  parser.require_subcommand(1);
  const std::vector<Command> commands = add_commands(parser);
  try {
    parser.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) {
      fmt::print(console.err, "{}", usage_problem(parser, error));
      return Exit::usage;
    }
    std::ostringstream out;  // --help and --version end parsing in this way too
    parser.exit(error, out);
    fmt::print(console.out, "{}", out.str());
    return Exit::done;
  }
  console.verbatim =
      std::ranges::any_of(arguments, [](std::string_view argument) { return argument == "--"; });
  for (const Command& command : commands) {
    if (parser.got_subcommand(command.arguments)) return command.run(console);
  }
  return Exit::usage;
}

}  // namespace fanfare::cli
