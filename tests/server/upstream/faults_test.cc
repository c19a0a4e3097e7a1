// Applications that are slow, dead, lying or cut short, and networks as bad as a seed makes them:
// whatever happens, every client hears something, and no slot, buffer or token is left behind.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/server/small_broker.h"

#include "common/random.h"

namespace fanfare::server {
namespace {

using testing::Application;
using testing::Peer;
using testing::route_rule;
using testing::SmallBroker;

constexpr std::array<std::string_view, 12> kAnswers = {
    "HTTP/1.1 200 OK\r\nFanfare-Channels: a, b\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nFanfare-Channels: a\r\nFanfare-Expires: 300ms\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nFanfare-Channels: b\r\nFanfare-Finish-After: 300ms\r\n"
    "Content-Length: 0\r\n\r\n",
    "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "HTTP/1.0 200 OK\r\nFanfare-Channels: a\r\n\r\nuntil the end",
    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    "HTTP/1.1 200 OK\r\nFanfare-Channels: not a name\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nConnection: close\r\nFanfare-Channels: a\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200",
    "hello?\r\n",
    "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"};

class Day {
 public:
  explicit Day(std::uint64_t seed) : random_(seed), broker_(options(), nullptr, faults(seed)) {
    broker_.faults().connect_fails = random_.chance(0.5) ? 0.2 : 0;
    broker_.faults().connect_stalls = random_.chance(0.3) ? 0.1 : 0;
  }

  void live() {
    for (int i = 0; i < 150; ++i) {
      happen();
      broker_.pass(std::chrono::milliseconds(random_.below(random_.chance(0.1) ? 800 : 30)));
    }
    broker_.faults().stop();
    app_.stop();
    broker_.pass(20s);
    const Counters counters = broker_.reported();
    EXPECT_EQ(counters.upstream_connections_open, 0U);
    EXPECT_EQ(counters.upstream_waiting, 0U);
    asked_ = counters.upstream_requests_total;
  }
  std::uint64_t asked() const { return asked_; }

 private:
  static Options options() {
    Options options;
    options.limits.upstream_time = 2s;
    options.limits.upstream_connections = 3;
    options.limits.upstream_answer_bytes = 1024;
    RouteRule& route = route_rule(options, "/ask");
    route.upstream = "unix:/app.sock";
    route.ask = Ask::newcomers;
    route_rule(options, "/other").upstream = "http://127.0.0.1:3000";
    return options;
  }
  static sim::Faults faults(std::uint64_t seed) {
    Random random(seed);
    sim::Faults faults = sim::Faults::drawn(random);
    faults.draw_errors(Random(seed + 1));
    // Its clients need all of it: what they may meet is other tests' matter.
    faults.backlog = 128;
    faults.socket_buffer_min = faults.socket_buffer_max = 64U << 10U;
    return faults;
  }
  void happen() {
    const std::size_t connections = app_.connections();
    const std::size_t one = connections == 0 ? 0 : random_.below(connections);
    switch (random_.below(connections == 0 ? 3 : 9)) {
      case 0:
      case 1:
        return come();
      case 2:
        if (!peers_.empty()) peers_[random_.below(peers_.size())]->hang_up();
        return;
      case 3:
        return random_.chance(0.5) ? app_.hang_up(one) : app_.reset(one);
      case 4:
        if (!random_.chance(0.2)) return;
        app_.stop();
        broker_.pass(std::chrono::milliseconds(random_.below(300)));
        return app_.start();
      default: {
        const std::string_view answer = kAnswers[random_.below(kAnswers.size())];
        const bool cut = random_.chance(0.2);
        app_.blurt(connections - 1 - random_.below(std::min<std::size_t>(connections, 3)),
                   cut ? answer.substr(0, random_.below(answer.size())) : answer);
      }
    }
  }
  void come() {
    if (peers_.size() >= 12 && random_.chance(0.7)) return;
    const bool post = random_.chance(0.5);
    const std::string body(post ? random_.below(2'000) : 0, 'b');
    Peer& peer = broker_.subscriber();
    peer.say(fmt::format("{} {} HTTP/1.1\r\nHost: x\r\n{}{}{}\r\n{}",
                         post                  ? "POST"
                         : random_.chance(0.1) ? "HEAD"
                                               : "GET",
                         random_.chance(0.7) ? "/ask" : "/other",
                         random_.chance(0.7) ? "Accept: text/event-stream\r\n" : "",
                         random_.chance(0.3) ? "Last-Event-ID: ep0ch00-0\r\n" : "",
                         post ? fmt::format("Content-Length: {}\r\n", body.size()) : "", body));
    peers_.push_back(&peer);
  }

  Random random_;
  SmallBroker broker_;
  Application& app_ = broker_.application();
  std::vector<Peer*> peers_;
  std::uint64_t asked_ = 0;
};

TEST(UpstreamFaults, LeaveNothingBehindWhateverApplicationsAndNetworksDo) {
  std::uint64_t asked = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Day day(seed);
    day.live();
    asked += day.asked();
    if (::testing::Test::HasFailure()) break;
  }
  EXPECT_GT(asked, 1'000U);
}

}  // namespace
}  // namespace fanfare::server
