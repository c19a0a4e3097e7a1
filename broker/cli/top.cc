// fanfare top: the broker's rates, channels and slowest clients, live, from the admin listener.
#include <fmt/format.h>
#include <poll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/cli/command.h"
#include "broker/cli/metrics_reading.h"
#include "broker/cli/signals.h"
#include "broker/cli/terminal.h"
#include "broker/cli/token_file.h"
#include "broker/cli/top_screen.h"
#include "broker/cli/top_tables.h"
#include "broker/cli/top_view.h"
#include "broker/client/fetch.h"
#include "broker/client/json.h"
#include "broker/client/listings.h"

#include "common/units.h"

namespace fanfare::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  fanfare top                                        a live screen, until q
  fanfare top --page connections                     the slowest clients first
  fanfare top --admin 10.0.0.7:9180 --token-file ~/.fanfare-token --interval 5s
  fanfare top --once                                 one screen, for a report
  fanfare top --once --page connections              a table of the slowest clients
  fanfare top | tee rates.log                        a line of name=value pairs per interval

Keys: Tab, 1, 2, 3 choose a page (overview, channels, connections); s sorts by the next column, r the
other way round; / filters (a part of a channel's name; an address, a channel or a state of
connections); the arrows select a connection, and x closes it; p pauses, q quits.

If the broker goes away, waits for it to come back.

Exit codes: 0 ended by q, Ctrl-C or --once; 1 the admin listener does not answer; 2 wrong arguments.)";

constexpr Duration kPatience = 5s;
constexpr std::array<std::string_view, 3> kPages{"overview", "channels", "connections"};

struct Arguments {
  std::string admin = "127.0.0.1:9180";
  std::string token_file;
  std::string interval = "1s";
  std::string page = "overview";
  bool once = false;
};

class Watching {
 public:
  Watching(const Arguments& arguments, Console& console)
      : arguments_(arguments),
        console_(console),
        view_(static_cast<TopView::Page>(std::ranges::find(kPages, arguments.page) -
                                         kPages.begin())) {}

  Exit run() {
    const auto interval = parse_duration(arguments_.interval);
    if (!interval || *interval < 100ms) {
      fmt::print(console_.err, "fanfare top: --interval: {}\n",
                 interval ? "at least 100ms" : interval.error());
      return Exit::usage;
    }
    const auto token = token_of(arguments_.token_file);
    if (!token) {
      fmt::print(console_.err, "fanfare top: --token-file: {}\n", token.error());
      return Exit::usage;
    }
    token_ = *token;
    auto before = read();
    if (!before) return failed(before.error());
    after_ = *std::move(before);
    if (arguments_.once) return once(*interval);
    return console_.terminal() ? live(*interval) : lines(*interval);
  }

 private:
  Exit once(Duration interval) {
    if (!interrupt_.stop().wait_until(monotonic_now() + interval)) {
      if (const auto error = look()) return failed(*error);
      fmt::print(console_.out, "{}", as_report());
    }
    return Exit::done;
  }

  Exit lines(Duration interval) {
    while (!interrupt_.stop().wait_until(monotonic_now() + interval)) {
      const auto error = look();
      if (error && error->fault == client::Fault::stopped) break;
      if (error) {
        fmt::print(console_.err, "fanfare top: {}; trying again\n", error->message);
      } else {
        fmt::print(console_.out, "{}", top_line(before_, after_));
      }
      std::fflush(console_.out);
    }
    return Exit::done;
  }

  // A broker that is restarting will come back; until then no stale figures are shown.
  Exit live(Duration interval) {
    Terminal terminal(console_);
    TimePoint next = monotonic_now() + std::min<Duration>(interval, 300ms);
    while (true) {
      if (!wait(terminal, next)) return Exit::done;
      for (std::string key = terminal.key(); !key.empty(); key = terminal.key()) {
        switch (view_.key(key)) {
          case TopView::Wish::quit:
            return Exit::done;
          case TopView::Wish::close:
            close();
            next = monotonic_now();
            break;
          case TopView::Wish::ask:
            next = monotonic_now();
            break;
          case TopView::Wish::redraw:
          case TopView::Wish::none:
            break;
        }
      }
      if (monotonic_now() >= next) {
        next = monotonic_now() + interval;
        if (const auto error = view_.paused() ? std::nullopt : look(terminal.size())) {
          if (error->fault == client::Fault::stopped) return Exit::done;
          shown_ = {.header = fmt::format("fanfare top: {}; trying again\n", error->message),
                    .channels = {},
                    .connections = {},
                    .note = {}};
        }
      }
      terminal.draw(view_.draw(shown_, terminal.size()));
    }
  }

  // Until a key is pressed, or that time. False when interrupted.
  bool wait(const Terminal& terminal, TimePoint until) {
    std::array<pollfd, 2> events{
        pollfd{.fd = interrupt_.stop().descriptor(), .events = POLLIN, .revents = 0},
        pollfd{.fd = terminal.keys(), .events = POLLIN, .revents = 0}};
    const Duration left = std::clamp<Duration>(until - monotonic_now(), 0s, 1h);
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    ::poll(events.data(), events.size(), static_cast<int>(ms));
    return !interrupt_.stop().raised();
  }

  std::expected<client::Answer, client::Error> ask(std::string_view target,
                                                   std::string_view method = "GET") {
    return client::fetch(arguments_.admin, target, monotonic_now() + kPatience, &interrupt_.stop(),
                         {.method = method, .bearer = token_});
  }

  std::expected<MetricsReading, client::Error> read() {
    const auto answer = ask("/metrics");
    if (!answer) return std::unexpected(answer.error());
    auto reading = MetricsReading::parse(answer->body, monotonic_now());
    if (answer->status == 401) {
      return std::unexpected(
          client::Error{client::Fault::protocol,
                        fmt::format("{} wants the token of [listen] admin_token_file; name a file "
                                    "that holds it with --token-file",
                                    arguments_.admin)});
    }
    if (answer->status != 200 || reading.label("fanfare_info", "epoch").empty()) {
      return std::unexpected(client::Error{
          client::Fault::protocol,
          fmt::format("{} is not the admin listener of a broker (GET /metrics gave status {})",
                      arguments_.admin, answer->status)});
    }
    return reading;
  }

  // Reads all that the page shows.
  std::optional<client::Error> look(TopView::Size size = {.columns = 160, .rows = 40}) {
    auto after = read();
    if (!after) return after.error();
    before_ = std::exchange(after_, *std::move(after));
    shown_.header = view_.page() == TopView::Page::overview
                        ? top_screen(arguments_.admin, before_, after_)
                        : top_summary(arguments_.admin, before_, after_);
    shown_.note.clear();
    read_list(view_.channels_target(size), &client::listed_channels, shown_.channels);
    read_list(view_.connections_target(size), &client::listed_connections, shown_.connections);
    if (!closed_.empty()) shown_.note = std::exchange(closed_, {});
    return std::nullopt;
  }

  template <class Row>
  void read_list(const std::string& target,
                 std::optional<client::Listed<Row>> (*parse)(std::string_view),
                 client::Listed<Row>& list) {
    if (target.empty()) return;
    const auto answer = ask(target);
    if (!answer) {
      shown_.note = answer.error().message;
      return;
    }
    auto listed = answer->status == 200 ? parse(answer->body) : std::nullopt;
    list = listed ? *std::move(listed) : client::Listed<Row>{};
    if (answer->status != 200) shown_.note = problem_of(*answer);
  }

  // The sentence of a refusal, which is text or {"error":…}.
  static std::string problem_of(const client::Answer& answer) {
    const auto fields = client::text_fields(answer.body);
    std::string problem = fields && fields->contains("error") ? fields->at("error") : answer.body;
    while (problem.ends_with('\n')) problem.pop_back();
    return problem.empty() ? fmt::format("status {}", answer.status) : problem;
  }

  void close() {
    const auto answer = ask(fmt::format("/api/connections/{}/close", view_.chosen()), "POST");
    if (!answer) {
      closed_ = answer.error().message;
    } else if (answer->status == 200) {
      closed_ = fmt::format("closed {}", view_.chosen());
    } else {
      closed_ = problem_of(*answer);
    }
  }

  std::string as_report() const {
    constexpr std::size_t kWidth = 160;
    std::string text = shown_.header;
    if (!shown_.note.empty()) text += shown_.note + '\n';
    if (view_.page() == TopView::Page::channels) {
      text += '\n' + channel_table(shown_.channels, kWidth, shown_.channels.rows.size());
    } else if (view_.page() == TopView::Page::connections) {
      text += '\n' + connection_table(shown_.connections, kWidth, shown_.connections.rows.size());
    }
    return text;
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

  const Arguments& arguments_;
  Console& console_;
  Interrupt interrupt_;
  TopView view_;
  std::string token_;
  MetricsReading before_, after_;
  TopView::Shown shown_;
  std::string closed_;  // what became of it
};

}  // namespace

Command add_top(CLI::App& parser) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      parser.add_subcommand("top", "Watch a broker's rates, channels and slowest clients");
  command->add_option("--admin", arguments->admin, "The broker's admin listener")
      ->capture_default_str();
  command
      ->add_option("--token-file", arguments->token_file,
                   "A file with the token of the broker's [listen] admin_token_file")
      ->type_name("FILE");
  command->add_option("--page", arguments->page, "What to show first")
      ->capture_default_str()
      ->check(CLI::IsMember({"overview", "channels", "connections"}));
  command->add_option("--interval", arguments->interval, "Time between two readings")
      ->capture_default_str();
  command->add_flag("--once", arguments->once, "One screen, then end");
  command->footer(kFooter);
  return {command, [arguments](Console& console) { return Watching(*arguments, console).run(); }};
}

}  // namespace fanfare::cli
