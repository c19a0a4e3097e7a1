// fanfare publish: from the command line, a file or a pipe into a channel.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/cli/command.h"
#include "broker/cli/signals.h"
#include "broker/client/publisher.h"
#include "broker/server/base/ingest_path.h"

#include "common/units.h"
#include "common/utf8.h"

namespace fanfare::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  fanfare publish news 'hello, world'                     one event
  fanfare publish news --event alert --id order-7 '{}'    typed; the same id is published once
  fanfare publish board --key oven-3 '{"celsius":181}'    the latest of its key, where keep = "latest"
  fanfare publish board --key oven-3 --remove             and there is no such key any more
  fanfare publish notes < letter.txt                      standard input as one event
  date | fanfare publish clock -                          the same; `-` is standard input
  tail -f app.log | fanfare publish logs --lines          each line is an event
  jq -c . batch.json | fanfare publish --ndjson           {"channel":"c","data":...} per line
  fanfare publish news -- --not-an-option                 data that begins with a dash (or is one)
  fanfare publish answer/17 --finish                      nothing more will come on this channel

Prints the id of each event when the broker has answered; an id means that the event is in the log.
If an --id was used before, prints the id of that event and says so on standard error. Standard input
must be UTF-8; a byte order mark at its beginning is dropped.

Exit codes: 0 all published; 1 some refused, or no broker; 2 wrong arguments.)";

// Above the broker's own hard cap for one event.
constexpr std::size_t kInputBytesMax = 2U << 20U;
constexpr Duration kPatience = 30s;

struct Arguments {
  std::string channel;
  std::optional<std::string> data;
  std::string event;
  std::string retry;
  std::string key;
  std::string idempotency_key;
  std::string socket;
  bool lines = false;
  bool ndjson = false;
  bool remove = false;
  bool finish = false;
  bool quiet = false;
};

// One run of the command: what it publishes through, and how it went.
class Publishing {
 public:
  Publishing(Arguments& arguments, Console& console) : arguments_(arguments), console_(console) {}

  Exit run() {
    if (!console_.verbatim) mean_standard_input();
    if (const auto problem = usage_problem(); !problem.empty()) {
      fmt::print(console_.err,
                 "fanfare publish: {}\n`fanfare publish --help` shows more, with examples.\n",
                 problem);
      return Exit::usage;
    }
    const std::string path =
        arguments_.socket.empty() ? server::reachable_ingest_path() : arguments_.socket;
    auto connected = client::Publisher::connect(path, deadline(), &interrupt_.stop());
    if (!connected) {
      fmt::print(console_.err,
                 "fanfare publish: {}; is the broker running? start it with `fanfare serve`, or "
                 "pass --socket\n",
                 connected.error().message);
      return Exit::failed;
    }
    publisher_.emplace(std::move(*connected));
    const bool sent = send_everything();
    return sent && refused_ == 0 ? Exit::done : Exit::failed;
  }

 private:
  static TimePoint deadline() { return monotonic_now() + kPatience; }

  // `-`, as with every tool, where it can stand for data.
  void mean_standard_input() {
    if (arguments_.data == "-") arguments_.data.reset();
    if (arguments_.ndjson && arguments_.channel == "-") arguments_.channel.clear();
  }

  std::string usage_problem() {
    if (arguments_.ndjson) {
      const bool alone = arguments_.channel.empty() && !arguments_.data && !arguments_.lines &&
                         arguments_.event.empty() && arguments_.retry.empty() &&
                         arguments_.key.empty() && !arguments_.remove &&
                         arguments_.idempotency_key.empty() && !arguments_.finish;
      return alone ? ""
                   : "with --ndjson each line is complete in itself: give no channel, no data, and "
                     "no option but --socket and --quiet";
    }
    if (arguments_.channel.empty()) return "which channel? write `fanfare publish CHANNEL DATA`";
    if (arguments_.channel == "-" && !console_.verbatim) {
      return "- means standard input, and comes after the channel: `fanfare publish CHANNEL -`";
    }
    if (arguments_.remove && arguments_.key.empty()) return "which key? --remove needs --key KEY";
    if (arguments_.remove && (arguments_.data || arguments_.lines)) {
      return "--remove publishes no data: give no DATA and no --lines";
    }
    if (arguments_.lines && arguments_.data) return "--lines reads standard input: give no DATA";
    if (arguments_.lines && !arguments_.idempotency_key.empty()) {
      return "--id is for one event: it cannot be combined with --lines";
    }
    if (arguments_.retry.empty()) return {};
    const auto retry = parse_duration(arguments_.retry);
    if (!retry) return fmt::format("--retry: {}", retry.error());
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(*retry).count();
    if (ms > UINT32_MAX) return "--retry is too long; the broker accepts at most 1h";
    retry_ms_ = static_cast<std::uint32_t>(ms);
    return {};
  }

  bool send_everything() {
    bool fine = true;
    if (arguments_.ndjson || arguments_.lines) {
      fine = send_lines();
    } else if (arguments_.remove) {
      fine = send_one({});
    } else if (arguments_.data) {
      fine = send_one(*arguments_.data);
    } else if (!arguments_.finish) {
      fine = send_input();
    }
    if (fine && arguments_.finish) {
      fine = settled(publisher_->finish(arguments_.channel, deadline()));
    }
    return fine;
  }

  bool send_one(std::string_view data) { return settled(send(data)); }

  std::expected<void, client::Error> send(std::string_view data) {
    return publisher_->publish({.channel = arguments_.channel,
                                .data = data,
                                .event = arguments_.event,
                                .retry_ms = retry_ms_,
                                .key = arguments_.key,
                                .idempotency_key = arguments_.idempotency_key},
                               deadline());
  }

  bool send_input() {
    std::string data;
    while (read_more(data) > 0) {
      if (!is_utf8_so_far(data)) return false;
      if (data.size() <= kInputBytesMax) continue;
      fmt::print(console_.err,
                 "fanfare publish: more than {} on standard input is too much for one event; with "
                 "--lines, each line is an event\n",
                 format_size(kInputBytesMax));
      return false;
    }
    return !interrupt_.stop().raised() && send_one(without_utf8_mark(data));
  }

  bool is_utf8_so_far(std::string_view text) {
    if (!has_utf16_mark(text)) return true;
    fmt::print(console_.err,
               "fanfare publish: standard input is UTF-16, as its byte order mark says; convert it "
               "first: iconv -f UTF-16 -t UTF-8\n");
    return false;
  }

  // Publishes what each read brings at once: nothing waits for the end of the pipe.
  bool send_lines() {
    std::string pending;
    bool more = true, begun = false;
    while (more) {
      more = read_more(pending) > 0;
      if (interrupt_.stop().raised()) return false;
      if (!begun) {
        if (more && is_part_of_mark(pending)) continue;
        begun = true;
        if (!is_utf8_so_far(pending)) return false;
        pending.erase(0, pending.size() - without_utf8_mark(pending).size());
      }
      std::size_t begin = 0;
      std::expected<void, client::Error> sent;
      for (std::size_t end; sent && (end = pending.find('\n', begin)) != pending.npos;) {
        sent = send_line(std::string_view(pending).substr(begin, end - begin));
        begin = end + 1;
      }
      pending.erase(0, begin);
      if (sent && !more && !pending.empty()) sent = send_line(pending);
      if (!settled(sent)) return false;
      if (pending.size() > kInputBytesMax) {
        fmt::print(console_.err, "fanfare publish: line {} is longer than {}\n", line_ + 1,
                   format_size(kInputBytesMax));
        return false;
      }
    }
    return true;
  }

  std::expected<void, client::Error> send_line(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!arguments_.ndjson) return send(line);
    if (line.find_first_not_of(" \t") == line.npos) return {};  // nothing is answered to nothing
    return publisher_->publish_line(line, deadline());
  }

  // Takes in every reply that is owed. False when the connection is lost.
  bool settled(std::expected<void, client::Error> sent) {
    while (sent && publisher_->outstanding() > 0) {
      const auto reply = publisher_->next_reply(deadline());
      if (!reply) {
        sent = std::unexpected(reply.error());
        break;
      }
      ++line_;
      show(*reply);
    }
    std::fflush(console_.out);
    if (sent) return true;
    if (sent.error().fault != client::Fault::stopped) {
      fmt::print(console_.err, "fanfare publish: {}\n", sent.error().message);
    }
    return false;
  }

  void show(const client::Reply& reply) {
    const bool numbered = arguments_.lines || arguments_.ndjson;
    if (!reply.refusal.empty()) {
      ++refused_;
      fmt::print(console_.err, "fanfare publish: {}{}\n",
                 numbered ? fmt::format("event {}: ", line_) : "", reply.refusal);
    } else if (!arguments_.quiet) {
      for (const std::string& id : reply.ids) fmt::print(console_.out, "{}\n", id);
      if (reply.duplicate) {
        fmt::print(console_.err, "fanfare publish: {}published before under the same key\n",
                   numbered ? fmt::format("event {}: ", line_) : "");
      }
    }
  }

  // Appends what is there; 0 at the end.
  std::size_t read_more(std::string& into) {
    std::array<char, 64U << 10U> buffer;
    while (true) {
      const auto size = read(fileno(console_.in), buffer.data(), buffer.size());
      if (size < 0 && errno == EINTR && !interrupt_.stop().raised()) continue;
      if (size <= 0) return 0;
      into.append(buffer.data(), static_cast<std::size_t>(size));
      return static_cast<std::size_t>(size);
    }
  }

  Arguments& arguments_;
  Console& console_;
  Interrupt interrupt_;
  std::optional<client::Publisher> publisher_;
  std::optional<std::uint32_t> retry_ms_;
  std::uint64_t line_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace

Command add_publish(CLI::App& parser) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      parser.add_subcommand("publish", "Publish events to the broker on this machine");
  command->add_option("channel", arguments->channel, "The channel, like metrics/cpu");
  command->add_option("data", arguments->data,
                      "The data; if it is missing or -, standard input is read");
  command->add_option("--event", arguments->event, "The event's type, for addEventListener()");
  command->add_option("--retry", arguments->retry, "Reconnection time for its receivers, like 2s");
  command->add_option("--key", arguments->key,
                      "What the data is the latest value of, in a channel with keep = \"latest\"");
  command->add_flag("--remove", arguments->remove, "Remove the key: give no data");
  command->add_option("--id", arguments->idempotency_key,
                      "An idempotency key: the same key is published once and gives the same id");
  command->add_flag("--lines", arguments->lines, "Every line of standard input is an event");
  command->add_flag("--ndjson", arguments->ndjson,
                    "Every line of standard input is a JSON object with channel and data");
  command->add_flag("--finish", arguments->finish,
                    "Then finish the channel: its streams end cleanly");
  command->add_flag("--quiet,-q", arguments->quiet, "Do not show the ids");
  command->add_option("--socket", arguments->socket, "The broker's ingest socket")
      ->type_name("PATH");
  command->footer(kFooter);
  return {command, [arguments](Console& console) { return Publishing(*arguments, console).run(); }};
}

}  // namespace fanfare::cli
