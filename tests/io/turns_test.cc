// What a ring on a real kernel does with its turns: no listener starves another, and no wait spins.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "broker/io/backend.h"
#include "broker/io/descriptor.h"
#include "broker/io/socket.h"

namespace fanfare::io {
namespace {

class Turns : public testing::TestWithParam<Backend> {
 protected:
  Turns() {
    auto ring = make_ring(GetParam(), {});
    EXPECT_TRUE(ring.has_value()) << ring.error().message;
    ring_ = std::move(ring).value();
  }
  static Descriptor listener() {
    return std::move(listen_tcp(parse_address("127.0.0.1:0").value()).value().front());
  }
  static Descriptor connected_to(const Descriptor& listener) {
    Descriptor peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const PeerAddress address = bound_address(listener.number());
    EXPECT_EQ(
        ::connect(peer.number(), reinterpret_cast<const sockaddr*>(&address.storage), address.size),
        0)
        << errno;
    return peer;
  }
  std::unique_ptr<Ring> ring_;
};

std::string backend_name(const testing::TestParamInfo<Backend>& parameter) {
  return parameter.param == Backend::io_uring ? "Uring" : "Epoll";
}
INSTANTIATE_TEST_SUITE_P(, Turns, testing::Values(Backend::io_uring, Backend::epoll), backend_name);

TEST_P(Turns, AStormOnOneListenerLeavesTheOtherItsTurn) {
  constexpr Token kStorm{.kind = 1, .generation = 0, .index = 0};
  constexpr Token kOther{.kind = 1, .generation = 0, .index = 1};
  const Descriptor stormy = listener();
  const Descriptor other = listener();
  std::vector<Descriptor> peers;
  for (int i = 0; i < 200; ++i) peers.push_back(connected_to(stormy));
  peers.push_back(connected_to(other));
  ring_->accept(stormy.number(), kStorm);
  ring_->accept(other.number(), kOther);
  std::vector<Completion> out;
  std::size_t before = 0;
  bool reached = false;
  for (int waits = 0; waits < 3 && !reached; ++waits) {
    before = static_cast<std::size_t>(std::ranges::count(out, kStorm, &Completion::token));
    ring_->wait(ring_->now() + 1s, out);
    reached = std::ranges::find(out, kOther, &Completion::token) != out.end();
  }
  EXPECT_TRUE(reached);
  EXPECT_LE(before, 128U) << "two turns of 64 at most";
  if (GetParam() == Backend::epoll) {
    EXPECT_LE(std::ranges::count(out, kStorm, &Completion::token), 128) << "64 a turn";
  }
  const TimePoint deadline = ring_->now() + 10s;
  while (out.size() < 201 && ring_->now() < deadline) ring_->wait(deadline, out);
  EXPECT_EQ(out.size(), 201U) << "and the storm is taken to its end";
  for (const Completion& completion : out) ring_->refuse(completion.result);
}

// Epoll's own clock counts milliseconds: what is less is rounded up, or a wait would be a loop.
TEST_P(Turns, AWaitOfLessThanAMillisecondDoesNotSpin) {
  std::vector<Completion> out;
  int waits = 0;
  for (int i = 0; i < 20; ++i) {
    const TimePoint deadline = ring_->now() + Duration(700'000);
    for (; ring_->now() < deadline; ++waits) ring_->wait(deadline, out);
  }
  EXPECT_LE(waits, 32);
}

TEST_P(Turns, RoomIsReportedEvenIfAReceiveIsArmed) {
  constexpr Token kReceive{.kind = 2, .generation = 1, .index = 3};
  constexpr Token kRoom{.kind = 3, .generation = 1, .index = 3};
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const Descriptor peer(ends[1]);
  ASSERT_TRUE(ring_->adopt(ends[0], 3));
  const std::vector<std::byte> much(4U << 20U);
  std::vector<Completion> out;
  ring_->send(3, much, {.kind = 4, .generation = 1, .index = 3});
  ring_->submit(out);
  ASSERT_EQ(out.size(), 1U) << "more than fits";
  out.clear();
  ring_->receive(3, kReceive);
  ring_->poll(3, Interest::writable, kRoom);
  ring_->submit(out);
  EXPECT_TRUE(out.empty());
  std::vector<char> taken(1U << 20U);
  while (::recv(peer.number(), taken.data(), taken.size(), MSG_DONTWAIT) > 0) {
  }
  const TimePoint deadline = ring_->now() + 10s;
  while (out.empty() && ring_->now() < deadline) ring_->wait(deadline, out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out.front().token, kRoom);
}

// By time: a wake that reaches the ring just as it goes to sleep ends that very sleep.
TEST_P(Turns, AWakeAtTheEdgeOfSleepEndsThatSleep) {
  Duration longest{};
  std::vector<Completion> out;
  for (int round = 0; round < 300; ++round) {
    std::thread waker([&, round] {
      const TimePoint at = monotonic_now() + Duration(round * 500);
      while (monotonic_now() < at) {
      }
      ring_->wake();
    });
    const TimePoint begun = ring_->now();
    ring_->wait(begun + 20s, out);
    longest = std::max(longest, ring_->now() - begun);
    waker.join();
  }
  EXPECT_LT(longest, 10s);
}

}  // namespace
}  // namespace fanfare::io
