// Every errno that a kernel may answer with, once, at every verb: want of memory is waited out,
// anything else costs the connection it is about, and never another one.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::HasSubstr;
using testing::Peer;
using testing::SmallBroker;

std::string event(std::string_view data, int sequence) {
  return fmt::format("data: {}\nid: {}-{}\n\n", data, SmallBroker::kEpoch, sequence);
}

struct Answer {
  int error;
  bool passes;  // the connection goes on
};

class Errno : public ::testing::TestWithParam<Answer> {
 protected:
  Errno() : peer_(broker_.get("/events?channel=a")), other_(broker_.get("/events?channel=b")) {
    peer_.take();
    other_.take();
  }
  // The other stream, and what comes next, know nothing of it.
  void expect_others_well() {
    broker_.publish("b", "well");
    EXPECT_THAT(other_.take(), HasSubstr("data: well\n"));
    EXPECT_THAT(broker_.get("/events?channel=a").take(), HasSubstr("200 OK"));
  }
  SmallBroker broker_;
  Peer& peer_;
  Peer& other_;
};

TEST_P(Errno, AFailedSendToAStreamClosesOnlyThatConnection) {
  broker_.command("PING");
  broker_.faults().send_error = GetParam().error;
  Peer& publisher = broker_.publisher();
  publisher.say("*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$1\r\nx\r\n");
  broker_.pass(300ms);
  // The ack goes first, and meets it: the event is in the log all the same.
  EXPECT_EQ(publisher.gone(), !GetParam().passes);
  EXPECT_EQ(publisher.take(), GetParam().passes ? ":1\r\n" : "");
  EXPECT_EQ(peer_.take(), event("x", 1));
  expect_others_well();
}

TEST_P(Errno, AFailedSendOfARoundClosesOnlyThatConnection) {
  Peer& publisher = broker_.publisher();
  publisher.say("*2\r\n$4\r\nPING\r\n$3\r\nyes\r\n");
  broker_.pass();
  publisher.take();
  broker_.publish("a", "first");
  EXPECT_EQ(peer_.take(), event("first", 1));
  // Nothing but the heartbeat is sent.
  broker_.faults().send_error = GetParam().error;
  broker_.pass(16s);
  broker_.publish("a", "second");
  broker_.pass(300ms);
  const std::string heard = peer_.take() + other_.take();
  EXPECT_EQ(broker_.counters().connections_open, GetParam().passes ? 2U : 1U);
  if (GetParam().passes) {
    EXPECT_THAT(heard, HasSubstr(event("second", 2)));
  }
}

TEST_P(Errno, AFailedSendOfAnAnswerClosesOnlyThatConnection) {
  Peer& asker = broker_.subscriber();
  broker_.pass();
  broker_.faults().send_error = GetParam().error;
  asker.say("OPTIONS /events HTTP/1.1\r\nHost: x\r\n\r\n");
  broker_.pass(300ms);
  EXPECT_EQ(asker.gone(), !GetParam().passes);
  if (GetParam().passes) {
    EXPECT_THAT(asker.take(), HasSubstr("204 No Content"));
  }
  expect_others_well();
}

TEST_P(Errno, AFailedFirstSendOfAStreamClosesOnlyThatConnection) {
  Peer& late = broker_.subscriber();
  broker_.pass();
  broker_.faults().send_error = GetParam().error;
  late.say("GET /events?channel=a HTTP/1.0\r\n\r\n");
  broker_.pass(300ms);
  EXPECT_EQ(late.gone(), !GetParam().passes);
  if (GetParam().passes) {
    EXPECT_THAT(late.take(), HasSubstr("200 OK"));
  }
  expect_others_well();
}

TEST_P(Errno, AFailedReceiveAffectsNoOtherConnection) {
  Peer& asker = broker_.subscriber();
  broker_.pass();
  broker_.faults().receive_error = GetParam().error;
  asker.say("OPTIONS /events HTTP/1.1\r\nHost: x\r\n\r\n");
  broker_.pass(300ms);
  EXPECT_TRUE(asker.gone() || asker.take().find("204") != std::string::npos);
  expect_others_well();
}

TEST_P(Errno, AFailedHangUpPollAffectsNoOtherConnection) {
  broker_.faults().poll_error = GetParam().error;
  Peer& late = broker_.get("/events?channel=a");
  broker_.pass(300ms);
  late.take();
  broker_.publish("a", "x");
  EXPECT_TRUE(late.gone() || late.take() == event("x", 1));
  EXPECT_EQ(peer_.take(), event("x", 1));
  expect_others_well();
}

TEST_P(Errno, AFailedCloseStillFreesTheConnection) {
  broker_.faults().close_error = GetParam().error;
  peer_.hang_up();
  broker_.pass();
  EXPECT_EQ(broker_.counters().connections_open, 1U);
  expect_others_well();
}

TEST_P(Errno, AFailedAcceptDoesNotStopTheListener) {
  broker_.faults().accept_error = GetParam().error;
  Peer& unlucky = broker_.subscriber();
  broker_.pass();
  EXPECT_TRUE(unlucky.gone());
  broker_.pass(100ms);  // the next tick at the latest
  expect_others_well();
}

INSTANTIATE_TEST_SUITE_P(
    , Errno,
    ::testing::Values(Answer{ENOMEM, true}, Answer{ENOBUFS, true}, Answer{EAGAIN, true},
                      Answer{EPIPE, false}, Answer{ECONNRESET, false}, Answer{ETIMEDOUT, false},
                      Answer{EHOSTUNREACH, false}, Answer{ENETDOWN, false}, Answer{EIO, false}),
    [](const auto& parameter) { return std::string(::strerrorname_np(parameter.param.error)); });

TEST(Listeners, GoOnAtOnceAfterAConnectionThatWasAborted) {
  SmallBroker broker;
  broker.pass(10ms);
  broker.faults().accept_error = ECONNABORTED;
  Peer& aborted = broker.subscriber();
  broker.pass(5ms);
  EXPECT_TRUE(aborted.gone());
  Peer& next = broker.subscriber();
  next.say("GET /events?channel=a HTTP/1.0\r\n\r\n");
  broker.pass(10ms);
  EXPECT_THAT(next.take(), HasSubstr("200 OK"));
}

TEST(Listeners, AllAcceptAgainWithinATickOnceThereAreDescriptors) {
  SmallBroker broker;
  broker.faults().exhausted = true;
  broker.faults().backlog = 1000;
  Peer& subscriber = broker.subscriber();
  Peer& publisher = broker.publisher();
  broker.pass(1s);
  broker.faults().exhausted = false;
  subscriber.say("GET /events?channel=a HTTP/1.0\r\n\r\n");
  publisher.say("PING\r\n");
  broker.pass(120ms);
  EXPECT_THAT(subscriber.take(), HasSubstr("200 OK"));
  EXPECT_EQ(publisher.take(), "+PONG\r\n");
}

TEST(Listeners, AStormOnOneLeavesTheOthersTheirTurn) {
  sim::Faults faults;
  faults.backlog = 2000;
  SmallBroker broker({}, nullptr, faults, 1500);
  broker.pass();
  for (int i = 0; i < 1400; ++i) broker.subscriber();
  Peer& publisher = broker.publisher();
  publisher.say("PING\r\n");
  broker.pass_without_turns(5ms);
  for (int turn = 0; turn < 6; ++turn) {
    broker.turn();
    broker.pass_without_turns(1ms);
  }
  broker.pass_without_turns(2ms);
  EXPECT_EQ(publisher.take(), "+PONG\r\n");
}

}  // namespace
}  // namespace fanfare::server
