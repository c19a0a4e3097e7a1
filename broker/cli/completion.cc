// fanfare completion: the script with which a shell completes `fanfare`'s command line, on standard
// output. It is made from the commands themselves, so it knows exactly the options that there are.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/cli/command.h"
#include "broker/config/keys.h"

#include "common/quotable.h"

namespace fanfare::cli {
namespace {

enum class Shell : std::uint8_t { bash, zsh, fish };

constexpr const char* kFooter = R"(Examples:
  . <(fanfare completion bash)                                  for this shell
  fanfare completion bash > ~/.local/share/bash-completion/completions/fanfare
  fanfare completion zsh  > ~/.zfunc/_fanfare                   a folder of $fpath, before compinit
  fanfare completion fish > ~/.config/fish/completions/fanfare.fish

The Debian package has installed all three.

Exit codes: 0 written; 2 wrong arguments.)";

constexpr std::array<std::pair<std::string_view, Shell>, 3> kShells = {
    {{"bash", Shell::bash}, {"zsh", Shell::zsh}, {"fish", Shell::fish}}};

std::optional<Shell> shell_of(std::string_view name) {
  const auto* const found =
      std::ranges::find(kShells, name, &std::pair<std::string_view, Shell>::first);
  return found == kShells.end() ? std::nullopt : std::optional(found->second);
}

// What may stand for a value on the command line.
enum class Values : std::uint8_t { none, any, file, folder, key, shell };

// "DAYS", of "DAYS:INT in [1 - 36500]".
std::string type_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

Values values_of(const CLI::Option& option) {
  if (option.get_expected_max() == 0) return Values::none;
  const std::string type = type_of(option);
  if (type == "FILE" || type == "PATH") return Values::file;
  if (type == "DIR") return Values::folder;
  if (type == "KEY=VALUE") return Values::key;
  if (type == "SHELL") return Values::shell;
  return Values::any;
}

struct OptionText {
  std::vector<std::string> names;  // "--config", "-c"; a positional's own name
  std::string help;
  std::string type;
  Values values = Values::none;
  bool positional = false;
  bool repeatable = false;
};

struct CommandText {
  std::string name;  // empty: the program's own
  std::string help;
  std::vector<OptionText> options;
};

CommandText text_of(const CLI::App& command, std::string name) {
  CommandText text{.name = std::move(name), .help = command.get_description(), .options = {}};
  for (const CLI::Option* option : command.get_options()) {
    OptionText& added = text.options.emplace_back();
    for (const std::string& one : option->get_lnames()) added.names.push_back("--" + one);
    for (const std::string& one : option->get_snames()) added.names.push_back("-" + one);
    added.positional = option->get_positional();
    if (added.positional) added.names = {option->get_name()};
    added.help = option->get_description();
    added.type = type_of(*option);
    added.values = values_of(*option);
    added.repeatable = option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll ||
                       option->get_expected_max() > 1;
  }
  return text;
}

std::vector<CommandText> commands_of(const CLI::App& parser) {
  std::vector<CommandText> commands;
  for (const CLI::App* command : parser.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(text_of(*command, command->get_name()));
  }
  return commands;
}

// "listen.http=": what --set takes. Tables of which there may be several cannot be set there.
std::vector<std::string> settable() {
  std::vector<std::string> keys;
  for (const auto& section : config::sections()) {
    for (const auto& key : section.keys) {
      keys.push_back(fmt::format("{}.{}=", section.name, key.facts.name));
    }
  }
  return keys;
}

std::string words_of_shells() {
  std::string words;
  for (const auto& [name, shell] : kShells) {
    words += words.empty() ? "" : " ";
    words += name;
  }
  return words;
}

std::string option_words(const CommandText& command) {
  std::string words;
  for (const OptionText& option : command.options) {
    if (option.positional) continue;
    words += (words.empty() ? "" : " ") + fmt::format("{}", fmt::join(option.names, " "));
  }
  return words;
}

// In single quotes, as every one of the shells has them.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

constexpr std::string_view kBashHead =
    R"(# bash completion for fanfare, made by `fanfare completion bash`.

_fanfare() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command= i
  COMPREPLY=()
  # bash takes --option=value apart at the sign.
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${COMP_WORDS[i]} == -* ]] && continue
    command=${COMP_WORDS[i]}
    break
  done
  case "$command $previous" in
)";

constexpr std::string_view kBashTail = R"(  esac
}
complete -F _fanfare fanfare
)";

std::string_view bash_reply(Values values) {
  switch (values) {
    case Values::file:
      return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\")";
    case Values::folder:
      return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$current\")";
    case Values::key:
      return "compopt -o nospace; "
             "mapfile -t COMPREPLY < <(compgen -W \"$_fanfare_keys\" -- \"$current\")";
    case Values::shell:
    case Values::any:
    case Values::none:
      break;
  }
  return ":";
}

std::string bash_script(const CommandText& program, const std::vector<CommandText>& commands) {
  std::string out(kBashHead);
  std::string names;
  for (const CommandText& command : commands) {
    names += (names.empty() ? "" : " ") + command.name;
    for (const OptionText& option : command.options) {
      if (option.positional || option.values == Values::none) continue;
      std::vector<std::string> patterns;
      patterns.reserve(option.names.size());
      for (const std::string& name : option.names) {
        patterns.push_back(fmt::format("\"{} {}\"", command.name, name));
      }
      fmt::format_to(std::back_inserter(out), "    {}) {}; return ;;\n", fmt::join(patterns, " | "),
                     bash_reply(option.values));
    }
  }
  out += "  esac\n  case $command in\n";
  fmt::format_to(std::back_inserter(out),
                 "    '') mapfile -t COMPREPLY < <(compgen -W {} -- \"$current\") ;;\n",
                 in_quotes(names + " " + option_words(program)));
  for (const CommandText& command : commands) {
    const auto argument = std::ranges::find_if(command.options, &OptionText::positional);
    std::string words = in_quotes(option_words(command));
    std::string_view more;
    if (argument != command.options.end()) {
      // An option begins with a dash; everything else is the argument's.
      if (argument->values == Values::shell) words = in_quotes(words_of_shells());
      if (argument->values == Values::any) more = "[[ $current == -* ]] && ";
    }
    fmt::format_to(std::back_inserter(out),
                   "    {}) {}mapfile -t COMPREPLY < <(compgen -W {} -- \"$current\") ;;\n",
                   command.name, more, words);
  }
  out += kBashTail;
  fmt::format_to(std::back_inserter(out), "_fanfare_keys={}\n",
                 in_quotes(fmt::format("{}", fmt::join(settable(), " "))));
  return out;
}

std::string zsh_action(const OptionText& option) {
  const std::string type = option.positional ? option.names.front() : option.type;
  switch (option.values) {
    case Values::none:
      return "";
    case Values::file:
      return ":" + type + ":_files";
    case Values::folder:
      return ":" + type + ":_files -/";
    case Values::key:
      return ":" + type + ":_fanfare_keys";
    case Values::shell:
      return fmt::format(":{}:({})", type, words_of_shells());
    case Values::any:
      return ":" + type + ": ";
  }
  std::unreachable();
}

// As it may stand in brackets.
std::string zsh_help(std::string_view help) {
  std::string out = "[";
  for (const char c : help) {
    if (std::string_view("[]\\").contains(c)) out += '\\';
    out += c;
  }
  return out + "]";
}

// One specification for _arguments: '(--config -c)'{--config,-c}'[help]:FILE:_files'.
std::string zsh_specification(const OptionText& option) {
  const std::string action = zsh_action(option);
  if (option.positional) return in_quotes((option.repeatable ? "*" : "") + action);
  const std::string all = fmt::format("{}", fmt::join(option.names, " "));
  const std::string names = option.names.size() == 1
                                ? option.names.front()
                                : fmt::format("{{{}}}", fmt::join(option.names, ","));
  return in_quotes(option.repeatable ? "*" : "(" + all + ")") + names +
         in_quotes(zsh_help(option.help) + action);
}

std::string zsh_arguments(const CommandText& command) {
  std::string out = "_arguments -s";
  for (const OptionText& option : command.options) {
    out += " \\\n        " + zsh_specification(option);
  }
  return out;
}

std::string zsh_script(const CommandText& program, const std::vector<CommandText>& commands) {
  std::string out =
      "#compdef fanfare\n# zsh completion for fanfare, made by `fanfare completion zsh`.\n\n"
      "_fanfare_keys() {\n  local -a keys\n  keys=(";
  out += fmt::format("{})\n  compadd -S '' -a keys\n}}\n\n", fmt::join(settable(), " "));
  out += "_fanfare() {\n  if (( CURRENT == 2 )); then\n    local -a commands\n    commands=(\n";
  for (const CommandText& command : commands) {
    out += "      " + in_quotes(command.name + ":" + command.help) + "\n";
  }
  out += "    )\n    _describe -t commands command commands\n    " + zsh_arguments(program) +
         "\n    return\n  fi\n  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n"
         "  case $command in\n";
  for (const CommandText& command : commands) {
    fmt::format_to(std::back_inserter(out), "    {})\n      {} ;;\n", command.name,
                   zsh_arguments(command));
  }
  return out +
         "  esac\n}\n\n# Autoloaded from $fpath, or read as it is.\n"
         "if [[ ${funcstack[1]} == _fanfare ]]; then\n  _fanfare \"$@\"\nelse\n"
         "  compdef _fanfare fanfare\nfi\n";
}

std::string fish_value(const OptionText& option) {
  switch (option.values) {
    case Values::none:
      return "";
    case Values::file:
      return " -r -F";
    case Values::folder:
      return " -x -a '(__fish_complete_directories)'";
    case Values::key:
      return fmt::format(" -x -a {}", in_quotes(fmt::format("{}", fmt::join(settable(), " "))));
    case Values::shell:
    case Values::any:
      return " -x";
  }
  std::unreachable();
}

std::string fish_option(std::string_view condition, const OptionText& option) {
  std::string out = fmt::format("complete -c fanfare -n {}", in_quotes(condition));
  if (option.positional) {
    return option.values == Values::shell ? out + " -a " + in_quotes(words_of_shells()) + "\n" : "";
  }
  for (const std::string& name : option.names) {
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  return out + fish_value(option) + " -d " + in_quotes(option.help) + "\n";
}

std::string fish_script(const CommandText& program, const std::vector<CommandText>& commands) {
  std::string out =
      "# fish completion for fanfare, made by `fanfare completion fish`.\n"
      "complete -c fanfare -f\n";
  for (const OptionText& option : program.options) {
    out += fish_option("__fish_use_subcommand", option);
  }
  for (const CommandText& command : commands) {
    fmt::format_to(std::back_inserter(out),
                   "complete -c fanfare -n __fish_use_subcommand -a {} -d {}\n", command.name,
                   in_quotes(command.help));
    for (const OptionText& option : command.options) {
      out += fish_option("__fish_seen_subcommand_from " + command.name, option);
    }
  }
  return out;
}

// `parser` has all of its commands. The script defines everything it calls.
std::string completion_script(const CLI::App& parser, Shell shell) {
  const CommandText program = text_of(parser, "");
  const std::vector<CommandText> commands = commands_of(parser);
  switch (shell) {
    case Shell::bash:
      return bash_script(program, commands);
    case Shell::zsh:
      return zsh_script(program, commands);
    case Shell::fish:
      return fish_script(program, commands);
  }
  std::unreachable();
}

}  // namespace

Command add_completion(CLI::App& parser) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = parser.add_subcommand("completion", "Write a completion script for a shell");
  command->add_option("shell", *name, "bash, zsh or fish")
      ->type_name("SHELL")
      ->required()
      ->check([](const std::string& text) {
        return shell_of(text)
                   ? ""
                   : fmt::format("no script for \"{}\"; write bash, zsh or fish", quotable(text));
      });
  command->footer(kFooter);
  return {command, [name, &parser](Console& console) {
            fmt::print(console.out, "{}", completion_script(parser, *shell_of(*name)));
            return Exit::done;
          }};
}

}  // namespace fanfare::cli
