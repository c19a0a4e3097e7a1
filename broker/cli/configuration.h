// The --config and --set arguments that serve and check share, and what they load.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/cli/command.h"
#include "broker/server/base/options.h"
#include "broker/wire/tls/ticket_keys.h"

namespace fanfare::cli {

struct ConfigurationArguments {
  std::string file;  // empty: none, the defaults
  std::vector<std::string> overrides;
};

void add_configuration_arguments(CLI::App& command, ConfigurationArguments& arguments);

// Writes every problem to the console's standard error, one a line; the error is how to end.
std::expected<server::Options, Exit> load_configuration(const ConfigurationArguments& arguments,
                                                        Console& console);

// Reads the keys of [token] into the options. False: they stay as they are, and `say` was given a
// sentence for each thing that is wrong. Keys that are left out are said in either case.
bool load_token_keys(server::Options& options, const std::function<void(const std::string&)>& say);

// The same for the certificates of [tls], warnings as well; `tickets` outlive each reload.
bool load_tls_files(server::Options& options, const std::shared_ptr<tls::TicketKeys>& tickets,
                    const std::function<void(const std::string&)>& say, std::string& shown);

}  // namespace fanfare::cli
