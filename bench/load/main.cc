// fanfare-load: load for any SSE server, in its own processes, with every event checked.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bench/load/modes.h"

namespace {

using namespace fanfare::load;

constexpr const char* kExamples = R"(
Examples:
  fanfare-load idle    --server-pid $(pidof fanfare) --subscribers 100000
  fanfare-load fanout  --server-pid $(pidof fanfare) --socket /run/fanfare/ingest.sock --subscribers 10000 --window 8
  fanfare-load fanout  --subscribers 10000 --rate 20 --seconds 30           # paced
  fanfare-load storm   --subscribers 19000 --missed 100
  fanfare-load fanout  --h2 --streams 100 --subscribers 10000               # 100 connections, without TLS
  fanfare-load fanout  --tls --port 8443 --subscribers 1000                 # HTTP/1.1 over TLS 1.3
  fanfare-load idle    --tls --h2 --streams 100 --port 8443 --subscribers 10000
  fanfare-load handshake --tls --port 8443 --server-pid $(pidof fanfare)    # each of them full; --resume: by tickets
  fanfare-load fetch   --h2 --path /fanfare.js --subscribers 1000           # plain answers, on 1,000 connections
  fanfare-load fanout  --port 8081 --path '/sub/{channel}' --dialect http --publish-path '/pub/{channel}'   # nchan

All load goes to --host (a loopback address by default). Figures go to standard output, one a line, or
as JSON with --json. Exit code 1: the measurement failed; 3: an event was lost or repeated.)";

void add_options(CLI::App& app, Settings& settings, std::string& dialect, bool& json) {
  app.add_option("--host", settings.target.host, "the server's IPv4 address")
      ->capture_default_str();
  app.add_option("--port", settings.target.port, "the subscribers' port")->capture_default_str();
  app.add_option("--path", settings.target.path, "what subscribers GET; {channel} is replaced")
      ->capture_default_str();
  app.add_option_function<std::vector<std::string>>(
         "--header",
         [&settings](const std::vector<std::string>& fields) {
           for (const std::string& field : fields) settings.target.fields += field + "\r\n";
         },
         "of each subscriber's request, \"Name: value\"; may be repeated")
      ->take_all();
  app.add_option("--socket", settings.target.socket, "the publisher's Unix socket");
  app.add_option("--dialect", dialect,
                 "how to publish: resp, ndjson, line or http (over --socket, or TCP without one)")
      ->check(CLI::IsMember({"resp", "ndjson", "line", "http"}))
      ->capture_default_str();
  app.add_option("--publish-path", settings.target.publish_path, "with --dialect http")
      ->capture_default_str();
  app.add_option("--publish-port", settings.target.publish_port, "with --dialect http");
  app.add_option("--server-pid", settings.server_pid, "whose CPU and memory are measured");
  app.add_flag("--h2", settings.target.h2,
               "subscribers speak HTTP/2: by prior knowledge, or by ALPN with --tls");
  app.add_option("--streams", settings.target.streams, "on each connection, with --h2")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--tls", settings.target.tls,
               "subscribers come over TLS; the certificate is not checked");
  app.add_flag("--resume", settings.target.resume_session,
               "with --tls: resume the session of an earlier connection");
  app.add_option("--subscribers", settings.subscribers)->capture_default_str();
  app.add_option("--channels", settings.channels, "subscriber i listens to channel i % channels")
      ->capture_default_str();
  app.add_option("--prefix", settings.target.prefix, "channels are PREFIX/0, PREFIX/1, ...")
      ->capture_default_str();
  app.add_option("--channels-each", settings.target.channels_each, "channels of one stream")
      ->capture_default_str();
  app.add_option("--live", settings.live, "storm, beside: bystanders, to see what they notice")
      ->capture_default_str();
  app.add_option("--live-rate", settings.live_rate, "events a second to them")
      ->capture_default_str();
  app.add_option("--window", settings.window, "events in flight; 0: as fast as acknowledged")
      ->capture_default_str();
  app.add_option("--rate", settings.rate, "events a second instead of a window");
  app.add_option("--seconds", settings.seconds)->capture_default_str();
  app.add_option("--event-bytes", settings.event_bytes)->capture_default_str();
  app.add_option("--verify", settings.verify, "idle: events to everybody at the end")
      ->capture_default_str();
  app.add_option("--missed", settings.missed, "storm: events each client misses")
      ->capture_default_str();
  app.add_option("--stalled", settings.stalled, "slow: share of subscribers that stop reading")
      ->capture_default_str();
  app.add_flag("--json", json, "one JSON object");
}

// A sentence; empty: they go together.
std::string problem_of(const Settings& settings, std::string_view mode) {
  const Target& target = settings.target;
  const std::uint32_t each = target.channels_each;
  if (each == 0 || settings.channels == 0 || settings.channels % each != 0 ||
      settings.subscribers % settings.groups() != 0) {
    return "--channels has to be a multiple of --channels-each, and --subscribers of their "
           "quotient";
  }
  if (target.streams > 1 && !target.h2) return "--streams needs --h2";
  if (target.resume_session && !target.tls) return "--resume needs --tls";
  if (mode == "handshake" && !target.tls) return "handshake needs --tls";
  if (mode == "fetch" && !target.h2) return "fetch needs --h2";
  return {};
}

void print(const Figures& figures, const std::string& mode, bool json) {
  if (json) {
    fmt::print("{{\"mode\":\"{}\"", mode);
    for (const auto& [name, value] : figures) fmt::print(",\"{}\":{:.6g}", name, value);
    fmt::print("}}\n");
    return;
  }
  for (const auto& [name, value] : figures) fmt::print("{:<40} {:>16.6g}\n", name, value);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Load for Server-Sent-Events servers"};
  app.footer(kExamples);
  app.require_subcommand(1);
  Settings settings;
  std::string dialect = "resp";
  bool json = false;
  const std::map<std::string, std::pair<std::string, std::function<Figures(const Settings&)>>>
      modes = {
          {"idle", {"memory and CPU of streams on which nothing happens", measure_idle}},
          {"fanout", {"deliveries per second of server CPU, and latencies", measure_fanout}},
          {"publish", {"events taken per second of server CPU, no subscribers", measure_publish}},
          {"storm", {"all clients cut, and back at once with their last id", measure_storm}},
          {"beside", {"one busy channel, and what quiet ones notice", measure_beside}},
          {"slow", {"some subscribers stop reading", measure_slow}},
          {"patterns", {"publishing beside names, and beside as many patterns", measure_patterns}},
          {"handshake", {"TLS connections made and ended, one after the other", measure_handshake}},
          {"fetch", {"plain answers over HTTP/2, and sessions that have had one", measure_fetch}},
          {"churn", {"streams opened and closed over and over", measure_churn}},
      };
  for (const auto& [name, mode] : modes) {
    add_options(*app.add_subcommand(name, mode.first), settings, dialect, json);
  }
  CLI11_PARSE(app, argc, argv);
  const std::map<std::string, PublishDialect> dialects = {{"resp", PublishDialect::resp},
                                                          {"ndjson", PublishDialect::ndjson},
                                                          {"line", PublishDialect::line},
                                                          {"http", PublishDialect::http_post}};
  settings.target.dialect = dialects.at(dialect);
  const std::string mode = app.get_subcommands().front()->get_name();
  if (const std::string problem = problem_of(settings, mode); !problem.empty()) {
    fmt::print(stderr, "fanfare-load: {}\n", problem);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);  // a server may end a TLS connection that OpenSSL writes to
  try {
    const Figures figures = modes.at(mode).second(settings);
    print(figures, mode, json);
    for (const auto& [name, value] : figures) {
      if ((name == "lost" || name == "repeated" || name == "missing") && value > 0) return 3;
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "fanfare-load: {}\n", error.what());
    return 1;
  }
  return 0;
}
