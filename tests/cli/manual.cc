#include "tests/cli/manual.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iterator>
#include <string_view>
#include <vector>

#include "broker/cli/command.h"
#include "broker/server/base/version.h"
#include "tests/roff.h"

namespace fanfare::cli {
namespace {

constexpr std::string_view kDescription = R"(.B fanfare
is a broker for Server\-Sent Events: one daemon
.RB ( "fanfare serve" )
that holds very many subscribers and sends each published event to all of them, and a few commands that help to run it.
Applications publish over a local Unix socket, with HTTP, Redis\(aqs protocol or lines of JSON; browsers subscribe with
EventSource. Events are numbered in one log; clients that come back get what they missed, or an event that says what is
no longer available.
)";

constexpr std::string_view kEnd = R"(.SH EXIT STATUS
.TP
.B 0
done
.TP
.B 1
it did not work, and may work later (the port is in use, the broker is not running)
.TP
.B 2
wrong arguments
.TP
.B 78
the configuration or this machine must be fixed first (EX_CONFIG of sysexits); a service manager should not try again
.SH ENVIRONMENT
.TP
.B XDG_RUNTIME_DIR
For other users than root, the folder in which fanfare/ingest.sock is.
.TP
.B NO_COLOR
No colours, even on a terminal.
.TP
.BR NOTIFY_SOCKET ", " WATCHDOG_USEC ", " WATCHDOG_PID
Set by a service manager like systemd: where
.B fanfare serve
reports its state, and how often it is to say that it is alive.
.TP
.BR LISTEN_FDS ", " LISTEN_PID ", " LISTEN_FDNAMES
Set by a service manager: the sockets that it passes on. One that is named http, https, ingest, admin or publish is used
in place of the addresses of that key in broker.toml, any other for the address that it has.
.SH FILES
.TP
.I /etc/fanfare/broker.toml
The configuration of the system service; see
.BR broker.toml (5).
.TP
.I /run/fanfare/ingest.sock
Where applications publish. Users of the group fanfare may.
.SH SEE ALSO
.BR broker.toml (5),
.BR systemd.socket (5),
.BR curl (1),
.BR redis\-cli (1)
.PP
.I /usr/share/doc/fanfare
has the protocol, the metrics, and configurations of proxies.
)";

std::string type_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

// "CHANNEL [DATA]": the arguments without a dash, as the command takes them.
std::string arguments_of(const CLI::App& command) {
  std::string out;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    std::string name = option->get_name();
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (option->get_expected_max() > 1) name += "...";
    out += option->get_required() ? " \\fI" + roff(name) + "\\fR" : " [\\fI" + roff(name) + "\\fR]";
  }
  return out;
}

std::string option_entry(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_lnames()) names.push_back(roff_bold("--" + name));
  for (const std::string& name : option.get_snames()) names.push_back(roff_bold("-" + name));
  std::string out = fmt::format(".TP\n{}", fmt::join(names, ", "));
  if (option.get_expected_max() > 0) out += " \\fI" + roff(type_of(option)) + "\\fR";
  return out + "\n" + roff(option.get_description()) + "\n";
}

std::string command_entry(const CLI::App& command) {
  const std::string name = "fanfare " + command.get_name();
  std::string out =
      fmt::format(".SS {}\n.PP\n{} [\\fIOPTION\\fR...]{}\n.PP\n{}.\n", roff(name), roff_bold(name),
                  arguments_of(command), roff(command.get_description()));
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) out += option_entry(*option);
  }
  return out + ".PP\n" + roff_lines(command.get_footer());
}

}  // namespace

std::string manual_page() {
  CLI::App parser;
  add_commands(parser);
  const auto commands = parser.get_subcommands([](const CLI::App*) { return true; });
  std::string out = fmt::format(
      ".\\\" Made by `cmake --build --preset dev --target write-manual`; do not edit it by hand.\n"
      ".TH FANFARE 1 \"\" \"fanfare {}\" \"Fanfare\"\n"
      ".SH NAME\nfanfare \\- event broker for Server\\-Sent Events\n.SH SYNOPSIS\n",
      server::kVersion);
  for (const CLI::App* command : commands) {
    const std::string name = "fanfare " + command->get_name();
    fmt::format_to(std::back_inserter(out), "{} [\\fIOPTION\\fR...]{}\n.br\n", roff_bold(name),
                   arguments_of(*command));
  }
  out += "\\fBfanfare \\-\\-help\\fR | \\fB\\-\\-version\\fR\n.SH DESCRIPTION\n";
  out += kDescription;
  out += ".SH COMMANDS\n";
  for (const CLI::App* command : commands) out += command_entry(*command);
  out += kEnd;
  return out;
}

}  // namespace fanfare::cli
