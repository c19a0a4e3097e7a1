// What SIGHUP does, key by key: for every key of the table a configuration with another value is
// loaded while a broker runs, and what a client, a publisher or the operator then sees is compared
// with the mark in the table. A key without a probe fails here.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/config/difference.h"
#include "broker/config/figures.h"
#include "broker/config/keys.h"
#include "broker/config/load.h"
#include "broker/config/tls_files.h"
#include "broker/config/token_keys.h"
#include "broker/server/base/switchboard.h"
#include "tests/cli/key_files.h"
#include "tests/cli/reload_probes.h"

namespace fanfare::cli {
namespace {

using server::testing::SmallBroker;
using ::testing::HasSubstr;

server::Options loaded(std::string_view text) {
  const config::Loaded options = config::parse(text, "test.toml");
  EXPECT_TRUE(options) << text << (options ? std::string() : options.error().front().text());
  return options ? *options : server::Options();
}

server::Options with_keys(server::Options options) {
  const auto keys = config::read_token_keys(options.token);
  EXPECT_TRUE(keys) << keys.error().front();
  if (keys) options.token_keys = *keys;
  const auto publish_keys = config::read_publish_keys(options.publish);
  EXPECT_TRUE(publish_keys) << publish_keys.error().front();
  if (publish_keys) options.publish_keys = *publish_keys;
  const auto admin_token = config::read_admin_token(options.listen);
  EXPECT_TRUE(admin_token) << admin_token.error();
  if (admin_token) options.admin_token = *admin_token;
  static const auto kTickets = std::make_shared<tls::TicketKeys>(TimePoint{});
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  auto files = config::read_tls_files(options, kTickets, now);
  EXPECT_TRUE(files) << files.error().front();
  if (files) options.tls_server = files->server;
  if (files) options.publish_tls_server = files->publish_server;
  return options;
}

std::vector<Probe> all_probes() {
  std::vector<Probe> all = probes();
  std::ranges::move(token_probes(), std::back_inserter(all));
  std::ranges::move(publish_probes(), std::back_inserter(all));
  std::ranges::move(tls_probes(), std::back_inserter(all));
  std::ranges::move(certificate_probes(), std::back_inserter(all));
  std::ranges::move(front_probes(), std::back_inserter(all));
  std::ranges::move(keyed_probes(), std::back_inserter(all));
  std::ranges::move(head_probes(), std::back_inserter(all));
  std::ranges::move(stream_probes(), std::back_inserter(all));
  std::ranges::move(h2_probes(), std::back_inserter(all));
  std::ranges::move(heartbeat_probes(), std::back_inserter(all));
  std::ranges::move(hook_probes(), std::back_inserter(all));
  return all;
}

// A broker whose configuration is read again, as `fanfare serve` does it at SIGHUP.
class Reloading {
 public:
  Reloading(std::string_view text, const sim::Faults& faults)
      : options_(with_keys(loaded(text))), broker_(options_, &page_, faults) {}

  // What the log says.
  std::string reload(std::string_view text) {
    const server::Options read = with_keys(loaded(text));
    std::string log;
    for (const config::Difference& change : config::differences(options_, read)) {
      log += change.text() + "\n";
    }
    options_ = config::in_force(options_, read);
    broker_.post(server::SettingsMessage{std::make_shared<const server::Options>(options_)});
    broker_.pass(2s);
    return log;
  }
  const server::Options& options() const { return options_; }
  SmallBroker& broker() { return broker_; }

 private:
  class Page final : public server::AdminSurface {
   public:
    server::AdminAnswer answer(std::string_view, const server::Snapshot&) override {
      return {.content_type = "text/plain", .body = "a page"};
    }
    std::string live_event(const server::Snapshot&) override { return {}; }
  };

  server::Options options_;
  Page page_;
  SmallBroker broker_;
};

// What waits for the next start: what the log says, and the value that stays. (Two of them as seen
// from outside, on the real binary: tests/e2e/reload.test.js.)
struct Fixed {
  std::string_view key;
  std::string_view before, after;
};
const std::vector<Fixed>& fixed_keys() {
  static const std::string kWithKeys = fmt::format("keys = [\"{}\"]\n", key_files().path("good"));
  static const std::string kHttps1 = "https = [\"127.0.0.1:1\"]\n" + tls_section_text();
  static const std::string kHttps2 = "https = [\"127.0.0.1:2\"]\n" + tls_section_text();
  static const std::string kListening = kWithKeys + "listen = [\"127.0.0.1:1\"]";
  static const std::string kTls1 =
      kWithKeys + "listen_tls = [\"127.0.0.1:1\"]\n" + tls_section_text();
  static const std::string kTls2 =
      kWithKeys + "listen_tls = [\"127.0.0.1:2\"]\n" + tls_section_text();
  static const std::vector<Fixed> kFixed = {
      {"listen.http", "http = [\"127.0.0.1:1\"]", "http = [\"127.0.0.1:2\"]"},
      {"listen.http_mode", "http_mode = \"0600\"", "http_mode = \"0660\""},
      {"listen.http_group", "http_group = \"\"", "http_group = \"daemon\""},
      {"listen.https", kHttps1, kHttps2},
      {"listen.ingest", "ingest = \"/tmp/a\"", "ingest = \"/tmp/b\""},
      {"listen.ingest_mode", "ingest_mode = \"0600\"", "ingest_mode = \"0660\""},
      {"listen.ingest_group", "ingest_group = \"\"", "ingest_group = \"daemon\""},
      {"listen.ingest_users", "ingest_users = []", "ingest_users = [\"daemon\"]"},
      {"listen.admin", "admin = \"\"", "admin = \"127.0.0.1:1\""},
      {"server.shards", "shards = 1", "shards = 2"},
      {"server.backend", "backend = \"io_uring\"", "backend = \"epoll\""},
      {"journal.path", "path = \"\"", "path = \"/tmp/a\""},
      {"journal.level", "level = \"always\"", "level = \"interval\""},
      {"journal.sync", "sync = \"1s\"", "sync = \"2s\""},
      {"journal.rewrite", "rewrite = \"1MiB\"", "rewrite = \"2MiB\""},
      {"limits.connections", "connections = 100", "connections = 200"},
      {"publish.listen", kWithKeys, kListening},
      {"publish.listen_tls", kTls1, kTls2},
  };
  return kFixed;
}

std::string name_of(std::string_view key) {
  std::string name(key);
  for (char& c : name) {
    if (c == '.') c = '_';
  }
  return name;
}

class AppliedAtOnce : public ::testing::TestWithParam<Probe> {};

TEST_P(AppliedAtOnce, ShowsInWhatClientsAndPublishersSee) {
  const Probe& probe = GetParam();
  {
    Reloading unchanged(probe.before, probe.faults);
    const See see = probe.attach(unchanged.broker());
    EXPECT_EQ(unchanged.reload(probe.before), "");
    EXPECT_EQ(see(), probe.seen_before);
  }
  Reloading changed(probe.before, probe.faults);
  const See see = probe.attach(changed.broker());
  EXPECT_THAT(changed.reload(probe.after), Not(HasSubstr("at the next start")));
  EXPECT_EQ(see(), probe.seen_after);
}

INSTANTIATE_TEST_SUITE_P(Reload, AppliedAtOnce, ::testing::ValuesIn(all_probes()),
                         [](const auto& test) { return name_of(test.param.key); });

class AppliedAtTheNextStart : public ::testing::TestWithParam<Fixed> {};

TEST_P(AppliedAtTheNextStart, IsSaidAndTheOldValueStaysInForce) {
  const auto [key, before, after] = GetParam();
  const std::string head = fmt::format("[{}]\n", key.substr(0, key.find('.')));
  Reloading reloading(head + std::string(before), {});
  const server::Options running = reloading.options();
  const std::string log = reloading.reload(head + std::string(after));
  EXPECT_TRUE(log.starts_with(std::string(key) + ": ")) << log;
  EXPECT_THAT(log, HasSubstr("(at the next start)"));
  server::Options in_force = reloading.options();
  in_force.publish_keys = running.publish_keys;  // their files were read again
  in_force.tls_server = running.tls_server;
  in_force.publish_tls_server = running.publish_tls_server;
  EXPECT_EQ(in_force, running);
  EXPECT_EQ(reloading.reload(head + std::string(after)), log) << "as long as it waits";
  EXPECT_EQ(reloading.reload(head + std::string(before)), "") << "and no longer";
}

INSTANTIATE_TEST_SUITE_P(Reload, AppliedAtTheNextStart, ::testing::ValuesIn(fixed_keys()),
                         [](const auto& test) { return name_of(test.param.key); });

TEST(Reload, EveryKeyOfTheTableHasAProbeOfItsMark) {
  std::set<std::string> at_once, fixed;
  for (const Probe& probe : all_probes())
    EXPECT_TRUE(at_once.emplace(probe.key).second) << probe.key;
  for (const Fixed& key : fixed_keys()) EXPECT_TRUE(fixed.emplace(key.key).second) << key.key;
  const auto check = [&](std::string_view section, const config::Facts& facts) {
    const std::string key = fmt::format("{}.{}", section, facts.name);
    EXPECT_EQ(at_once.erase(key), facts.restart ? 0U : 1U) << key << " needs a probe of its effect";
    EXPECT_EQ(fixed.erase(key), facts.restart ? 1U : 0U) << key << " waits for the next start";
  };
  for (const auto& section : config::sections()) {
    for (const auto& key : section.keys) check(section.name, key.facts);
  }
  for (const auto& key : config::channel_section().keys) check("channel", key.facts);
  for (const auto& key : config::sni_section().keys) check("tls.sni", key.facts);
  for (const auto& key : config::publish_client_section().keys) {
    check("publish.client", key.facts);
  }
  for (const auto& key : config::route_section().keys) check("route", key.facts);
  for (const auto& key : config::hook_section().keys) check("hook", key.facts);
  EXPECT_THAT(at_once, ::testing::IsEmpty()) << "probes of keys that do not exist";
  EXPECT_THAT(fixed, ::testing::IsEmpty());
}

TEST(Reload, TheFiguresForMetricsAreThoseInForce) {
  Reloading reloading("[limits]\nconnections = 100\nhead_bytes = \"1KiB\"\ntarget_bytes = \"512B\"",
                      {});
  reloading.reload("[limits]\nconnections = 200\nhead_bytes = \"2KiB\"\ntarget_bytes = \"512B\"");
  for (const server::LimitFigure& figure : config::limit_figures(reloading.options())) {
    const auto* const count = std::get_if<std::uint64_t>(&figure.value);
    const std::uint64_t value = count == nullptr ? 0 : *count;
    EXPECT_TRUE(figure.name != "connections" || value == 100U) << "waits for the next start";
    EXPECT_TRUE(figure.name != "head_bytes" || value == 2048U);
  }
}

}  // namespace
}  // namespace fanfare::cli
