// Peers that say what they have to say drop by drop: a head and a body have their time each,
// however many bytes come within it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::Peer;
using testing::SmallBroker;

struct Drops {
  std::string_view name;
  sim::Door door;
  std::string_view begins;
  std::string_view drop;
};

class Trickle : public ::testing::TestWithParam<Drops> {};

TEST_P(Trickle, IsCutWhenItsTimeIsUp) {
  Options options;
  options.limits.head_time = 5s;
  SmallBroker broker(options);
  Peer& peer = broker.connect(GetParam().door);
  peer.say(GetParam().begins);
  broker.pass();
  const TimePoint begun = broker.now();
  while (!peer.gone() && broker.now() - begun < 30s) {
    peer.say(GetParam().drop);
    broker.pass(500ms);
  }
  const Duration lasted = broker.now() - begun;
  EXPECT_GE(lasted, 4s) << "it has its time";
  EXPECT_LE(lasted, 2 * 5s + 3s) << "that of a head and that of a body, and a farewell";
}

INSTANTIATE_TEST_SUITE_P(
    , Trickle,
    ::testing::Values(
        Drops{"AHead", sim::Door::subscribers,
              "GET /events?channel=a HTTP/1.1\r\nHost: x\r\nX: ", "y"},
        Drops{"AFieldAfterAnother", sim::Door::subscribers,
              "GET /events?channel=a HTTP/1.1\r\nHost: x\r\n", "X: y\r\n"},
        Drops{"ABody", sim::Door::subscribers,
              "POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
              "Content-Length: 10000\r\n\r\n",
              " "},
        Drops{"ABodyInChunks", sim::Door::subscribers,
              "POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
              "Transfer-Encoding: chunked\r\n\r\n",
              "1\r\n \r\n"},
        Drops{"APublishersHead", sim::Door::publishers,
              "POST /publish/a HTTP/1.1\r\nHost: x\r\nX: ", "y"},
        Drops{"APublishersBody", sim::Door::publishers,
              "POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n", "x"},
        Drops{"APublishersBodyInChunks", sim::Door::publishers,
              "POST /publish/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
              "1\r\nx\r\n"}),
    [](const auto& parameter) { return std::string(parameter.param.name); });

// A peer that asks whether to go on has the body's time from the answer.
TEST(TrickleAfterContinue, IsCutWhenItsTimeIsUp) {
  Options options;
  options.limits.head_time = 5s;
  SmallBroker broker(options);
  Peer& peer = broker.subscriber();
  peer.say(
      "POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Content-Length: 10000\r\nExpect: 100-continue\r\n\r\n");
  broker.pass();
  EXPECT_EQ(peer.take(), "HTTP/1.1 100 Continue\r\n\r\n");
  const TimePoint begun = broker.now();
  while (!peer.gone() && broker.now() - begun < 30s) {
    peer.say(" ");
    broker.pass(500ms);
  }
  EXPECT_GE(broker.now() - begun, 4s);
  EXPECT_LE(broker.now() - begun, 8s);
}

}  // namespace
}  // namespace fanfare::server
