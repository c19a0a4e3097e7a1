// fanfare top: the broker's rates, live, from the admin listener.
#include <fmt/format.h>
#include <poll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/cli/command.h"
#include "broker/cli/metrics_reading.h"
#include "broker/cli/signals.h"
#include "broker/cli/top_screen.h"
#include "broker/client/fetch.h"

#include "common/units.h"

namespace fanfare::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  fanfare top                                        a live screen, until Ctrl-C
  fanfare top --admin 10.0.0.7:9180 --interval 5s    another broker, a calmer screen
  fanfare top --once                                 one screen, for a report
  fanfare top | tee rates.log                        a line of name=value pairs per interval

If the broker goes away, waits for it to come back.

Exit codes: 0 ended by Ctrl-C or --once; 1 the admin listener does not answer; 2 wrong arguments.)";

constexpr Duration kPatience = 5s;
constexpr std::string_view kAlternateScreen = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kMainScreen = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kClearRestOfLine = "\x1b[K";
constexpr std::string_view kClearBelow = "\x1b[J";

struct Arguments {
  std::string admin = "127.0.0.1:9180";
  std::string interval = "1s";
  bool once = false;
};

class Watching {
 public:
  Watching(const Arguments& arguments, Console& console)
      : arguments_(arguments), console_(console) {}

  Exit run() {
    const auto interval = parse_duration(arguments_.interval);
    if (!interval || *interval < 100ms) {
      fmt::print(console_.err, "fanfare top: --interval: {}\n",
                 interval ? "at least 100ms" : interval.error());
      return Exit::usage;
    }
    auto before = read();
    if (!before) return failed(before.error());
    const bool live = console_.terminal() && !arguments_.once;
    if (live) fmt::print(console_.out, "{}", kAlternateScreen);
    std::optional<client::Error> error;
    while (!error && pause(*interval)) {
      auto after = read();
      if (after) {
        show(*before, *after, live);
        before = std::move(after);
        if (arguments_.once) break;
      } else if (arguments_.once || after.error().fault == client::Fault::stopped) {
        error = after.error();
      } else {
        show_absence(after.error(), live);
      }
    }
    if (live) fmt::print(console_.out, "{}", kMainScreen);
    std::fflush(console_.out);
    return error ? failed(*error) : Exit::done;
  }

 private:
  std::expected<MetricsReading, client::Error> read() {
    const auto answer = client::fetch(arguments_.admin, "/metrics", monotonic_now() + kPatience,
                                      &interrupt_.stop());
    if (!answer) return std::unexpected(answer.error());
    auto reading = MetricsReading::parse(answer->body, monotonic_now());
    if (answer->status != 200 || reading.label("fanfare_info", "epoch").empty()) {
      return std::unexpected(client::Error{
          client::Fault::protocol,
          fmt::format("{} is not the admin listener of a broker (GET /metrics gave status {})",
                      arguments_.admin, answer->status)});
    }
    return reading;
  }

  Exit failed(const client::Error& error) {
    if (error.fault == client::Fault::stopped) return Exit::done;
    if (error.fault == client::Fault::address) {
      fmt::print(console_.err, "fanfare top: --admin: {}\n", error.message);
      return Exit::usage;
    }
    fmt::print(console_.err,
               "fanfare top: {}; is the broker running, and is listen.admin set? name it with "
               "--admin\n",
               error.message);
    return Exit::failed;
  }

  // False when interrupted.
  bool pause(Duration interval) {
    pollfd bell{.fd = interrupt_.stop().descriptor(), .events = POLLIN, .revents = 0};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(interval).count();
    return poll(&bell, 1, static_cast<int>(std::min<std::int64_t>(ms, 3'600'000))) == 0;
  }

  void show(const MetricsReading& before, const MetricsReading& after, bool live) {
    if (!live && !arguments_.once) {
      fmt::print(console_.out, "{}", top_line(before, after));
    } else {
      std::string screen = top_screen(arguments_.admin, before, after);
      if (live) screen = redrawn(screen);
      fmt::print(console_.out, "{}", screen);
    }
    std::fflush(console_.out);
  }

  // A broker that is restarting will come back; until then no stale figures are shown.
  void show_absence(const client::Error& error, bool live) {
    const std::string text = fmt::format("fanfare top: {}; trying again\n", error.message);
    fmt::print(live ? console_.out : console_.err, "{}", live ? redrawn(text) : text);
    std::fflush(live ? console_.out : console_.err);
  }

  // Drawn over the previous screen without a flicker: each line clears the rest of the old one.
  static std::string redrawn(std::string_view screen) {
    std::string drawn(kHome);
    for (const char byte : screen) {
      if (byte == '\n') drawn += kClearRestOfLine;
      drawn += byte;
    }
    return drawn += kClearBelow;
  }

  const Arguments& arguments_;
  Console& console_;
  Interrupt interrupt_;
};

}  // namespace

Command add_top(CLI::App& parser) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = parser.add_subcommand("top", "Watch a broker's rates, subscribers and lag");
  command->add_option("--admin", arguments->admin, "The broker's admin listener")
      ->capture_default_str();
  command->add_option("--interval", arguments->interval, "Time between two readings")
      ->capture_default_str();
  command->add_flag("--once", arguments->once, "One screen, then end");
  command->footer(kFooter);
  return {command, [arguments](Console& console) { return Watching(*arguments, console).run(); }};
}

}  // namespace fanfare::cli
