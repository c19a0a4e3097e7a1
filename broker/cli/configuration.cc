#include "broker/cli/configuration.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <utility>

#include "broker/config/load.h"
#include "broker/config/tls_files.h"
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
  const auto subscribers = config::read_token_keys(options.token);
  const auto publishers = config::read_publish_keys(options.publish);
  for (const auto* keys : {&subscribers, &publishers}) {
    if (!*keys) {
      for (const std::string& problem : keys->error()) say(problem);
    } else if (**keys != nullptr) {
      for (const std::string& sentence : (**keys)->left_out) say(sentence);
    }
  }
  const auto operators = config::read_admin_token(options.listen);
  if (!operators) say(operators.error());
  if (!subscribers || !publishers || !operators) return false;
  options.token_keys = *subscribers;
  options.publish_keys = *publishers;
  options.admin_token = *operators;
  return true;
}

bool load_tls_files(server::Options& options, const std::shared_ptr<tls::TicketKeys>& tickets,
                    const std::function<void(const std::string&)>& say, std::string& shown) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  auto files = config::read_tls_files(options, tickets, now);
  const std::vector<std::string>& sentences = files ? files->warnings : files.error();
  for (const std::string& sentence : sentences) say(sentence);
  if (!files) return false;
  options.tls_server = std::move(files->server);
  options.publish_tls_server = std::move(files->publish_server);
  options.tls_expiries = std::move(files->expiries);
  shown = std::move(files->text);
  return true;
}

}  // namespace fanfare::cli
