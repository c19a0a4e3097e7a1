#include "tests/cli/reload_probes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "tests/cli/key_files.h"

namespace fanfare::cli {
namespace {

using server::testing::Peer;
using server::testing::SmallBroker;

// ---- What is seen of a setting.

std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1))
    ++count;
  return count;
}

std::string status_of(std::string_view response) {
  return std::string(
      response.substr(0, response.find(' ', 9)).substr(std::min<std::size_t>(9, response.size())));
}

// What a stream of channel `a` begins with.
std::string opened(SmallBroker& broker, std::string_view target = "/events?channel=a",
                   std::string_view fields = {}) {
  Peer& peer = broker.get(target, fields);
  std::string heard = peer.take();
  peer.hang_up();
  broker.pass();
  return heard;
}

// Whether a stream is sent a heartbeat within three seconds.
std::string heartbeat_of(SmallBroker& broker, std::string_view target = "/events?channel=a") {
  Peer& peer = broker.get(target);
  peer.take();
  broker.pass(3s);
  return peer.take().empty() ? "silent" : "heartbeat";
}

std::string retry_of(SmallBroker& broker) {
  const std::string heard = opened(broker);
  const auto at = heard.find("retry: ");
  EXPECT_NE(at, std::string::npos) << heard;
  return std::stoi(heard.substr(at + 7)) >= 7000 ? "7s or more" : "less than 7s";
}

std::string history_of(SmallBroker& broker) {
  return fmt::format("{} events",
                     count_of(opened(broker, "/events?channel=a&replay=1000"), "data: "));
}

std::string ask(SmallBroker& broker, Peer& peer, std::string_view bytes, Duration time = 20ms) {
  peer.say(bytes);
  broker.pass(time);
  return peer.take();
}

std::string status(SmallBroker& broker, std::string_view request) {
  return status_of(ask(broker, broker.subscriber(), request));
}

// ---- The probes.

// For those that look only at what begins after the reload.
std::function<See(SmallBroker&)> newly(std::string (*see)(SmallBroker&)) {
  return [see](SmallBroker& broker) { return [see, &broker] { return see(broker); }; };
}
// Five events of 500 bytes are there before the reload.
See with_five_events(SmallBroker& broker) {
  for (int i = 0; i < 5; ++i) broker.publish("a", std::string(500, 'x'));
  return [&broker] { return history_of(broker); };
}

sim::Faults small_sockets() {
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  return faults;
}

// A subscriber that was there before, and does not read while 30 events of 1,000 bytes come.
See falls_behind(SmallBroker& broker) {
  Peer& peer = broker.get("/events?channel=a");
  return [&broker, &peer]() -> std::string {
    peer.stop_reading();
    for (int i = 0; i < 30; ++i) broker.publish("a", std::string(1000, 'x'));
    peer.read_on();
    broker.pass(1s);
    if (broker.reported().subscribers == 0) return "disconnected";
    return peer.take().find("event: gap") != std::string::npos ? "skipped" : "served";
  };
}

See takes_no_byte_for_8_seconds(SmallBroker& broker) {
  Peer& peer = broker.get("/events?channel=a");
  return [&broker, &peer]() -> std::string {
    peer.stop_reading();
    for (int i = 0; i < 8; ++i) broker.publish("a", std::string(1000, 'x'));
    broker.pass(8s);
    return broker.counters().subscribers == 0 && broker.counters().connections_open == 0
               ? "disconnected"
               : "stays";
  };
}

// A stream that was there before: of three events, how many come at once.
See coalesced(SmallBroker& broker) {
  Peer& peer = broker.get("/events?channel=a");
  return [&broker, &peer]() -> std::string {
    for (int i = 0; i < 3; ++i) broker.publish("a", "x");
    const bool all = count_of(peer.take(), "data: x") == 3;
    broker.pass(6s);
    return all ? "at once" : "together";
  };
}

See new_channels(SmallBroker& broker) {
  return [&broker] {
    int taken = 0;
    for (const char* channel : {"c1", "c2", "c3", "c4"}) {
      taken += broker.command(fmt::format("PUBLISH {} x", channel)).starts_with(":") ? 1 : 0;
    }
    return fmt::format("{} of 4", taken);
  };
}

// On connections that were open before: 100 bytes in each of the three dialects.
See publishes_100_bytes(SmallBroker& broker) {
  Peer& lines = broker.publisher();
  ask(broker, lines, "{\"channel\":\"a\",\"data\":\"x\"}\n");
  broker.command("PING");
  return [&broker, &lines] {
    const std::string data(100, 'x');
    const bool resp = broker.command("PUBLISH a " + data).starts_with(":");
    const bool ndjson =
        ask(broker, lines, fmt::format("{{\"channel\":\"a\",\"data\":\"{}\"}}\n", data))
            .find("\"ok\":true") != std::string::npos;
    const std::string http = status_of(ask(
        broker, broker.publisher(),
        fmt::format("POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{}", data)));
    return fmt::format("{} {} {}", resp ? "taken" : "refused", ndjson ? "taken" : "refused", http);
  };
}

std::string head_with(std::string_view fields, std::string_view target = "/nothing") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n{}\r\n", target, fields);
}

std::string large_head(SmallBroker& broker) {
  return status(broker, head_with(fmt::format("X: {}\r\n", std::string(2000, 'x'))));
}
std::string many_fields(SmallBroker& broker) {
  std::string fields;
  for (int i = 0; i < 20; ++i) fields += fmt::format("X{}: 1\r\n", i);
  return status(broker, head_with(fields));
}
std::string long_target(SmallBroker& broker) {
  return status(broker, head_with("", "/" + std::string(400, 'x')));
}
std::string post(std::size_t declared, std::string_view body = {}) {
  return fmt::format("POST /events?channel=a HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}",
                     declared, body);
}
std::string large_body(SmallBroker& broker) {
  const std::string answer = status(broker, post(2000, "{"));
  return answer.empty() ? "read on" : answer;
}
std::string bodies_together(SmallBroker& broker) {
  const std::string answer = status(broker, post(1'500'000, "{"));
  return answer.empty() ? "read on" : answer;
}
std::string large_batch(SmallBroker& broker) {
  const std::string answer =
      status_of(ask(broker, broker.publisher(),
                    "POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
                    "Content-Length: 100000\r\n\r\n{"));
  return answer.empty() ? "read on" : answer;
}
std::string slow_head(SmallBroker& broker) {
  Peer& peer = broker.subscriber();
  peer.say("GET /e");
  broker.pass(4s);
  return peer.gone() ? "closed" : "open";
}
std::string idle(SmallBroker& broker) {
  Peer& peer = broker.subscriber();
  ask(broker, peer, "OPTIONS /events HTTP/1.1\r\nHost: x\r\n\r\n", 4s);
  return peer.gone() ? "closed" : "open";
}
std::string named_event(SmallBroker& broker) {
  return ask(broker, broker.publisher(),
             "{\"channel\":\"a\",\"event\":\"0123456789\",\"data\":\"x\"}\n")
                     .find("\"ok\":true") != std::string::npos
             ? "taken"
             : "refused";
}
std::string two_channels(SmallBroker& broker) {
  return status_of(opened(broker, "/events?channel=a&channel=b"));
}
std::string subscribed(SmallBroker& broker) {
  return status_of(opened(broker));
}
std::string browser_module(SmallBroker& broker) {
  return status_of(ask(broker, broker.subscriber(), head_with("", "/fanfare.js")));
}
std::string selftest_page(SmallBroker& broker) {
  return status_of(ask(broker, broker.subscriber(), head_with("", "/selftest")));
}
std::string admin_page(SmallBroker& broker) {
  return status_of(ask(broker, broker.operators(), head_with("", "/page")));
}
std::string admin_page_here(SmallBroker& broker) {
  return status_of(
      ask(broker, broker.operators(), "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n"));
}
std::string two_patterns(SmallBroker& broker) {
  return status_of(opened(broker, "/events?channel=a/*&channel=b/*"));
}
See one_more_pattern(SmallBroker& broker) {
  broker.get("/events?channel=a/*");
  return [&broker]() -> std::string {
    broker.get("/events?channel=b/*");
    return broker.reported().subscribers == 1 ? "come back later" : "opened";
  };
}
// A publisher asks who subscribes to a channel, and a shard does not say.
See unanswered_roll(SmallBroker& broker) {
  broker.lose_roll_calls();
  return [&broker] {
    Peer& peer = broker.publisher();
    peer.say("GET /channels/a/subscribers HTTP/1.1\r\nHost: x\r\n\r\n");
    broker.pass(4s);
    return std::string(peer.take().find(" 504 ") == std::string::npos ? "waits" : "504");
  };
}
std::string query_kept(SmallBroker& broker) {
  broker.get("/events?channel=a&user=7");
  return ask(broker, broker.publisher(), "{\"op\":\"watch\"}\n").find("user=7") != std::string::npos
             ? "kept"
             : "not kept";
}
std::string frequent_heartbeat(SmallBroker& broker) {
  return heartbeat_of(broker, "/events?channel=a&heartbeat=1s");
}
std::string rare_heartbeat(SmallBroker& broker) {
  return heartbeat_of(broker, "/events?channel=a&heartbeat=30s");
}
std::string usual_heartbeat(SmallBroker& broker) {
  return heartbeat_of(broker);
}
std::string two_publishers(SmallBroker& broker) {
  int answered = 0;
  for (Peer* const peer : {&broker.publisher(), &broker.publisher()}) {
    broker.pass();
    answered += !peer->gone() && ask(broker, *peer, "PING\r\n") == "+PONG\r\n" ? 1 : 0;
  }
  return fmt::format("{} of 2", answered);
}
See two_keys_after(SmallBroker& broker, Duration time) {
  const auto publish = [&broker](int key) {
    return ask(broker, broker.publisher(),
               fmt::format("{{\"channel\":\"a\",\"data\":\"x\",\"id\":\"{}\"}}\n", key));
  };
  for (const int key : {1, 2}) publish(key);
  return [&broker, publish, time] {
    broker.pass(time);
    int remembered = 0;
    for (const int key : {2, 1}) {
      remembered += publish(key).find("\"duplicate\":true") != std::string::npos ? 1 : 0;
    }
    return fmt::format("{} remembered", remembered);
  };
}
See two_keys(SmallBroker& broker) {
  return two_keys_after(broker, 2s);  // what is too many leaves once a second
}
See old_keys(SmallBroker& broker) {
  return two_keys_after(broker, 10s);
}
See owes_much(SmallBroker& broker) {
  broker.get("/events?channel=a");
  return [&broker]() -> std::string {
    // The first goes out, the rest is owed until the pace allows it.
    for (int i = 0; i < 4; ++i) {
      broker.publisher().say("PUBLISH a " + std::string(40'000, 'x') + "\r\n");
      broker.pass();
    }
    const bool paused = broker.counters().ingest_paused_total > 0;
    broker.pass(12s);
    return paused ? "slowed" : "not slowed";
  };
}
See drained(SmallBroker& broker) {
  Peer& peer = broker.get("/events?channel=a");
  return [&broker, &peer] {
    broker.drain();
    broker.pass(4s);
    return std::string(peer.gone() ? "gone" : "there");
  };
}
std::string gap_name(SmallBroker& broker) {
  const std::string heard = opened(broker, "/events?channel=a", "Last-Event-ID: 0123abc-7\r\n");
  const auto at = heard.find("event: ");
  return at == std::string::npos ? "none" : heard.substr(at + 7, heard.find('\n', at) - at - 7);
}
std::string end_name(SmallBroker& broker) {
  broker.publish("a", "x");
  EXPECT_EQ(ask(broker, broker.publisher(), "{\"op\":\"finish\",\"channel\":\"a\"}\n")
                .find("\"ok\":true"),
            1U);
  return opened(broker, "/events?channel=a&replay=1").find("event: end") == std::string::npos
             ? "none"
             : "end";
}
std::string position_on(SmallBroker& broker, std::string_view target) {
  return opened(broker, target).find("id: ") == std::string::npos ? "not announced" : "announced";
}
std::string position(SmallBroker& broker) {
  return position_on(broker, "/events?channel=a");
}

std::string route_status(SmallBroker& broker) {
  return status_of(opened(broker, "/board?channel=a"));
}
std::string route_position(SmallBroker& broker) {
  return position_on(broker, "/board?channel=a");
}
std::string route_heartbeat(SmallBroker& broker) {
  return heartbeat_of(broker, "/board?channel=a");
}
std::string route_channel(SmallBroker& broker) {
  Peer& peer = broker.get("/board");
  peer.take();
  broker.publish("x", "from x");
  broker.publish("y", "from y");
  const std::string heard = peer.take();
  return heard.find("from x") != std::string::npos   ? "x"
         : heard.find("from y") != std::string::npos ? "y"
                                                     : "neither";
}
std::string route_by_post(SmallBroker& broker) {
  return status(broker, "POST /board HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
}
std::string route_format(SmallBroker& broker) {
  return opened(broker, "/board").find("text/plain") != std::string::npos ? "raw" : "events";
}
std::string route_retry(SmallBroker& broker) {
  return opened(broker, "/board").find("retry: 1") != std::string::npos ? "soon" : "later";
}
std::string route_replay(SmallBroker& broker) {
  broker.publish("x", "before");
  return opened(broker, "/board").find("before") != std::string::npos ? "replayed" : "not replayed";
}
std::string route_parameter(SmallBroker& broker) {
  return status_of(opened(broker, "/board?format=pdf"));
}
// ---- A route that asks its application.

constexpr std::string_view kAsking = "[[route]]\npath = \"/ask\"\nupstream = \"unix:/app.sock\"\n";
constexpr std::string_view kAskingNewcomers =
    "[[route]]\npath = \"/ask\"\nupstream = \"unix:/app.sock\"\nask = \"newcomers\"\n";

std::string who_answers(SmallBroker& broker) {
  broker.application();
  broker.get("/ask");
  return broker.application().connections() == 0 ? "the broker" : "the application";
}
std::string two_at_once(SmallBroker& broker) {
  broker.application();
  broker.get("/ask");
  broker.get("/ask");
  return fmt::format("{} connections", broker.application().connections());
}
std::string patience_with_application(SmallBroker& broker) {
  broker.application();
  Peer& peer = broker.get("/ask");
  broker.pass(3s);
  const std::string heard = peer.take();
  return heard.empty() ? "waits" : status_of(heard);
}
std::string long_answer(SmallBroker& broker) {
  broker.application();
  Peer& peer = broker.get("/ask");
  broker.application().say(
      0, "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + std::string(2'000, 'x'));
  broker.pass();
  return status_of(peer.take());
}
// The application lets a client in, which comes back some time later.
std::string comes_back(SmallBroker& broker) {
  broker.application();
  broker.get("/ask");
  broker.application().say(0,
                           "HTTP/1.1 200 OK\r\nFanfare-Channels: a\r\nContent-Length: 0\r\n\r\n");
  broker.pass(2s);
  broker.get("/ask", "Last-Event-ID: ep0ch00-0\r\n");
  return broker.reported().upstream_requests_total == 2 ? "asked again" : "let in";
}

See total_of_40_segments(SmallBroker& broker) {
  for (int i = 0; i < 40; ++i) broker.publish(fmt::format("c{}", i % 4), std::string(50'000, 'x'));
  return [&broker]() -> std::string {
    int left = 0;
    for (int i = 0; i < 4; ++i)
      left += std::stoi(broker.command(fmt::format("XLEN c{}", i)).substr(1));
    return left == 40 ? "all" : left < 25 ? "half" : fmt::format("{}", left);
  };
}

}  // namespace

std::vector<Probe> probes() {
  return {
      {"listen.hosts", "", "[listen]\nhosts = [\"app.example.com\"]", newly(subscribed), "200",
       "421"},
      {"listen.admin_hosts", "", "[listen]\nadmin_hosts = [\"*\"]", newly(admin_page), "421",
       "200"},
      {"listen.admin_token_file", "", with_key_file("listen", "admin_token_file = \"$admin\"", ""),
       newly(admin_page_here), "200", "401"},
      {"subscribe.events", "[[route]]\npath = \"/board\"",
       "[subscribe]\nevents = false\n[[route]]\npath = \"/board\"", newly(subscribed), "200",
       "403"},
      {"subscribe.module", "", "[subscribe]\nmodule = false", newly(browser_module), "200", "404"},
      {"subscribe.selftest", "", "[subscribe]\nselftest = \"open\"", newly(selftest_page), "404",
       "200"},
      {"subscribe.allow", "", "[subscribe]\nallow = [\"b/**\"]", newly(subscribed), "200", "403"},

      {"history.events", "[history]\nevents = 100", "[history]\nevents = 2", with_five_events,
       "5 events", "2 events"},
      {"history.bytes", "[limits]\nevent_bytes = \"1KiB\"",
       "[history]\nbytes = \"1KiB\"\n[limits]\nevent_bytes = \"1KiB\"", with_five_events,
       "5 events", "1 events"},
      {"history.age", "", "[history]\nage = \"1s\"",
       [](SmallBroker& broker) {
         const See see = with_five_events(broker);
         return [see, &broker] { return broker.pass(3s), see(); };
       },
       "5 events", "0 events"},
      {"history.total_bytes", "", "[history]\ntotal_bytes = \"1MiB\"", total_of_40_segments, "all",
       "half"},

      {"delivery.heartbeat", "", "[delivery]\nheartbeat = \"2s\"", newly(usual_heartbeat), "silent",
       "heartbeat"},
      {"delivery.retry", "", "[delivery]\nretry = \"7s\"", newly(retry_of), "less than 7s",
       "7s or more"},
      {"delivery.slow", "[history]\nevents = 3",
       "[history]\nevents = 3\n[delivery]\nslow = \"skip\"", falls_behind, "disconnected",
       "skipped", small_sockets()},
      {"delivery.stall", "[delivery]\nstall = \"5s\"\nheartbeat = \"5min\"",
       "[delivery]\nstall = \"60s\"\nheartbeat = \"5min\"", takes_no_byte_for_8_seconds,
       "disconnected", "stays", small_sockets()},
      {"delivery.gap_event", "", "[delivery]\ngap_event = \"lost\"", newly(gap_name), "gap",
       "lost"},
      {"delivery.end_event", "", "[delivery]\nend_event = \"end\"", newly(end_name), "none", "end"},
      {"delivery.announce_position", "[delivery]\nannounce_position = \"never\"",
       "[delivery]\nannounce_position = \"always\"", newly(position), "not announced", "announced"},
      {"delivery.coalesce", "", "[delivery]\ncoalesce = \"5s\"", coalesced, "at once", "together"},

      {"limits.channels", "[limits]\nchannels = 2", "[limits]\nchannels = 3", new_channels,
       "2 of 4", "3 of 4"},
      {"limits.channels_per_subscription", "[limits]\nchannels_per_subscription = 1",
       "[limits]\nchannels_per_subscription = 2", newly(two_channels), "400", "200"},
      {"limits.patterns_per_subscription", "[limits]\npatterns_per_subscription = 1",
       "[limits]\npatterns_per_subscription = 2", newly(two_patterns), "400", "200"},
      {"limits.patterns", "[limits]\npatterns = 1", "[limits]\npatterns = 2", one_more_pattern,
       "come back later", "opened"},
      {"limits.queries_bytes", "[limits]\nqueries_bytes = \"0B\"", "", newly(query_kept),
       "not kept", "kept"},
      {"limits.presence_time", "", "[limits]\npresence_time = \"10s\"", unanswered_roll, "504",
       "waits"},
      {"limits.event_bytes", "[limits]\nevent_bytes = \"50B\"", "[limits]\nevent_bytes = \"200B\"",
       publishes_100_bytes, "refused refused 413", "taken taken 200"},
      {"limits.event_name_bytes", "[limits]\nevent_name_bytes = 5",
       "[limits]\nevent_name_bytes = 10", newly(named_event), "refused", "taken"},
      {"limits.head_bytes", "[limits]\nhead_bytes = \"1KiB\"\ntarget_bytes = \"512B\"",
       "[limits]\nhead_bytes = \"4KiB\"\ntarget_bytes = \"512B\"", newly(large_head), "431", "404"},
      {"limits.head_fields", "[limits]\nhead_fields = 8", "", newly(many_fields), "431", "404"},
      {"limits.target_bytes", "[limits]\ntarget_bytes = \"256B\"", "", newly(long_target), "414",
       "404"},
      {"limits.body_bytes", "[limits]\nbody_bytes = \"1KiB\"", "", newly(large_body), "413",
       "read on"},
      {"limits.bodies_bytes",
       "[limits]\nbody_bytes = \"2MiB\"\nbodies_bytes = \"1MiB\"\ningest_batch_bytes = \"1MiB\"",
       "[limits]\nbody_bytes = \"2MiB\"\ningest_batch_bytes = \"1MiB\"", newly(bodies_together),
       "503", "read on"},
      {"limits.head_time", "[limits]\nhead_time = \"2s\"", "", newly(slow_head), "closed", "open"},
      {"limits.idle_time", "[limits]\nidle_time = \"2s\"", "", newly(idle), "closed", "open"},
      {"limits.heartbeat_min", "", "[limits]\nheartbeat_min = \"10s\"", newly(frequent_heartbeat),
       "heartbeat", "silent"},
      {"limits.heartbeat_max", "[limits]\nheartbeat_max = \"2s\"\n[delivery]\nheartbeat = \"2s\"",
       "[delivery]\nheartbeat = \"2s\"", newly(rare_heartbeat), "heartbeat", "silent"},
      {"limits.ingest_pending_bytes",
       "[delivery]\ncoalesce = \"5s\"\n[limits]\ningest_pending_bytes = \"64KiB\"",
       "[delivery]\ncoalesce = \"5s\"", owes_much, "slowed", "not slowed"},
      {"limits.ingest_batch_bytes", "[limits]\ningest_batch_bytes = \"64KiB\"", "",
       newly(large_batch), "413", "read on"},
      {"limits.ingest_connections", "[limits]\ningest_connections = 1", "", newly(two_publishers),
       "1 of 2", "2 of 2"},
      {"limits.idempotency_keys", "", "[limits]\nidempotency_keys = 1", two_keys, "2 remembered",
       "1 remembered"},
      {"limits.idempotency_age", "", "[limits]\nidempotency_age = \"1s\"", old_keys, "2 remembered",
       "0 remembered"},
      {"limits.upstream_connections", kAsking,
       "[limits]\nupstream_connections = 1\n"
       "[[route]]\npath = \"/ask\"\nupstream = \"unix:/app.sock\"\n",
       newly(two_at_once), "2 connections", "1 connections"},
      {"limits.upstream_time", kAsking,
       "[limits]\nupstream_time = \"1s\"\n"
       "[[route]]\npath = \"/ask\"\nupstream = \"unix:/app.sock\"\n",
       newly(patience_with_application), "waits", "504"},
      {"limits.upstream_answer_bytes", kAsking,
       "[limits]\nupstream_answer_bytes = \"1KiB\"\n"
       "[[route]]\npath = \"/ask\"\nupstream = \"unix:/app.sock\"\n",
       newly(long_answer), "200", "502"},
      {"limits.approval_bytes", kAskingNewcomers,
       "[limits]\napproval_bytes = \"0B\"\n"
       "[[route]]\npath = \"/ask\"\nupstream = \"unix:/app.sock\"\nask = \"newcomers\"\n",
       newly(comes_back), "let in", "asked again"},
      {"limits.approval_age", kAskingNewcomers,
       "[limits]\napproval_age = \"1s\"\n"
       "[[route]]\npath = \"/ask\"\nupstream = \"unix:/app.sock\"\nask = \"newcomers\"\n",
       newly(comes_back), "let in", "asked again"},
      {"limits.drain", "[limits]\ndrain = \"1s\"", "[limits]\ndrain = \"1h\"", drained, "gone",
       "there"},

      {"channel.match", "[[channel]]\nmatch = \"b\"\nhistory_events = 2",
       "[[channel]]\nmatch = \"a\"\nhistory_events = 2", with_five_events, "5 events", "2 events"},
      {"channel.history_events", "[[channel]]\nmatch = \"a\"",
       "[[channel]]\nmatch = \"a\"\nhistory_events = 2", with_five_events, "5 events", "2 events"},
      {"channel.history_bytes", "[limits]\nevent_bytes = \"1KiB\"\n[[channel]]\nmatch = \"a\"",
       "[limits]\nevent_bytes = \"1KiB\"\n[[channel]]\nmatch = \"a\"\nhistory_bytes = \"1KiB\"",
       with_five_events, "5 events", "1 events"},
      {"channel.history_age", "[[channel]]\nmatch = \"a\"",
       "[[channel]]\nmatch = \"a\"\nhistory_age = \"1s\"",
       [](SmallBroker& broker) {
         const See see = with_five_events(broker);
         return [see, &broker] { return broker.pass(3s), see(); };
       },
       "5 events", "0 events"},
      {"channel.heartbeat", "[[channel]]\nmatch = \"a\"",
       "[[channel]]\nmatch = \"a\"\nheartbeat = \"2s\"", newly(usual_heartbeat), "silent",
       "heartbeat"},
      {"channel.retry", "[[channel]]\nmatch = \"a\"", "[[channel]]\nmatch = \"a\"\nretry = \"7s\"",
       newly(retry_of), "less than 7s", "7s or more"},
      {"channel.slow", "[[channel]]\nmatch = \"a\"\nhistory_events = 3",
       "[[channel]]\nmatch = \"a\"\nhistory_events = 3\nslow = \"skip\"", falls_behind,
       "disconnected", "skipped", small_sockets()},
      {"channel.coalesce", "[[channel]]\nmatch = \"a\"",
       "[[channel]]\nmatch = \"a\"\ncoalesce = \"5s\"", coalesced, "at once", "together"},

      {"route.path", "", "[[route]]\npath = \"/board\"", newly(route_status), "404", "200"},
      {"route.channels", "[[route]]\npath = \"/board\"\nchannels = [\"x\"]",
       "[[route]]\npath = \"/board\"\nchannels = [\"y\"]", newly(route_channel), "x", "y"},
      {"route.methods", "[[route]]\npath = \"/board\"\nchannels = [\"x\"]",
       "[[route]]\npath = \"/board\"\nchannels = [\"x\"]\nmethods = [\"GET\"]",
       newly(route_by_post), "200", "405"},
      {"route.parameters", "[[route]]\npath = \"/board\"\nchannels = [\"x\"]",
       "[[route]]\npath = \"/board\"\nchannels = [\"x\"]\nparameters = []", newly(route_parameter),
       "400", "200"},
      {"route.format", "[[route]]\npath = \"/board\"\nchannels = [\"x\"]",
       "[[route]]\npath = \"/board\"\nchannels = [\"x\"]\nformat = \"raw\"", newly(route_format),
       "events", "raw"},
      {"route.replay", "[[route]]\npath = \"/board\"\nchannels = [\"x\"]",
       "[[route]]\npath = \"/board\"\nchannels = [\"x\"]\nreplay = 1", newly(route_replay),
       "not replayed", "replayed"},
      {"route.retry", "[[route]]\npath = \"/board\"\nchannels = [\"x\"]",
       "[[route]]\npath = \"/board\"\nchannels = [\"x\"]\nretry = \"100ms\"", newly(route_retry),
       "later", "soon"},
      {"route.announce_position", "[[route]]\npath = \"/board\"\nannounce_position = \"never\"",
       "[[route]]\npath = \"/board\"\nannounce_position = \"always\"", newly(route_position),
       "not announced", "announced"},
      {"route.heartbeat", "[[route]]\npath = \"/board\"",
       "[[route]]\npath = \"/board\"\nheartbeat = \"2s\"", newly(route_heartbeat), "silent",
       "heartbeat"},
      {"route.upstream", "[[route]]\npath = \"/ask\"\nchannels = [\"a\"]", kAsking,
       newly(who_answers), "the broker", "the application"},
      {"route.ask", kAsking, kAskingNewcomers, newly(comes_back), "asked again", "let in"},
  };
}

}  // namespace fanfare::cli
