// The --config and --set arguments that serve and check share, and what they load.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "broker/cli/command.h"
#include "broker/server/base/options.h"

namespace fanfare::cli {

struct ConfigurationArguments {
  std::string file;  // empty: none, the defaults
  std::vector<std::string> overrides;
};

void add_configuration_arguments(CLI::App& command, ConfigurationArguments& arguments);

// Writes every problem to the console's standard error, one a line; the error is how to end.
std::expected<server::Options, Exit> load_configuration(const ConfigurationArguments& arguments,
                                                        Console& console);

}  // namespace fanfare::cli
