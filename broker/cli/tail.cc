// fanfare tail: follows channels and patterns, and shows every event and every gap.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "broker/cli/command.h"
#include "broker/cli/event_printer.h"
#include "broker/cli/life_log.h"
#include "broker/cli/signals.h"
#include "broker/cli/token_file.h"
#include "broker/client/fetch.h"
#include "broker/client/listings.h"
#include "broker/client/subscription.h"

#include "common/quotable.h"
#include "common/units.h"

namespace fanfare::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  fanfare tail news                              new events, until Ctrl-C
  fanfare tail news 'metrics/*' 'orders/**'      several channels and patterns (quote the stars)
  fanfare tail news --replay 10                  the last ten first
  fanfare tail news --since earliest             everything still in the history, first
  fanfare tail news --since k3v9q2x-1041         what came after that event
  fanfare tail news --json | jq .data            a line of JSON per event and per gap
  fanfare tail news --count 1 --raw              wait for one event, show its data, end
  fanfare tail --admin 127.0.0.1:9180            who connects, who leaves and why

Resumes by itself, exactly, when the connection or the broker goes away. Events that are no longer
available are shown as a gap. Ends by itself when every channel is finished.

Exit codes: 0 ended by Ctrl-C, by --count or with the channels; 1 no broker, or refused; 2 wrong
arguments.)";

struct Arguments {
  std::vector<std::string> channels;
  std::string url = "http://127.0.0.1:8080";
  std::string since;
  std::string admin;
  std::string token_file;
  std::optional<std::uint32_t> replay;
  std::optional<std::uint64_t> count;
  bool json = false;
  bool raw = false;
  bool wait = false;
};

// Empty if `text` counts events, and `least` of them or more.
std::string event_count_problem(std::string_view text, std::uint64_t least) {
  std::uint64_t count = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool counts = error == std::errc{} && stop == text.data() + text.size();
  if (counts && count >= least) return {};
  return fmt::format("\"{}\" is not a number of events, {} or more; write one like 10",
                     quotable(text), least);
}

EventPrinter::Format format_of(const Arguments& arguments) {
  if (arguments.json) return EventPrinter::Format::json;
  return arguments.raw ? EventPrinter::Format::raw : EventPrinter::Format::plain;
}

// What `--admin` does instead: each second's report of the live page, with the youngest
// connections.
class FollowingLives {
 public:
  FollowingLives(const Arguments& arguments, Console& console, std::string token)
      : arguments_(arguments),
        console_(console),
        token_(std::move(token)),
        log_(arguments.json),
        subscription_(
            {.address = arguments.admin + "/events",
             .fields =
                 token_.empty()
                     ? std::vector<std::pair<std::string, std::string>>{}
                     : std::vector<std::pair<std::string, std::string>>{{"Authorization",
                                                                         "Bearer " + token_}}},
            &interrupt_.stop()) {}

  Exit run() {
    while (true) {
      const auto item = subscription_.next(monotonic_now() + 1h);
      if (!item && item.error().fault == client::Fault::timeout) continue;
      if (!item && item.error().fault == client::Fault::stopped) return Exit::done;
      if (!item) {
        const bool misaddressed = item.error().fault == client::Fault::address;
        fmt::print(console_.err, "fanfare tail: {}{}\n", misaddressed ? "--admin: " : "",
                   item.error().message);
        return misaddressed ? Exit::usage : Exit::failed;
      }
      if (const auto* lost = std::get_if<client::Lost>(&*item)) {
        fmt::print(console_.err, "fanfare tail: {}\n", lost->why);
        if (!opened_ && !arguments_.wait) return Exit::failed;
      }
      if (std::holds_alternative<client::Opened>(*item)) opened_ = true;
      if (const auto* event = std::get_if<client::ReceivedEvent>(&*item)) show(event->data);
    }
  }

 private:
  void show(std::string_view data) {
    const auto report = client::live_report(data);
    if (!report) return;
    const auto answer = client::fetch(
        arguments_.admin, fmt::format("/api/connections?sort=age&limit={}", LifeLog::kYoungest),
        monotonic_now() + 5s, &interrupt_.stop(), {.bearer = token_});
    std::optional<client::Listed<client::ListedConnection>> youngest;
    if (answer && answer->status == 200) youngest = client::listed_connections(answer->body);
    if (!youngest && !std::exchange(told_, true)) {
      fmt::print(console_.err,
                 "fanfare tail: who connects is not shown: /api/connections gave {}\n",
                 answer ? fmt::format("status {}", answer->status) : answer.error().message);
    }
    fmt::print(console_.out, "{}",
               log_.lines(*report, youngest.value_or(client::Listed<client::ListedConnection>{})));
    std::fflush(console_.out);
  }

  const Arguments& arguments_;
  Console& console_;
  const std::string token_;
  Interrupt interrupt_;
  LifeLog log_;
  client::Subscription subscription_;
  bool opened_ = false;
  bool told_ = false;
};

class Following {
 public:
  Following(const Arguments& arguments, Console& console)
      : arguments_(arguments),
        console_(console),
        printer_(console, format_of(arguments)),
        subscription_({.address = arguments.url,
                       .channels = arguments.channels,
                       .last_event_id = arguments.since,
                       .replay = arguments.replay},
                      &interrupt_.stop()) {}

  Exit run() {
    while (true) {
      const auto item = subscription_.next(monotonic_now() + 1h);
      if (!item && item.error().fault == client::Fault::timeout) continue;
      if (!item && item.error().fault == client::Fault::stopped) return Exit::done;
      if (!item) {
        const bool misaddressed = item.error().fault == client::Fault::address;
        fmt::print(console_.err, "fanfare tail: {}{}\n", misaddressed ? "--url: " : "",
                   item.error().message);
        return misaddressed ? Exit::usage : Exit::failed;
      }
      const auto exit = std::visit([this](const auto& seen) { return show(seen); }, *item);
      std::fflush(console_.out);
      if (exit) return *exit;
    }
  }

 private:
  std::optional<Exit> show(const client::ReceivedEvent& event) {
    printer_.print(event);
    ++shown_;
    return arguments_.count && shown_ >= *arguments_.count ? std::optional(Exit::done)
                                                           : std::nullopt;
  }
  std::optional<Exit> show(const client::ReceivedGap& gap) {
    printer_.print(gap);
    return std::nullopt;
  }
  std::optional<Exit> show(const client::Opened& opened) {
    if (opened_once_) {
      notice(opened.last_event_id.empty()
                 ? "connected again"
                 : fmt::format("connected again, resuming after {}", opened.last_event_id));
    }
    opened_once_ = true;
    return std::nullopt;
  }
  std::optional<Exit> show(const client::Lost& lost) {
    if (!opened_once_ && !arguments_.wait) {
      fmt::print(console_.err,
                 "fanfare tail: {}; is the broker running? start it with `fanfare serve`, pass "
                 "--url, or wait for it with --wait\n",
                 lost.why);
      return Exit::failed;
    }
    using Milliseconds = std::chrono::milliseconds;
    notice(fmt::format("{}; trying again in {}", lost.why,
                       format_duration(std::chrono::round<Milliseconds>(lost.retry_in))));
    return std::nullopt;
  }
  std::optional<Exit> show(const client::Finished& /*finished*/) {
    notice("finished: nothing more will come");
    return Exit::done;
  }

  void notice(std::string_view text) { fmt::print(console_.err, "fanfare tail: {}\n", text); }

  const Arguments& arguments_;
  Console& console_;
  Interrupt interrupt_;
  EventPrinter printer_;
  client::Subscription subscription_;
  std::uint64_t shown_ = 0;
  bool opened_once_ = false;
};

Exit tail(const Arguments& arguments, Console& console) {
  if (arguments.admin.empty()) {
    if (!arguments.channels.empty()) return Following(arguments, console).run();
    fmt::print(console.err,
               "fanfare tail: which channel? write `fanfare tail CHANNEL`\n"
               "`fanfare tail --help` shows more, with examples.\n");
    return Exit::usage;
  }
  if (!arguments.channels.empty()) {
    fmt::print(console.err,
               "fanfare tail: --admin shows connections, and no channels; leave out one or the "
               "other\n");
    return Exit::usage;
  }
  const auto token = token_of(arguments.token_file);
  if (token) return FollowingLives(arguments, console, *token).run();
  fmt::print(console.err, "fanfare tail: --token-file: {}\n", token.error());
  return Exit::usage;
}

}  // namespace

Command add_tail(CLI::App& parser) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = parser.add_subcommand("tail", "Follow channels and show their events");
  command->add_option("channel", arguments->channels, "Channels and patterns");
  command->add_option("--url", arguments->url, "Where the broker listens, or a Unix socket")
      ->capture_default_str();
  auto* since = command->add_option("--since", arguments->since,
                                    "Begin after this event id, or with \"earliest\"");
  command->add_option("--replay", arguments->replay, "Begin with the last N events")
      ->type_name("N")
      ->check([](const std::string& text) { return event_count_problem(text, 0); })
      ->excludes(since);
  command->add_option("--count,-n", arguments->count, "End after N events")
      ->type_name("N")
      ->check([](const std::string& text) { return event_count_problem(text, 1); });
  auto* json = command->add_flag("--json", arguments->json, "A line of JSON per event and gap");
  command->add_flag("--raw", arguments->raw, "Only the data of events; gaps go to standard error")
      ->excludes(json);
  command->add_flag("--wait", arguments->wait, "If the broker is not there yet, wait for it");
  auto* admin = command->add_option(
      "--admin", arguments->admin,
      "Show how connections live, from a broker's admin listener: opened, closed and why, refused");
  command
      ->add_option("--token-file", arguments->token_file,
                   "A file with the token of the broker's [listen] admin_token_file")
      ->type_name("FILE")
      ->needs(admin);
  command->footer(kFooter);
  return {command, [arguments](Console& console) { return tail(*arguments, console); }};
}

}  // namespace fanfare::cli
