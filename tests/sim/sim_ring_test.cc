// The SimRing itself: that it does what broker/io/ring.h promises, and that it notices when its
// caller does not.
#include "tests/sim/sim_ring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

namespace fanfare::sim {
namespace {

using io::Completion;
using io::Token;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Token kAccept{.kind = 1, .index = 0};
constexpr Token kReceive{.kind = 2, .generation = 7, .index = 3};
constexpr Token kHangUp{.kind = 3, .generation = 7, .index = 3};
constexpr Token kWritable{.kind = 4, .generation = 7, .index = 3};
constexpr Token kSend{.kind = 5, .generation = 7, .index = 3};
constexpr Token kClose{.kind = 6, .generation = 7, .index = 3};
constexpr io::Slot kSlot = 3;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class SimRingTest : public testing::Test, public SocketOwner {
 protected:
  void changed(Socket&) override {}

  // Accepts one connection into kSlot.
  void open() {
    const int listener = kernel_.listen(Door::subscribers);
    ring_.accept(listener, kAccept);
    client_ = kernel_.connect(Door::subscribers, *this, 0);
    ASSERT_NE(client_, nullptr);
    const std::vector<Completion> accepted = wait();
    ASSERT_EQ(accepted.size(), 1U);
    ASSERT_TRUE(ring_.adopt(accepted[0].result, kSlot));
  }
  std::vector<Completion> wait(Duration time = 1s) {
    std::vector<Completion> out;
    ring_.wait(kernel_.now() + time, out);
    return out;
  }
  std::vector<Completion> submit() {
    std::vector<Completion> out;
    ring_.submit(out);
    return out;
  }
  std::string client_reads() {
    while (kernel_.step(kernel_.now() + 1s)) {
    }
    std::string text(100'000, '\0');
    const int got = client_->receive(std::as_writable_bytes(std::span(text)));
    text.resize(static_cast<std::size_t>(std::max(got, 0)));
    return text;
  }

  Report report_;
  Kernel kernel_{1, Faults::none(), report_};
  SimRing ring_{kernel_, 8, "ring", {}};
  Socket* client_ = nullptr;
};

TEST_F(SimRingTest, SendsQuietlyWhenEverythingFits) {
  open();
  ring_.send(kSlot, bytes_of("hello"), kSend);
  EXPECT_THAT(submit(), IsEmpty());
  EXPECT_EQ(client_reads(), "hello");
}

TEST_F(SimRingTest, ReportsAShortSendWithinTheSameSubmit) {
  open();
  const std::string large(100'000, 'x');
  ring_.send(kSlot, bytes_of(large), kSend);
  std::vector<Completion> out = submit();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].result, 64 << 10);
  ring_.send(kSlot, bytes_of(large), kSend);
  out = submit();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].result, -EAGAIN);

  ring_.poll(kSlot, io::Interest::writable, kWritable);
  EXPECT_THAT(submit(), IsEmpty());
  EXPECT_EQ(client_reads().size(), 64U << 10U);
  out = wait();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].token, kWritable);
}

TEST_F(SimRingTest, SeesBytesThatChangeBeforeTheSendRuns) {
  open();
  std::string text = "hello";
  ring_.send(kSlot, bytes_of(text), kSend);
  text[0] = 'j';
  submit();
  EXPECT_THAT(report_.problems(), ElementsAre(HasSubstr("changed before it ran")));
}

TEST_F(SimRingTest, SeesASecondSendBetweenTwoSubmits) {
  open();
  ring_.send(kSlot, bytes_of("a"), kSend);
  ring_.send(kSlot, bytes_of("b"), kSend);
  EXPECT_THAT(report_.problems(), ElementsAre(HasSubstr("two sends to slot 3")));
}

TEST_F(SimRingTest, GivesReceivedBytesUntilTheyAreRecycled) {
  open();
  ring_.receive(kSlot, kReceive, io::BufferClass::request);
  client_->send(bytes_of("request"));
  const std::vector<Completion> out = wait();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(out[0].data.data()), out[0].data.size()),
            "request");
  EXPECT_EQ(ring_.left().buffers, 1U);
  ring_.recycle(out[0]);
  EXPECT_EQ(ring_.left().buffers, 0U);
  EXPECT_EQ(static_cast<int>(out[0].data[0]), 0xdd);
  EXPECT_FALSE(report_.failed());
  ring_.recycle(out[0]);
  EXPECT_THAT(report_.problems(), ElementsAre(HasSubstr("not held")));
}

TEST_F(SimRingTest, CompletesWhatACloseCancelsAndFreesTheSlotLast) {
  open();
  ring_.receive(kSlot, kReceive, io::BufferClass::request);
  ring_.poll(kSlot, io::Interest::hang_up, kHangUp);
  submit();
  EXPECT_EQ(ring_.left().armed, 2U);
  ring_.close(kSlot, std::vector{kReceive, kHangUp}, kClose, false);
  EXPECT_EQ(ring_.left().slots, 1U);
  const std::vector<Completion> out = wait();
  EXPECT_EQ(out.size(), 3U);
  EXPECT_EQ(ring_.left().slots, 0U);
  EXPECT_EQ(ring_.left().armed, 0U);
  EXPECT_FALSE(report_.failed());
}

TEST_F(SimRingTest, SeesACloseThatForgetsAnArmedToken) {
  open();
  ring_.receive(kSlot, kReceive, io::BufferClass::request);
  ring_.close(kSlot, {}, kClose, false);
  EXPECT_THAT(report_.problems()[0], HasSubstr("does not name an armed token"));
}

TEST_F(SimRingTest, SeesASlotUsedBeforeItsCloseCompleted) {
  open();
  ring_.close(kSlot, {}, kClose, false);
  ring_.send(kSlot, bytes_of("x"), kSend);
  EXPECT_THAT(report_.problems(), ElementsAre(HasSubstr("slot 3, which is closing")));
}

TEST_F(SimRingTest, HangsUpForAFinAndForAReset) {
  open();
  ring_.poll(kSlot, io::Interest::hang_up, kHangUp);
  client_->shutdown_write();
  std::vector<Completion> out = wait();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].token, kHangUp);
  client_->close(true);
  while (kernel_.step(kernel_.now() + 1s)) {
  }
  ring_.send(kSlot, bytes_of("x"), kSend);
  out = submit();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].result, -ECONNRESET);
  ring_.send(kSlot, bytes_of("x"), kSend);
  out = submit();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].result, -EPIPE);
}

TEST_F(SimRingTest, LetsTheFirstSendToAClosedPeerSucceed) {
  open();
  client_->close(false);
  while (kernel_.step(kernel_.now() + 1s)) {
  }
  ring_.send(kSlot, bytes_of("x"), kSend);
  EXPECT_THAT(submit(), IsEmpty());
  while (kernel_.step(kernel_.now() + 1s)) {
  }
  ring_.send(kSlot, bytes_of("x"), kSend);
  const std::vector<Completion> out = submit();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].result, -ECONNRESET);
}

TEST_F(SimRingTest, MovesTheClockToTheDeadlineWhenNothingHappens) {
  const TimePoint start = ring_.now();
  EXPECT_THAT(wait(5s), IsEmpty());
  EXPECT_EQ(ring_.now() - start, Duration(5s));
}

TEST_F(SimRingTest, ReturnsFromWaitWhenWoken) {
  const TimePoint start = ring_.now();
  ring_.wake();
  EXPECT_THAT(wait(5s), IsEmpty());
  EXPECT_EQ(ring_.now(), start);
  wait(5s);
  EXPECT_EQ(ring_.now() - start, Duration(5s));
}

TEST_F(SimRingTest, CountsAnAcceptedDescriptorUntilItIsAdoptedOrRefused) {
  const int listener = kernel_.listen(Door::publishers);
  ring_.accept(listener, kAccept);
  client_ = kernel_.connect(Door::publishers, *this, 0);
  const std::vector<Completion> out = wait();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(kernel_.unclaimed(), 1U);
  EXPECT_EQ(ring_.peer_of(out[0].result).size, 0U);
  ring_.refuse(out[0].result);
  EXPECT_EQ(kernel_.unclaimed(), 0U);
  ring_.cancel_accept(kAccept);
  const std::vector<Completion> last = wait();
  ASSERT_EQ(last.size(), 1U);
  EXPECT_EQ(last[0].result, -ECANCELED);
  EXPECT_FALSE(last[0].more);
  EXPECT_TRUE(ring_.left().nothing());
  EXPECT_FALSE(report_.failed());
}

}  // namespace
}  // namespace fanfare::sim
