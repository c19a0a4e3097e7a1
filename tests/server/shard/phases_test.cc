// The phases of a broker's life before it stops: who is let in, and what /readyz is given to show.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "broker/server/base/phase.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::body_of;
using ::testing::HasSubstr;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

class PhasePage final : public AdminSurface {
 public:
  AdminAnswer answer(std::string_view, const Snapshot& now) override {
    return {.content_type = "text/plain", .body = std::string(name_of(now.phase))};
  }
  std::string live_event(const Snapshot&) override { return {}; }
};

class Phases : public ::testing::Test {
 protected:
  std::string phase() {
    Peer& peer = broker_.operators();
    peer.say("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    broker_.pass();
    return body_of(peer.take());
  }

  PhasePage page_;
  SmallBroker broker_{
      {}, &page_, {}, SmallBroker::kSubscribersMax, {}, nullptr, BrokerPhase::recovering};
};

TEST_F(Phases, LetNobodyButOperatorsInBeforeTheHistoryIsBack) {
  Peer& reader = broker_.subscriber();
  reader.say("GET /events?channel=a HTTP/1.1\r\nHost: x\r\n\r\n");
  Peer& publisher = broker_.publisher();
  publisher.say("PUBLISH a 1\r\n");
  broker_.pass(5s);
  EXPECT_EQ(phase(), "recovering");
  EXPECT_EQ(reader.take() + publisher.take(), "");
  EXPECT_FALSE(reader.gone() || publisher.gone()) << "they wait in the backlog";
  broker_.enter(BrokerPhase::serving);
  broker_.pass(200ms);
  EXPECT_EQ(phase(), "serving");
  EXPECT_THAT(reader.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(publisher.take(), StartsWith(":"));
}

TEST_F(Phases, EndABrokerThatIsStoppedWhileItRecovers) {
  Peer& reader = broker_.subscriber();
  reader.say("GET /events?channel=a HTTP/1.1\r\nHost: x\r\n\r\n");
  broker_.pass();
  broker_.drain();
  EXPECT_EQ(phase(), "draining");
  EXPECT_THAT(reader.take(), HasSubstr("retry: "));
  broker_.pass(10s);
  EXPECT_TRUE(broker_.finished());
}

}  // namespace
}  // namespace fanfare::server
