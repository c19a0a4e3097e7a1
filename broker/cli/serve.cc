// fanfare serve: the broker, until it is told to stop.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "broker/admin/surface.h"
#include "broker/cli/command.h"
#include "broker/cli/configuration.h"
#include "broker/cli/notify.h"
#include "broker/cli/successor.h"
#include "broker/client/stop.h"
#include "broker/config/difference.h"
#include "broker/config/figures.h"
#include "broker/config/file_watch.h"
#include "broker/config/rules.h"
#include "broker/config/tls_files.h"
#include "broker/config/token_keys.h"
#include "broker/io/inherited.h"
#include "broker/server/base/listen_address.h"
#include "broker/server/shard/broker.h"
#include "broker/server/shard/take_over.h"

#include "common/check.h"
#include "common/log.h"
#include "common/time.h"
#include "common/units.h"

namespace fanfare::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  fanfare serve                                            the defaults, for this user
  fanfare serve --config /etc/fanfare/broker.toml          as a service
  fanfare serve --set listen.http=127.0.0.1:0 --set history.events=100
  fanfare check --config broker.toml                       what would be served, without serving

Signals:
  SIGTERM, SIGINT   tell subscribers to come back, one by one over [limits] drain, and new ones at
                    once; refuse publishes; end. A second one ends at once
  SIGHUP            read the configuration again; keys that need a restart are named. (Certificates
                    are read again as soon as their files change, without a signal)
  SIGUSR2           start the program anew, from its own file, which may be another version; hand
                    it the sockets and the history; end. If it does not come up, go on

Exit codes: 0 ended as asked; 1 could not start, but may later (the port is in use); 2 wrong
arguments; 78 the configuration or this machine must be fixed first.)";

// What stopping may take beyond [limits] drain: 4 s, and as much again on a busy machine.
constexpr Duration kFarewellTime = 8s;
// How often it is looked whether files of certificates have changed: they are read again in the
// second after they have come to rest.
constexpr Duration kLookTime = 1s;

// The address of a subscribers' listener, as clients write it.
std::string url_of(const std::string& address) {
  return server::socket_path(address) ? address : "http://" + address;
}

// The signals that `serve` takes in itself, as a descriptor. Blocked in this thread and in every
// thread it starts from now on.
class SignalStream {
 public:
  SignalStream() {
    sigset_t taken;
    sigemptyset(&taken);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR2}) sigaddset(&taken, number);
    pthread_sigmask(SIG_BLOCK, &taken, &before_);
    signal(SIGPIPE, SIG_IGN);
    descriptor_ = signalfd(-1, &taken, SFD_CLOEXEC);
    CHECK(descriptor_ >= 0, "a broker without one descriptor for signals cannot be stopped");
  }
  ~SignalStream() {
    close(descriptor_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SignalStream(const SignalStream&) = delete;
  SignalStream& operator=(const SignalStream&) = delete;

  static constexpr int kEnded = 0, kNone = -1;

  // The next signal's number; kEnded once `ended` is raised; kNone if none came in time. Without a
  // `patience` it waits for ever.
  int next(const client::Stop& ended, std::optional<Duration> patience) const {
    std::array<pollfd, 2> waits{pollfd{.fd = descriptor_, .events = POLLIN, .revents = 0},
                                pollfd{.fd = ended.descriptor(), .events = POLLIN, .revents = 0}};
    const int milliseconds =
        patience ? static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*patience).count())
                 : -1;
    int ready = 0;
    do {
      ready = poll(waits.data(), waits.size(), milliseconds);
    } while (ready < 0);
    if (ready == 0) return kNone;
    if (waits[0].revents == 0) return kEnded;
    signalfd_siginfo received{};
    const auto size = read(descriptor_, &received, sizeof received);
    return size == sizeof received ? static_cast<int>(received.ssi_signo) : kEnded;
  }

 private:
  sigset_t before_{};
  int descriptor_ = -1;
};

class Serving {
 public:
  Serving(const ConfigurationArguments& arguments, Console& console)
      : arguments_(arguments), console_(console) {}

  Exit run() {
    auto options = load_configuration(arguments_, console_);
    if (!options) return options.error();
    const bool keys_read = load_token_keys(*options, [this](const std::string& sentence) {
      fmt::print(console_.err, "fanfare serve: {}\n", sentence);
    });
    std::string certificates;
    files_.know(config::tls_file_paths(*options));
    const bool tls_read = load_tls_files(
        *options, tickets_,
        [this](const std::string& sentence) {
          fmt::print(console_.err, "fanfare serve: {}\n", sentence);
        },
        certificates);
    if (!keys_read || !tls_read) return Exit::configuration;
    auto inherited = io::inherited_sockets();
    if (!inherited) {
      fmt::print(console_.err, "fanfare serve: {}\n", inherited.error().message);
      return Exit::configuration;
    }
    const SignalStream signals;
    log::info("{}", console_.version());
    std::optional<server::TakeOver> from;
    if (auto end = predecessor()) {
      from.emplace(std::move(end));
      if (auto begun = from->begin(); !begun) {
        fmt::print(console_.err, "fanfare serve: taking over: {}\n", begun.error());
        return Exit::failed;
      }
    }
    auto started = server::Broker::start(*options, admin::make_surface(config::limit_figures),
                                         *std::move(inherited), from ? &*from : nullptr);
    from.reset();
    if (!started) {
      fmt::print(console_.err, "fanfare serve: {}\n", started.error().message);
      return started.error().exit_code == 78 ? Exit::configuration : Exit::failed;
    }
    options_ = *options;
    broker_ = std::move(*started);
    announce();
    client::Stop ended;
    const std::jthread waiter([this, &ended] {
      broker_->join();
      ended.raise();
    });
    // Half of it: one that comes late is still in time.
    if (const auto time = watchdog_time()) watch_ = *time / 2;
    for (int number = SignalStream::kNone; number != SignalStream::kEnded;
         number = signals.next(ended, patience())) {
      if (number != SignalStream::kNone) obey(number);
      if (watch_) watch();
      if (!draining_) look_at_certificates();
    }
    log::info("ended");
    return Exit::done;
  }

 private:
  void announce() {
    for (const std::string& address : broker_->http_addresses()) {
      log::info("subscribers: {}{}", url_of(address),
                server::socket_path(address) ? "" : "/events");
    }
    for (const std::string& address : broker_->https_addresses()) {
      log::info("subscribers: https://{}/events", address);
    }
    log::info("publishers: {}", broker_->ingest_path());
    for (const std::string& address : broker_->publish_addresses()) {
      log::info("publishers, with a token: {}", address);
    }
    for (const std::string& address : broker_->publish_tls_addresses()) {
      log::info("publishers, over TLS: {}", address);
    }
    if (!broker_->admin_address().empty()) log::info("admin: http://{}/", broker_->admin_address());
    announce_keys();
    warn();
    report_ready();
  }

  void report_ready() const {
    std::string status = "READY=1\nSTATUS=serving";
    for (const std::string& address : broker_->http_addresses()) status += ' ' + url_of(address);
    for (const std::string& address : broker_->https_addresses()) status += " https://" + address;
    notify_service_manager(status + ", publishers on " + broker_->ingest_path());
  }

  // The manager restarts a broker that it does not hear from: of which a shard hangs.
  void watch() {
    const Duration silence = monotonic_now() - broker_->oldest_turn();
    if (silence < *watch_) return notify_service_manager("WATCHDOG=1");
    log::error("a shard has hung for {}: the service manager is not told that all is well",
               format_duration(std::chrono::floor<std::chrono::seconds>(silence)));
  }

  void announce_keys() const {
    const std::string keys = config::token_keys_text(options_.token_keys);
    if (!keys.empty()) log::info("tokens: {}", keys);
    const std::string publishers = config::token_keys_text(options_.publish_keys);
    if (!publishers.empty()) log::info("publishers' tokens: {}", publishers);
  }

  void warn() const {
    for (const std::string& sentence : config::warnings(options_)) log::warn("{}", sentence);
  }

  void obey(int number) {
    if (number == SIGHUP) {
      if (!draining_) reload();
      return;
    }
    if (number == SIGUSR2) {
      if (!draining_) upgrade();
      return;
    }
    log::info("{}",
              draining_
                  ? "second signal: stopping at once"
                  : "stopping: subscribers are told to come back; a second signal stops at once");
    draining_ = true;
    // Whatever TimeoutStopSec= is: the manager has to wait for the last farewell.
    const auto patience = std::chrono::duration_cast<std::chrono::microseconds>(
        options_.limits.drain + kFarewellTime);
    notify_service_manager(
        fmt::format("STOPPING=1\nSTATUS=draining: subscribers are told to come back\n"
                    "EXTEND_TIMEOUT_USEC={}",
                    patience.count()));
    broker_->drain();
  }

  void upgrade() {
    log::info("upgrade: starting {}", program_.path());
    if (watch_) watch();  // the last for a while
    auto successor = program_.start();
    if (!successor) return log::error("upgrade: {}; this process goes on", successor.error());
    const int process = successor->process();
    const auto given = broker_->hand_over(successor->end(), [process] {
      notify_service_manager(fmt::format("MAINPID={}", process));
    });
    if (!given) {
      successor->give_up();
      notify_service_manager(fmt::format("MAINPID={}", getpid()));
      return log::error("upgrade: {}; this process goes on", given.error());
    }
    log::info("upgrade: process {} serves; this one ends when nobody is left here", process);
    draining_ = true;
    watch_.reset();  // it is the other one's business
  }

  void reload() {
    notify_reloading();
    if (const auto options = load_configuration(arguments_, console_)) {
      const auto changes = config::differences(options_, *options);
      const config::TokenKeys keys = options_.token_keys;
      const config::TokenKeys publish_keys = options_.publish_keys;
      const auto admin_token = options_.admin_token;
      const auto tls_server = options_.tls_server;
      const auto publish_tls_server = options_.publish_tls_server;
      const auto tls_expiries = options_.tls_expiries;
      options_ = config::in_force(options_, *options);
      options_.token_keys = keys;
      options_.publish_keys = publish_keys;
      options_.admin_token = admin_token;
      options_.tls_server = tls_server;
      options_.publish_tls_server = publish_tls_server;
      options_.tls_expiries = tls_expiries;
      const bool keys_read = load_token_keys(
          options_, [](const std::string& sentence) { log::error("reload: {}", sentence); });
      if (!keys_read) log::error("reload: the keys of tokens stay those that they were");
      reload_certificates();
      broker_->reload(options_);
      announce_keys();
      for (const config::Difference& change : changes) log::info("reload: {}", change.text());
      if (changes.empty()) log::info("reload: nothing changed");
      warn();
    } else {
      log::error("reload: the configuration has problems; nothing was changed");
    }
    report_ready();
  }

  // How long to wait for a signal; nothing: for ever.
  std::optional<Duration> patience() const {
    if (config::tls_file_paths(options_).empty()) return watch_;
    return std::min(watch_.value_or(kLookTime), kLookTime);
  }

  // As at a SIGHUP, and nothing else is read.
  void look_at_certificates() {
    const TimePoint now = monotonic_now();
    if (now - looked_ < kLookTime) return;
    looked_ = now;
    if (!files_.changed(config::tls_file_paths(options_))) return;
    log::info("files of certificates have changed, and are read again");
    if (reload_certificates()) broker_->reload(options_);
  }

  bool reload_certificates() {
    std::string certificates;
    files_.know(config::tls_file_paths(options_));
    const bool read = load_tls_files(
        options_, tickets_, [](const std::string& sentence) { log::warn("reload: {}", sentence); },
        certificates);
    if (!read) log::error("reload: the certificates stay those that they were");
    if (read && !certificates.empty()) log::info("certificates: {}", certificates);
    return read;
  }

  const ConfigurationArguments& arguments_;
  Console& console_;
  const Program program_;  // as it was when this process began
  const std::shared_ptr<tls::TicketKeys> tickets_ =
      std::make_shared<tls::TicketKeys>(monotonic_now());
  std::unique_ptr<server::Broker> broker_;
  server::Options options_;        // in force: keys that wait for the next start keep their values
  config::FileWatch files_;        // of certificates
  TimePoint looked_{};             // at them
  std::optional<Duration> watch_;  // how often the service manager is told that all is well
  bool draining_ = false;
};

}  // namespace

Command add_serve(CLI::App& parser) {
  auto arguments = std::make_shared<ConfigurationArguments>();
  CLI::App* command = parser.add_subcommand("serve", "Start the broker");
  add_configuration_arguments(*command, *arguments);
  command->footer(kFooter);
  return {command, [arguments](Console& console) { return Serving(*arguments, console).run(); }};
}

}  // namespace fanfare::cli
