// Floods of HTTP/2 on a whole shard: who sends one is told to be calm and disconnected, with its
// reason counted, and everybody else is served meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/server/h2_client.h"
#include "tests/server/small_broker.h"
#include "tests/wire/h2/attacks.h"

namespace fanfare::server {
namespace {

using namespace h2_test;
using ::testing::ElementsAre;
using testing::H2Client;
using testing::Peer;
using testing::SmallBroker;

constexpr std::size_t kPiece = 16U << 10U;  // fits into a socket

class H2Floods : public ::testing::TestWithParam<Attack> {};

std::uint64_t counted(const Counters& counters, h2::Flood flood) {
  switch (flood) {
#define X(name, burst, rate, help) \
  case h2::Flood::name:            \
    return counters.h2_flood_##name##_total;
    FANFARE_H2_FLOODS(X)
#undef X
    case h2::Flood::none:
      break;
  }
  return 0;
}

TEST_P(H2Floods, AreCountedWhileOtherConnectionsAreServed) {
  const Attack& attack = GetParam();
  SmallBroker broker;
  H2Client neighbour(broker);
  neighbour.say(get(1));
  Peer& old = broker.get("/events?channel=a");
  H2Client attacker(broker);
  if (!attack.before.empty()) attacker.say(attack.before);
  neighbour.said(1);
  old.take();
  if (!attack.reads) attacker.peer().stop_reading();
  std::uint32_t steps = 0;
  std::uint64_t most = 0;
  for (; steps < 20'000 && counted(broker.counters(), attack.flood) == 0; ++steps) {
    const std::string step = attack.step(steps);
    for (std::size_t at = 0; at < step.size() && !attacker.peer().gone(); at += kPiece) {
      attacker.peer().say(std::string_view(step).substr(at, kPiece));
      broker.pass(1ms);
      attacker.peer().take();
    }
    most = std::max(most, broker.counters().h2_memory_bytes);
    if (steps % 50 != 0) continue;
    broker.publish("a", "x");
    EXPECT_THAT(neighbour.said(1), ::testing::HasSubstr("data: x\n"));
    EXPECT_THAT(old.take(), ::testing::HasSubstr("data: x\n"));
  }
  EXPECT_EQ(counted(broker.counters(), attack.flood), 1U) << "after " << steps << " steps";
  EXPECT_LE(most, 120U << 10U);
  attacker.peer().read_on();
  broker.pass(8s);
  EXPECT_TRUE(attacker.peer().gone());
  EXPECT_FALSE(neighbour.peer().gone());
  EXPECT_EQ(broker.counters().h2_connections_open, 1U);
  EXPECT_EQ(broker.reported().subscribers, 2U);
  attacker.peer().hang_up();
  broker.pass();
  EXPECT_EQ(broker.closes(CloseReason::h2_flood), 1U);
}

INSTANTIATE_TEST_SUITE_P(All, H2Floods, ::testing::ValuesIn(attacks()),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace fanfare::server
