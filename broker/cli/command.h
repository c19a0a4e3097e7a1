// Command: one subcommand of `fanfare`. It adds itself and its arguments to the parser and, if it
// was the one requested, runs. It reads and writes a Console, so that tests can observe it.
#pragma once

#include <cstdio>
#include <functional>

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
  // `--` was among the arguments: what is behind it stands for itself, also a `-`.
  bool verbatim = false;

  // Whether `out` is a terminal that wants colours: a tty, TERM not "dumb", NO_COLOR not set.
  bool colourful() const;
  bool terminal() const;
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

}  // namespace fanfare::cli
