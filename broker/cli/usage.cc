#include "broker/cli/usage.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/config/spelling.h"

#include "common/quotable.h"

namespace fanfare::cli {
namespace {

using Commands = std::vector<const CLI::App*>;

Commands commands_of(const CLI::App& parser) {
  return parser.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<std::string> options_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    if (option->nonpositional()) names.push_back(option->get_name());
  }
  return names;
}

bool has_option(const CLI::App& command, const std::string& name) {
  return command.get_option_no_throw(name) != nullptr;
}

bool takes_arguments(const CLI::App& command) {
  const auto options = command.get_options();
  return std::any_of(options.begin(), options.end(),
                     [](const CLI::Option* option) { return option->get_positional(); });
}

// "; did you mean …?", or nothing.
std::string meant(std::string_view word, const std::vector<std::string>& names) {
  const std::vector<std::string_view> known(names.begin(), names.end());
  const std::string_view near = config::nearest(word, known);
  return near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near);
}

// The first word that `app` could not place; an option without its value.
std::optional<std::string> first_unexpected(const CLI::App& app) {
  for (const std::string& word : app.remaining()) {
    if (word == "--") continue;
    return word.starts_with('-') ? word.substr(0, word.find('=')) : word;
  }
  return std::nullopt;
}

bool is_option(std::string_view word) {
  return word.size() > 1 && word.starts_with('-');
}

std::string unknown_option(const CLI::App& app, const std::string& word) {
  const std::vector<std::string> names = options_of(app);
  std::string problem = fmt::format("there is no option \"{}\"", quotable(word));
  if (const std::string near = meant(word, names); !near.empty()) return problem + near;
  problem += fmt::format("; the options are {}", fmt::join(names, ", "));
  if (has_option(app, "--set")) {
    problem += "; any key of broker.toml can follow --set, like --set listen.http=127.0.0.1:8080";
  }
  return problem;
}

// A word before any command, or in its place.
std::string misplaced(const CLI::App& parser, const std::string& word) {
  const Commands commands = commands_of(parser);
  if (!is_option(word)) {
    std::vector<std::string> names;
    for (const CLI::App* command : commands) names.push_back(command->get_name());
    return fmt::format("there is no command \"{}\"{}", quotable(word), meant(word, names));
  }
  const auto owner = std::find_if(commands.begin(), commands.end(), [&](const CLI::App* command) {
    return has_option(*command, word);
  });
  if (owner == commands.end()) return unknown_option(parser, word);
  return fmt::format("\"{0}\" comes before the command; write it after, like `fanfare {1} {0}`",
                     quotable(word), (*owner)->get_name());
}

// A word that `command` has no place for.
std::string unexpected(const CLI::App& command, const std::string& word) {
  if (is_option(word)) return unknown_option(command, word);
  std::string problem = fmt::format("\"{}\" is not expected here", quotable(word));
  if (has_option(command, "--config")) {
    return problem + "; a configuration file is named with --config";
  }
  return takes_arguments(command) ? problem + "; quote arguments that contain spaces" : problem;
}

// The parser says "--config: 1 required FILE missing".
std::string without_value(const CLI::App& command, std::string_view said) {
  const std::string name(said.substr(0, said.find(':')));
  const CLI::Option* option = command.get_option_no_throw(name);
  if (option == nullptr || !said.ends_with(" missing")) return std::string(said);
  return fmt::format("{0} needs a value; write {0} {1}", name, option->get_type_name());
}

std::string missing_argument(const CLI::App& command, std::string_view said) {
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_required() || option->count() > 0 || !option->get_positional()) continue;
    const std::string name = option->get_name();
    std::string placeholder = name;
    for (char& c : placeholder) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return fmt::format("which {}? write `fanfare {} {}`", name, command.get_name(), placeholder);
  }
  return std::string(said);
}

std::string problem_of(const CLI::App& command, const CLI::ParseError& error) {
  if (const auto word = first_unexpected(command)) return unexpected(command, *word);
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    return missing_argument(command, error.what());
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    return without_value(command, error.what());
  }
  // The parser says "--json excludes --raw".
  if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr) {
    const std::string_view said = error.what();
    const std::size_t space = std::min(said.find(' '), said.size());
    return fmt::format("{} cannot be combined with {}", said.substr(0, space),
                       said.substr(said.rfind(' ') + 1));
  }
  return error.what();
}

}  // namespace

std::string usage_problem(const CLI::App& parser, const CLI::ParseError& error) {
  const auto word = first_unexpected(parser);
  const auto chosen = parser.get_subcommands();
  if (!word && !chosen.empty()) {
    const std::string name = chosen.front()->get_name();
    return fmt::format("fanfare {0}: {1}\n`fanfare {0} --help` shows more, with examples.\n", name,
                       problem_of(*chosen.front(), error));
  }
  std::string text = "Usage: fanfare COMMAND [OPTIONS]\n";
  if (word) {
    text = fmt::format("fanfare: {}\n", misplaced(parser, *word));
  } else if (dynamic_cast<const CLI::RequiredError*>(&error) == nullptr) {
    text = fmt::format("fanfare: {}\n", error.what());
  }
  text += "\nCommands:\n";
  for (const CLI::App* command : commands_of(parser)) {
    text += fmt::format("  {:<12}{}\n", command->get_name(), command->get_description());
  }
  return text + "\n`fanfare --help` and `fanfare COMMAND --help` show more, with examples.\n";
}

}  // namespace fanfare::cli
