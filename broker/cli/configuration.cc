#include "broker/cli/configuration.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "broker/config/load.h"
#include "broker/config/token_keys.h"

#include "common/counted.h"

namespace fanfare::cli {

void add_configuration_arguments(CLI::App& command, ConfigurationArguments& arguments) {
  command
      .add_option("--config,-c", arguments.file,
                  "The configuration file; without it, the defaults apply")
      ->type_name("FILE");
  command
      .add_option("--set", arguments.overrides,
                  "Override one key of the file: --set delivery.heartbeat=5s (repeatable)")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
}

std::expected<server::Options, Exit> load_configuration(const ConfigurationArguments& arguments,
                                                        Console& console) {
  auto loaded = config::load(arguments.file, arguments.overrides);
  if (loaded) return *loaded;
  for (const config::Diagnostic& problem : loaded.error()) {
    fmt::print(console.err, "{}\n", problem.text());
  }
  const std::size_t count = loaded.error().size();
  fmt::print(console.err, "{} in the configuration\n", counted(count, "problem"));
  return std::unexpected(Exit::configuration);
}

bool load_token_keys(server::Options& options, const std::function<void(const std::string&)>& say) {
  const auto keys = config::read_token_keys(options.token);
  if (!keys) {
    for (const std::string& problem : keys.error()) say(problem);
    return false;
  }
  options.token_keys = *keys;
  if (*keys == nullptr) return true;
  for (const std::string& sentence : (*keys)->left_out) say(sentence);
  return true;
}

}  // namespace fanfare::cli
