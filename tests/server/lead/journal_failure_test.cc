// A gate that will never move again: publishers are refused with the reason, what waited is not
// acked, and subscribers stay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/late_gate.h"
#include "tests/server/small_broker.h"

namespace fanfare::server::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kFailure = "cannot flush /j/segment-00000001: Input/output error";

class FailedGate : public ::testing::Test {
 protected:
  void fail() {
    gate_.fail(kFailure);
    broker_.wake();
    broker_.pass();
  }

  LateGate gate_;
  SmallBroker broker_{{}, nullptr, {}, SmallBroker::kSubscribersMax, {}, &gate_};
};

TEST_F(FailedGate, ClosesPublishersWhoseAcksWait) {
  Peer& stream = broker_.get("/events?channel=a");
  Peer& resp = broker_.publisher();
  Peer& ndjson = broker_.publisher();
  Peer& http = broker_.publisher();
  resp.say("PUBLISH a one\r\n");
  ndjson.say("{\"channel\":\"a\",\"data\":\"two\"}\n");
  http.say("POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nthree");
  broker_.pass();
  fail();
  for (Peer* const publisher : {&resp, &ndjson, &http}) {
    EXPECT_EQ(publisher->take(), "") << "nothing of it is durable";
    EXPECT_TRUE(publisher->gone());
  }
  EXPECT_EQ(broker_.closes(CloseReason::journal_failed), 3U);
  EXPECT_THAT(stream.take(), Not(HasSubstr("data:")));
  EXPECT_FALSE(stream.gone());
}

TEST_F(FailedGate, RefusesEachDialectWithTheReason) {
  fail();
  const std::string reason = "the journal cannot be written (" + std::string(kFailure) + ")";
  Peer& resp = broker_.publisher();
  resp.say("PUBLISH a one\r\nDEL a\r\nSSE.FINISH a\r\nPING\r\n");
  Peer& ndjson = broker_.publisher();
  ndjson.say("{\"channel\":\"a\",\"data\":\"two\"}\n");
  Peer& http = broker_.publisher();
  http.say("POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nthree");
  broker_.pass();
  const std::string replies = resp.take();
  EXPECT_THAT(replies, HasSubstr("-UNAVAILABLE " + reason + "; publish again when"));
  EXPECT_THAT(replies, HasSubstr(reason + "; delete the channel again when"));
  EXPECT_THAT(replies, HasSubstr(reason + "; finish the channel again when"));
  EXPECT_THAT(replies, HasSubstr("+PONG"));
  EXPECT_THAT(ndjson.take(), HasSubstr(reason));
  const std::string answer = http.take();
  EXPECT_THAT(answer, HasSubstr("503 Service Unavailable"));
  EXPECT_THAT(answer, HasSubstr(reason));
}

TEST_F(FailedGate, AnswersWhatWaitedBehindWhatIsDurable) {
  broker_.publisher().say("PUBLISH a one\r\n");
  broker_.pass();
  fail();
  Peer& later = broker_.publisher();
  later.say("PUBLISH a two\r\n");
  broker_.pass();
  EXPECT_THAT(later.take(), HasSubstr("-UNAVAILABLE"))
      << "though an event before it waits for ever";
}

TEST_F(FailedGate, GoesOnServingSubscribers) {
  Peer& publisher = broker_.publisher();
  publisher.say("PUBLISH a one\r\n");
  broker_.pass();
  gate_.write_all();
  broker_.wake();
  broker_.pass();
  fail();
  EXPECT_THAT(broker_.get("/events?channel=a&last_event_id=earliest").take(),
              HasSubstr("data: one"));
}

}  // namespace
}  // namespace fanfare::server::testing
