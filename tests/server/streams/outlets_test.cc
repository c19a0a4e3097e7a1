// Subscribers that share a connection, over boxes that a test holds: what one of them cannot take
// is its own business, and nothing in Delivery knows how it travels.
#include "broker/server/streams/outlets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/server/streams/delivery.h"
#include "tests/fanout/shard_log.h"

namespace fanfare::server {
namespace {

using fanout::Framing;
using fanout::testing::ShardLog;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr io::Slot kBox = 7;
constexpr std::size_t kMuch = 1U << 20U;

// A ring that keeps what each socket was sent; `cuts` is what the next submit says of sends.
class Wire final : public io::Ring {
 public:
  std::string_view name() const override { return "wire"; }
  std::uint32_t capacity() const override { return 16; }
  TimePoint now() const override { return TimePoint{}; }
  void accept(int, io::Token) override {}
  void cancel_accept(io::Token) override {}
  void hold_handshakes(int) override {}
  void stop_listening(int, std::vector<int>&) override {}
  bool adopt(int, io::Slot) override { return true; }
  void refuse(int, std::string_view) override {}
  io::PeerAddress peer_of(int) override { return {}; }
  void connect(io::Slot, const io::PeerAddress&, io::Token) override {}
  int lend(io::Slot) override { return -EOPNOTSUPP; }
  void receive(io::Slot, io::Token, io::BufferClass) override {}
  void recycle(const io::Completion&) override {}
  void poll(io::Slot slot, io::Interest, io::Token) override { polled.push_back(slot); }
  void send(io::Slot slot, std::span<const std::byte> bytes, io::Token token) override {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!room) {
      sent[slot] += text;
      return;
    }
    sent[slot] += text.substr(0, *room);
    if (*room >= text.size()) return;
    cuts.push_back(
        {.token = token, .result = *room == 0 ? -EAGAIN : static_cast<int>(*room), .data = {}});
  }
  void shutdown_write(io::Slot) override {}
  void close(io::Slot, std::span<const io::Token>, io::Token, bool) override {}
  void submit(std::vector<io::Completion>& out) override {
    ++submits;
    for (const io::Completion& cut : std::exchange(cuts, {})) out.push_back(cut);
  }
  void wait(TimePoint, std::vector<io::Completion>&) override {}
  void wake() override {}

  std::map<io::Slot, std::string> sent;
  std::vector<io::Slot> polled;
  std::optional<std::size_t> room;  // of every socket; none: endless
  int submits = 0;

 private:
  std::vector<io::Completion> cuts;
};

// One connection with a window of its own and one for each subscriber, as HTTP/2 has them.
class Shared final : public Outboxes {
 public:
  std::optional<std::size_t> take(io::Slot slot, Member subscriber,
                                  std::string_view bytes) override {
    EXPECT_EQ(slot, kBox);
    if (broken) return std::nullopt;
    const auto own = windows.try_emplace(subscriber, kMuch).first;
    const std::size_t taken = std::min({bytes.size(), window, own->second});
    window -= taken;
    own->second -= taken;
    said[subscriber] += bytes.substr(0, taken);
    filled = filled || taken > 0;
    return taken;
  }
  void end(io::Slot, Member subscriber, Ending ending) override { ends[subscriber] = ending; }
  void flush() override { flushes += std::exchange(filled, false) ? 1 : 0; }
  void flushed(std::span<const io::Completion> cuts) override { EXPECT_TRUE(cuts.empty()); }

  std::size_t window = kMuch;
  std::map<Member, std::size_t> windows;
  std::map<Member, std::string> said;
  std::map<Member, Ending> ends;
  int flushes = 0;
  bool broken = false;
  bool filled = false;
};

class OutletsTest : public ::testing::Test {
 protected:
  OutletsTest() { outlets_.share(boxes_); }
  ~OutletsTest() override {
    for (Member member = 0; member < subscribers_.high_water(); ++member) {
      if (subscribers_.in_use(member)) delivery_.close(member, Ending::come_back);
    }
  }

  Member subscribe(std::string_view channel, Outlet outlet = Outlet::box(kBox)) {
    const fanout::Feed* const feed = log_.open({channel}, Framing::plain);
    const Member member = delivery_.open(
        {.feed = log_.replica.number(feed), .cursor = log_.replica.target(feed), .opening = ":\n"},
        outlet, /*live_page=*/false, /*tick=*/0);
    pump();
    return member;
  }
  void publish(std::string_view channel, std::string_view data) {
    log_.publish(channel, data);
    log_.turn();
    delivery_.applied();
  }
  void publish_and_send(std::string_view channel, std::string_view data) {
    publish(channel, data);
    pump();
  }
  // Until nobody has anything to say that can be said.
  void pump() {
    while (delivery_.work_waiting()) delivery_.pump(1, completions_, ends_);
    EXPECT_TRUE(completions_.empty()) << "sends are nobody's business above";
  }
  // What was said since this was asked last.
  std::string said(Member member) { return std::exchange(boxes_.said[member], {}); }
  std::string event(fanout::Sequence sequence, std::string_view data) {
    return "data: " + std::string(data) +
           "\nid: " + fanout::EventId{log_.replica.epoch(), sequence}.text() + "\n\n";
  }

  // What a subscriber that is slow has lost it is told, and it stays.
  static std::shared_ptr<const Options> patient() {
    const auto options = std::make_shared<Options>();
    options->delivery.slow = SlowPolicy::skip;
    return options;
  }

  ShardLog log_{{.events = 2, .bytes = kMuch, .age = Duration(0)}};
  Wire wire_;
  Shared boxes_;
  ConnectionTable connections_{16};
  Subscribers subscribers_{16};
  LoopTime loop_{wire_};
  Outlets outlets_{wire_, connections_, subscribers_, loop_};
  Settings settings_{patient()};
  Counters counters_;
  LatencyHistogram latency_;
  Random random_{1};
  Heartbeats heartbeats_;
  Delivery delivery_{{.subscribers = subscribers_,
                      .outlets = outlets_,
                      .replica = log_.replica,
                      .counters = counters_,
                      .latency = latency_,
                      .settings = settings_,
                      .random = random_,
                      .heartbeats = heartbeats_}};
  std::vector<io::Completion> completions_;
  std::vector<StreamEnd> ends_;
};

TEST_F(OutletsTest, TwoSubscriptionsOfOneConnectionAreFlushedOnceASubmit) {
  const Member a = subscribe("a");
  const Member b = subscribe("b");
  EXPECT_EQ(said(a), ":\n");
  EXPECT_EQ(said(b), ":\n");
  const int flushes = boxes_.flushes;
  publish("a", "1");
  publish("b", "2");
  publish("a", "3");
  pump();
  EXPECT_EQ(said(a), event(1, "1") + event(3, "3"));
  EXPECT_EQ(said(b), event(2, "2"));
  EXPECT_EQ(boxes_.flushes, flushes + 1);
  EXPECT_TRUE(wire_.sent.empty()) << "what travels is the box's to send";
}

TEST_F(OutletsTest, ABoxAndASocketOfOneFeedGetTheSameBytes) {
  const Member boxed = subscribe("a");
  const io::Slot slot = connections_.allocate();
  subscribe("a", Outlet::socket(slot));
  said(boxed);
  wire_.sent.clear();
  publish_and_send("a", "1");
  EXPECT_EQ(said(boxed), event(1, "1"));
  EXPECT_EQ(wire_.sent[slot], event(1, "1"));
}

TEST_F(OutletsTest, WhatABoxHadNoRoomForFollowsToItsLastByteOnceItHas) {
  const Member a = subscribe("a");
  const Member b = subscribe("b");
  said(a), said(b);
  boxes_.window = 5;
  publish_and_send("a", "1");
  EXPECT_EQ(said(a), event(1, "1").substr(0, 5));
  EXPECT_TRUE(delivery_.in_mid_event(a));
  publish_and_send("b", "2");
  EXPECT_EQ(said(b), "");
  EXPECT_FALSE(delivery_.in_mid_event(b)) << "of this event nothing is out";
  EXPECT_EQ(counters_.sends_short_total, 2U);
  EXPECT_EQ(delivery_.behind_count(), 2U);
  publish_and_send("a", "3");
  EXPECT_EQ(said(a), "") << "it is not offered more until there is room";
  boxes_.window = kMuch;
  delivery_.room(b);
  pump();
  EXPECT_EQ(said(b), event(2, "2"));
  EXPECT_EQ(said(a), "") << "whose room has not been reported";
  delivery_.room(a);
  pump();
  EXPECT_EQ(said(a), event(1, "1").substr(5) + event(3, "3"));
  EXPECT_EQ(delivery_.behind_count(), 0U);
  EXPECT_TRUE(wire_.polled.empty()) << "a box knows itself when it has room";
}

TEST_F(OutletsTest, ASubscriptionThatFallsOutOfTheHistoryIsSentAGapAndItsNeighbourIsNot) {
  const Member a = subscribe("a");
  const Member b = subscribe("b");
  said(a), said(b);
  boxes_.windows[a] = 3;
  publish_and_send("a", "1");
  for (const std::string_view data : {"2", "3", "4", "5", "6"}) {
    publish_and_send("a", data);
    publish_and_send("b", data);
  }
  EXPECT_EQ(said(a), event(1, "1").substr(0, 3));
  std::string neighbour = said(b);
  EXPECT_THAT(neighbour,
              AllOf(HasSubstr("data: 2\n"), HasSubstr("data: 6\n"), Not(HasSubstr("event: gap"))));
  boxes_.windows[a] = kMuch;
  delivery_.room(a);
  pump();
  const std::string rest = said(a);
  EXPECT_TRUE(rest.starts_with(event(1, "1").substr(3) + "event: gap\n")) << rest;
  EXPECT_THAT(rest, AllOf(HasSubstr(R"("reason":"slow")"), Not(HasSubstr("data: 4\n"))));
  EXPECT_TRUE(rest.ends_with(event(8, "5") + event(10, "6"))) << rest;
  EXPECT_EQ(counters_.gaps_total, 1U);
  publish_and_send("a", "7");
  EXPECT_EQ(said(a), event(12, "7"));
}

TEST_F(OutletsTest, OneSubscriptionEndsCompleteAndItsNeighbourGoesOn) {
  const Member a = subscribe("a");
  const Member b = subscribe("b");
  said(a), said(b);
  log_.publish("a", "1");
  log_.sequencer.finish("a", log_.now);
  log_.turn();
  pump();
  EXPECT_EQ(said(a), event(1, "1"));
  ASSERT_EQ(ends_.size(), 1U);
  EXPECT_EQ(ends_[0].subscriber, a);
  EXPECT_EQ(ends_[0].ending(), Ending::complete);
  delivery_.close(a, ends_[0].ending());
  EXPECT_EQ(boxes_.ends, (std::map<Member, Ending>{{a, Ending::complete}}));
  publish_and_send("b", "2");
  EXPECT_EQ(said(b), event(2, "2"));
  EXPECT_EQ(subscribe("c"), a) << "whose place is free";
}

TEST_F(OutletsTest, AFarewellIsSaidToOneOfThem) {
  const Member a = subscribe("a");
  const Member b = subscribe("b");
  said(a), said(b);
  delivery_.farewell(a, CloseReason::drained);
  publish_and_send("b", "1");
  EXPECT_TRUE(said(a).starts_with("retry: "));
  EXPECT_EQ(said(b), event(1, "1"));
  ASSERT_EQ(ends_.size(), 1U);
  EXPECT_EQ(ends_[0].subscriber, a);
  EXPECT_EQ(ends_[0].ending(), Ending::come_back);
  EXPECT_TRUE(ends_[0].said);
}

TEST_F(OutletsTest, ABrokenConnectionEndsAllItsSubscriptions) {
  const Member a = subscribe("a");
  const Member b = subscribe("b");
  boxes_.windows[a] = 0;
  publish_and_send("a", "1");
  boxes_.broken = true;
  publish("b", "2");
  delivery_.room(a);
  pump();
  std::vector<Member> ended;
  for (const StreamEnd& end : ends_) {
    EXPECT_EQ(end.reason, CloseReason::peer_reset);
    EXPECT_FALSE(end.said);
    ended.push_back(end.subscriber);
  }
  EXPECT_THAT(ended, ::testing::UnorderedElementsAre(a, b));
}

TEST_F(OutletsTest, ASocketThatTookHalfIsPolledForRoomAndGetsTheRest) {
  const io::Slot slot = connections_.allocate();
  const Member a = subscribe("a", Outlet::socket(slot));
  wire_.sent.clear();
  wire_.room = 4;
  publish_and_send("a", "1");
  EXPECT_EQ(wire_.sent[slot], event(1, "1").substr(0, 4));
  EXPECT_THAT(wire_.polled, ElementsAre(slot));
  wire_.room.reset();
  connections_[slot].writable_armed = false;
  delivery_.room(a);
  pump();
  EXPECT_EQ(wire_.sent[slot], event(1, "1"));
}

}  // namespace
}  // namespace fanfare::server
