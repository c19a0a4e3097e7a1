// A log that does not become durable, for ever: publishers wait, nothing grows without a bound,
// the operator is shown it, and it ends as soon as the gate goes on.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/server/late_gate.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::LateGate;
using testing::Peer;
using testing::SmallBroker;

// What the operator is shown.
class Shown final : public AdminSurface {
 public:
  AdminAnswer answer(std::string_view, const Snapshot& now) override {
    snapshot = now;
    return {.content_type = "text/plain", .body = "shown\n"};
  }
  std::string live_event(const Snapshot&) override { return std::string(1'000, 'l'); }

  Snapshot snapshot;
};

class Stuck : public ::testing::Test {
 protected:
  static Options options() {
    Options options;
    options.limits.drain = 0s;
    options.limits.ingest_pending_bytes = 100'000;
    return options;
  }
  const Snapshot& shown() {
    broker_.operators().say("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n");
    broker_.pass();
    return surface_.snapshot;
  }
  void say(Peer& peer, std::string_view bytes) {
    peer.say(bytes);
    broker_.pass();
  }
  // One that is not read from any more: what it published waits for the gate.
  Peer& paused_publisher() {
    Peer& peer = broker_.publisher();
    for (int i = 0; i < 15; ++i) {
      say(peer, fmt::format("PUBLISH a {}\r\n", std::string(10'000, 'x')));
    }
    return peer;
  }
  void write_all() {
    gate_.write_all();
    broker_.wake();
    broker_.pass(1s);
  }

  LateGate gate_;
  Shown surface_;
  SmallBroker broker_{options(), &surface_, {}, SmallBroker::kSubscribersMax, {}, &gate_};
};

TEST_F(Stuck, IsShownAfterAMomentAndNoLongerThanItLasts) {
  write_all();
  EXPECT_EQ(shown().log_stalled, Duration{});
  say(broker_.publisher(), "PUBLISH a 1\r\n");
  broker_.pass(5s);
  EXPECT_GE(shown().log_stalled, 4s);
  EXPECT_FALSE(shown().stuck()) << "a slow disk";
  EXPECT_FALSE(shown().publishers_paused);
  broker_.pass(10s);
  EXPECT_TRUE(shown().stuck());
  for (int i = 0; i < 3; ++i) write_all();
  EXPECT_FALSE(shown().stuck());
}

// However much waits, what moves is not stuck.
TEST_F(Stuck, IsNotWhatIsOnlyBehind) {
  Peer& peer = broker_.publisher();
  for (int i = 0; i < 20; ++i) {
    say(peer, "PUBLISH a 1\r\n");
    broker_.pass(1s);
    if (i >= 5) gate_.write(gate_.heads().size() - 5);
    broker_.wake();
  }
  broker_.pass();
  EXPECT_FALSE(shown().stuck());
  EXPECT_GT(shown().heads.appended.batches, shown().heads.told.batches);
}

TEST_F(Stuck, PublishersWaitAndGoOn) {
  Peer& peer = paused_publisher();
  broker_.pass(60s);
  EXPECT_TRUE(shown().publishers_paused);
  EXPECT_TRUE(shown().stuck());
  EXPECT_FALSE(peer.gone());
  EXPECT_EQ(peer.take(), "");
  for (int i = 0; i < 5; ++i) write_all();
  EXPECT_FALSE(shown().publishers_paused);
  EXPECT_EQ(peer.take().size(), 15 * std::string_view(":0\r\n").size());
}

// The live page was published every second, each event a batch that waits.
TEST_F(Stuck, NothingGrewButTheLivePage) {
  paused_publisher();
  broker_.pass(20s);
  const std::size_t batches = gate_.heads().size();
  broker_.pass(600s);
  EXPECT_EQ(gate_.heads().size(), batches);
  write_all();
  broker_.pass(3s);
  EXPECT_GT(gate_.heads().size(), batches) << "it goes on";
}

// A FIN may be the last word of one that still reads its acks, so it is no reason to forget it.
TEST_F(Stuck, APublisherThatLeavesIsForgottenWhenTheLogGoesOn) {
  Peer& paused = paused_publisher();
  Peer& resp = broker_.publisher();
  say(resp, "PUBLISH a 1\r\n");
  Peer& http = broker_.publisher();
  say(http, "POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1");
  for (Peer* const peer : {&paused, &resp, &http}) peer->hang_up();
  broker_.pass(20s);
  for (int i = 0; i < 5; ++i) write_all();
  EXPECT_EQ(broker_.counters().ingest_connections_open, 0U);
}

TEST_F(Stuck, StopsWithEveryKindOfPublisherWaiting) {
  paused_publisher();
  say(broker_.publisher(), "POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1");
  say(broker_.publisher(), "{\"channel\":\"a\",\"data\":\"1\"}\n");
  broker_.pass(60s);
  broker_.drain();
  broker_.pass(10s);
  EXPECT_TRUE(broker_.finished());
}

}  // namespace
}  // namespace fanfare::server
