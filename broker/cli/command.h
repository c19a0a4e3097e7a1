// Command: one subcommand of `fanfare`. It adds itself and its arguments to the parser and, if it
// was the one requested, runs. It reads and writes a Console, so that tests can observe it.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace fanfare::cli {

// The exit codes of `fanfare`. Every help text lists them; scripts and service managers rely on
// them.
enum class Exit : int {
  done = 0,
  failed = 1,          // what was asked for did not work; trying again may help
  usage = 2,           // the arguments make no sense
  configuration = 78,  // sysexits' EX_CONFIG: nothing changes until a person changes something
};

struct Console {
  std::FILE* in = stdin;
  std::FILE* out = stdout;
  std::FILE* err = stderr;
  // What this binary was built from, for --version and the log: a commit, or that it is unknown.
  std::string_view commit = "commit unknown";
  // `--` was among the arguments: what is behind it stands for itself, also a `-`.
  bool verbatim = false;

  // Whether `out` is a terminal that wants colours: a tty, TERM not "dumb", NO_COLOR not set.
  bool colourful() const;
  bool terminal() const;
  std::string version() const;  // "fanfare 0.1.0 (5ada15d8c1f2)"
};

struct Command {
  CLI::App* arguments = nullptr;  // owned by the parser it was added to
  std::function<Exit(Console&)> run;
};

Command add_serve(CLI::App& parser);
Command add_publish(CLI::App& parser);
Command add_tail(CLI::App& parser);
Command add_top(CLI::App& parser);
Command add_check(CLI::App& parser);
Command add_cert(CLI::App& parser);
Command add_completion(CLI::App& parser);

// All of them. The manual and the completion scripts are made from what they add.
std::vector<Command> add_commands(CLI::App& parser);

}  // namespace fanfare::cli
