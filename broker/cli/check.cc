// fanfare check: everything that is wrong with a configuration at once, or what it may cost here.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "broker/cli/command.h"
#include "broker/cli/configuration.h"
#include "broker/cli/route_trial.h"
#include "broker/config/access.h"
#include "broker/config/estimate.h"
#include "broker/config/shares.h"
#include "broker/config/token_keys.h"
#include "broker/io/backend.h"

namespace fanfare::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  fanfare check --config /etc/fanfare/broker.toml
  fanfare check --set limits.connections=1000000           what would a million connections cost?
  fanfare check --config broker.toml --route 'GET /ai/chat/7?q=x'

Shows every problem with file, line and column; without one, the most memory and descriptors this
configuration can take on this machine, what is open to whom, and how much one client may have.

Exit codes: 0 the broker can start with it; 2 wrong arguments; 78 it has problems, or does not fit
this machine.)";

io::Backend wanted_backend(server::Backend backend) {
  switch (backend) {
    case server::Backend::io_uring:
      return io::Backend::io_uring;
    case server::Backend::epoll:
      return io::Backend::epoll;
    case server::Backend::automatic:
      break;
  }
  return io::Backend::automatic;
}

config::Resources machine_with(const io::Choice& choice) {
  config::Resources machine{.rings = {.cores = std::max(1U, std::thread::hardware_concurrency()),
                                      .slots_max = choice.slots_max,
                                      .slots_shared = choice.backend == io::Backend::epoll}};
  const std::int64_t pages = sysconf(_SC_PHYS_PAGES);
  const std::int64_t page_bytes = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_bytes > 0) {
    machine.memory_bytes = static_cast<std::uint64_t>(pages * page_bytes);
  }
  rlimit locked{};
  // Root is not held to the limit of locked memory.
  if (geteuid() != 0 && getrlimit(RLIMIT_MEMLOCK, &locked) == 0) {
    machine.locked_bytes_max = locked.rlim_cur;
  }
  return machine;
}

struct CheckArguments : ConfigurationArguments {
  std::vector<std::string> requests;  // to try on the routes
};

Exit check(const CheckArguments& arguments, Console& console) {
  auto options = load_configuration(arguments, console);
  if (!options) return options.error();
  const bool keys_read = load_token_keys(*options, [&console](const std::string& sentence) {
    fmt::print(console.err, "fanfare check: {}\n", sentence);
  });
  std::string certificates;
  const bool tls_read = load_tls_files(
      *options, std::make_shared<tls::TicketKeys>(monotonic_now()),
      [&console](const std::string& sentence) {
        fmt::print(console.err, "fanfare check: {}\n", sentence);
      },
      certificates);
  if (!keys_read || !tls_read) return Exit::configuration;
  io::raise_descriptor_limit();
  const auto choice = io::choose_backend(wanted_backend(options->backend));
  if (!choice) {
    fmt::print(console.err, "fanfare check: {}\n", choice.error().message);
    return Exit::configuration;
  }
  const auto estimate = config::estimate(*options, machine_with(*choice));
  if (!estimate) {
    fmt::print(console.err, "fanfare check: {}\n", estimate.error());
    return Exit::configuration;
  }
  const std::string keys = config::token_keys_text(options->token_keys);
  const std::string publish_keys = config::token_keys_text(options->publish_keys);
  fmt::print(
      console.out, "{}: no problems\n{}\n{}\n{}{}{}{}{}",
      arguments.file.empty() ? "the defaults" : arguments.file, choice->why, estimate->text(),
      config::access_text(*options),
      certificates.empty() ? certificates : fmt::format("certificates: {}\n", certificates),
      keys.empty() ? keys : fmt::format("tokens: {}\n", keys),
      publish_keys.empty() ? publish_keys : fmt::format("publishers' tokens: {}\n", publish_keys),
      config::shares_text(*options));
  for (const std::string& request : arguments.requests) {
    fmt::print(console.out, "{}", route_trial(*options, request));
  }
  return Exit::done;
}

}  // namespace

Command add_check(CLI::App& parser) {
  auto arguments = std::make_shared<CheckArguments>();
  CLI::App* command =
      parser.add_subcommand("check", "Check a configuration and show what it may cost");
  add_configuration_arguments(*command, *arguments);
  command
      ->add_option("--route", arguments->requests,
                   "A request, like \"GET /ai/chat/7?q=x\": which [[route]] it leads to, and which "
                   "channels it would get")
      ->type_name("REQUEST")
      ->allow_extra_args(false);
  command->footer(kFooter);
  return {command, [arguments](Console& console) { return check(*arguments, console); }};
}

}  // namespace fanfare::cli
