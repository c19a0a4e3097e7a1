// What only rings on a real kernel can show: threads, signals, limits, thousands of connections.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker/io/backend.h"
#include "broker/io/socket.h"
#include "tests/io/loopback_world.h"
#include "tests/io/ring_fixture.h"

#include "common/random.h"

namespace fanfare::io {
namespace {

std::unique_ptr<Ring> ring_on(Backend backend, const RingOptions& options = {}) {
  auto ring = make_ring(backend, options);
  EXPECT_TRUE(ring.has_value()) << ring.error().message;
  return std::move(ring).value();
}

// A connected pair, both ends in the ring's table.
void adopt_pair(Ring& ring, Slot first, Slot second) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0) << errno;
  ASSERT_TRUE(ring.adopt(ends[0], first));
  ASSERT_TRUE(ring.adopt(ends[1], second));
}

class RealRing : public testing::TestWithParam<Backend> {};

std::string backend_name(const testing::TestParamInfo<Backend>& parameter) {
  return parameter.param == Backend::io_uring ? "Uring" : "Epoll";
}
INSTANTIATE_TEST_SUITE_P(, RealRing, testing::Values(Backend::io_uring, Backend::epoll),
                         backend_name);

// Two threads in step: the waker rings once for each wait that has returned, after a pause of a
// random length, so that rings come before, during and after the way to sleep. A wake that is lost
// costs its wait thirty seconds.
TEST_P(RealRing, NeverLosesAWakeFromAnotherThread) {
  constexpr std::uint32_t kRounds = 20'000;
  const auto ring = ring_on(GetParam());
  std::atomic<std::uint32_t> returned = 0;
  std::thread waker([&] {
    Random random(1);
    for (std::uint32_t round = 0; round < kRounds; ++round) {
      while (returned.load() < round) std::this_thread::yield();
      for (std::uint64_t spins = random.below(300); spins > 0; --spins) {
        std::atomic_signal_fence(std::memory_order_seq_cst);
      }
      ring->wake();
    }
  });
  std::vector<Completion> out;
  const TimePoint begun = ring->now();
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    ring->wait(ring->now() + 30s, out);
    returned.store(round + 1);
  }
  waker.join();
  EXPECT_LT(ring->now() - begun, 25s);
  EXPECT_TRUE(out.empty());
}

TEST_P(RealRing, WaitsAgainAfterItWasWoken) {
  const auto ring = ring_on(GetParam());
  std::vector<Completion> out;
  std::thread([&] { ring->wake(); }).join();
  ring->wait(ring->now() + 30s, out);
  const TimePoint deadline = ring->now() + 20ms;
  std::uint32_t waits = 0;
  for (; ring->now() < deadline; ++waits) ring->wait(deadline, out);
  EXPECT_LE(waits, 2U) << "it does not spin";
}

Ring* woken_by_signal = nullptr;

TEST_P(RealRing, CanBeWokenByASignalHandler) {
  const auto ring = ring_on(GetParam());
  woken_by_signal = ring.get();
  struct sigaction action{};
  action.sa_handler = [](int) { woken_by_signal->wake(); };
  struct sigaction before{};
  ::sigaction(SIGUSR1, &action, &before);
  std::atomic<bool> done = false;
  const pthread_t waiter = ::pthread_self();
  std::thread signaller([&] {
    while (!done.load()) {
      ::pthread_kill(waiter, SIGUSR1);
      std::this_thread::yield();
    }
  });
  std::vector<Completion> out;
  const TimePoint begun = ring->now();
  for (int i = 0; i < 1000; ++i) ring->wait(ring->now() + 30s, out);
  done = true;
  signaller.join();
  EXPECT_LT(ring->now() - begun, 25s);
  ::sigaction(SIGUSR1, &before, nullptr);
}

// io_uring can be asked from Linux 6.8 on.
bool may_know_nothing(Backend backend) {
  utsname system{};
  ::uname(&system);
  int major = 0, minor = 0;
  std::sscanf(system.release, "%d.%d", &major, &minor);
  return backend == Backend::io_uring && std::pair(major, minor) < std::pair(6, 8);
}

TEST_P(RealRing, KnowsWhatTheKernelKnowsOfATcpConnectionAndKeepsNoDescriptor) {
  LoopbackWorld world(GetParam(), {});
  Ring& ring = world.ring();
  std::vector<Completion> out;
  ring.accept(world.listener(), {.kind = 1, .index = 0});
  const auto peer = world.connect();
  while (out.empty()) ring.wait(ring.now() + 10s, out);
  ASSERT_TRUE(ring.adopt(out[0].result, 0));
  ASSERT_NO_FATAL_FAILURE(adopt_pair(ring, 1, 2));
  ring.poll(0, Interest::hang_up, {.kind = 3, .index = 0});
  const auto free_descriptor = [] { return Descriptor(::dup(0)).number(); };
  const int before = free_descriptor();
  ring.send(0, bytes_of("hello"), {.kind = 2, .index = 0});
  ring.submit(out);
  const auto figures = ring.tcp_figures(0);
  if (!figures && may_know_nothing(GetParam())) return;
  ASSERT_TRUE(figures);
  EXPECT_EQ(figures->sent_bytes_total, 5U);
  EXPECT_EQ(figures->retransmits_total, 0U);
  EXPECT_EQ(world.read(peer, 100), "hello");
  EXPECT_FALSE(ring.tcp_figures(1)) << "a Unix socket has none";
  EXPECT_FALSE(ring.tcp_figures(3)) << "nothing is there";
  EXPECT_TRUE(ring.tcp_figures(0)) << "and it goes on";
  EXPECT_EQ(free_descriptor(), before);
}

TEST_P(RealRing, ServesThousandsOfConnections) {
  constexpr std::uint32_t kPairs = 5000;
  ASSERT_GE(raise_descriptor_limit(), 2 * kPairs + 100);
  const auto ring = ring_on(GetParam(), {.slots = 2 * kPairs});
  std::vector<std::string> said(kPairs);
  std::vector<Completion> out;
  for (Slot pair = 0; pair < kPairs; ++pair) {
    ASSERT_NO_FATAL_FAILURE(adopt_pair(*ring, 2 * pair, 2 * pair + 1));
    ring->poll(2 * pair, Interest::hang_up, {.kind = 1, .index = 2 * pair});
    ring->receive(2 * pair + 1, {.kind = 2, .index = pair});
  }
  for (Slot pair = 0; pair < kPairs; ++pair) {
    said[pair] = "to " + std::to_string(pair);
    ring->send(2 * pair, bytes_of(said[pair]), {.kind = 3, .index = pair});
  }
  std::uint32_t received = 0, without_buffer = 0, hung_up = 0;
  const TimePoint deadline = ring->now() + 30s;
  while (received < kPairs && ring->now() < deadline) {
    out.clear();
    ring->wait(deadline, out);
    for (const Completion& completion : out) {
      ASSERT_EQ(completion.token.kind, 2);
      const Slot pair = completion.token.index;
      if (completion.result == -ENOBUFS) {
        ++without_buffer;
        ring->receive(2 * pair + 1, completion.token);
        continue;
      }
      EXPECT_EQ(text_of(completion), said[pair]);
      ring->recycle(completion);
      ++received;
    }
  }
  EXPECT_EQ(received, kPairs);
  EXPECT_GT(without_buffer, 0U) << "5000 receives on 256 buffers";
  for (Slot pair = 0; pair < kPairs; ++pair) {
    ring->close(2 * pair + 1, {}, {.kind = 4, .index = pair});
  }
  std::uint32_t closed = 0;
  while (closed + hung_up < 2 * kPairs && ring->now() < deadline) {
    out.clear();
    ring->wait(deadline, out);
    for (const Completion& completion : out) {
      closed += completion.token.kind == 4 ? 1 : 0;
      hung_up += completion.token.kind == 1 ? 1 : 0;
    }
  }
  EXPECT_EQ(closed, kPairs);
  EXPECT_EQ(hung_up, kPairs);
}

TEST_P(RealRing, LeavesNothingOpenBehind) {
  const auto free_descriptor = [] { return Descriptor(::dup(0)).number(); };
  const int before = free_descriptor();
  PeerAddress address;
  {
    LoopbackWorld world(GetParam(), {});
    address = bound_address(world.listener());
    std::vector<Completion> out;
    world.ring().accept(world.listener(), {.kind = 1, .index = 0});
    const auto peer = world.connect();
    while (out.empty()) world.ring().wait(world.ring().now() + 10s, out);
    ASSERT_TRUE(world.ring().adopt(out[0].result, 0));
    world.ring().receive(0, {.kind = 2, .index = 0});
    world.ring().poll(0, Interest::hang_up, {.kind = 3, .index = 0});
    world.ring().submit(out);
    std::ignore = peer;
  }
  EXPECT_EQ(free_descriptor(), before);
  EXPECT_TRUE(listen_tcp(address).has_value()) << "the port is free at once";
}

// Rings are registered with numbers of their thread: ending another thread's ring must not
// unregister the own one with the same number.
TEST_P(RealRing, OutlivesTheEndOfAnotherThreadsRing) {
  std::unique_ptr<Ring> theirs;
  std::vector<Completion> out;
  std::thread([&] {
    theirs = ring_on(GetParam());
    theirs->accept(listen_tcp(parse_address("127.0.0.1:0").value()).value().front().number(),
                   {.kind = 1, .index = 0});
    theirs->submit(out);
  }).join();
  const auto mine = ring_on(GetParam());
  adopt_pair(*mine, 0, 1);
  theirs.reset();
  out.clear();
  mine->poll(0, Interest::writable, {.kind = 2, .index = 0});
  mine->wait(mine->now() + 10s, out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].token.kind, 2);
}

TEST_P(RealRing, ADescriptorThatCannotBeAdoptedIsAnErrorAndNotLeaked) {
  if (GetParam() == Backend::epoll) {
    // Epoll's table takes whatever it is given; the first verb then completes with the error.
    const auto ring = ring_on(GetParam());
    std::vector<Completion> out;
    ASSERT_TRUE(ring->adopt(-1, 0));
    ring->receive(0, {.kind = 1, .index = 0});
    ring->submit(out);
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(out[0].result, -EBADF);
    return;
  }
  const auto ring = ring_on(GetParam());
  EXPECT_FALSE(ring->adopt(1 << 20, 0));
}

// The soft limit of descriptors, lowered for one test.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t limit) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit lowered{.rlim_cur = limit, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &lowered);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_{};
};

TEST(Uring, HoldsMoreConnectionsThanThereAreDescriptors) {
  constexpr std::uint32_t kPairs = 1000;
  raise_descriptor_limit();
  const auto ring = ring_on(Backend::io_uring, {.slots = 2 * kPairs});
  const FewDescriptors limit(32);
  std::vector<Completion> out;
  for (Slot pair = 0; pair < kPairs; ++pair) {
    ASSERT_NO_FATAL_FAILURE(adopt_pair(*ring, 2 * pair, 2 * pair + 1));
  }
  const std::string said = "still here";
  ring->send(2 * kPairs - 2, bytes_of(said), {.kind = 1, .index = 0});
  ring->receive(2 * kPairs - 1, {.kind = 2, .index = 0});
  ring->wait(ring->now() + 10s, out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(text_of(out[0]), said);
}

TEST(Uring, ATableBeyondTheLimitIsAProblemThatNamesTheLimit) {
  const std::uint32_t limit = raise_descriptor_limit();
  const auto ring = make_ring(Backend::io_uring, {.slots = limit + 1});
  ASSERT_FALSE(ring.has_value());
  EXPECT_EQ(
      ring.error().message,
      fmt::format("a table of {} connections is more than RLIMIT_NOFILE ({}) allows one ring: "
                  "raise it (LimitNOFILE= in a systemd unit, ulimit -n in a shell) or run "
                  "more shards",
                  limit + 1, limit));
}

// Which of two rings that accept on one listener got how many of twenty connections.
std::array<int, 2> shares(Backend backend, const Descriptor& listener, const PeerAddress& address) {
  const int family = is_unix(listener.number()) ? AF_UNIX : AF_INET;
  std::array rings = {ring_on(backend), ring_on(backend)};
  std::array<int, 2> got{};
  std::vector<Completion> out;
  const auto arm = [&](Ring& ring) {
    ring.accept(listener.number(), {.kind = 1, .index = 0});
    ring.submit(out);
  };
  for (const auto& ring : rings) arm(*ring);
  for (int count = 1; count <= 20; ++count) {
    const Descriptor client(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.number(), as_sockaddr(address), address.size), 0) << errno;
    for (auto turn = static_cast<std::size_t>(count); got[0] + got[1] < count; ++turn) {
      Ring& ring = *rings[turn % 2];
      out.clear();
      ring.wait(ring.now() + 1ms, out);
      if (out.empty()) continue;
      const Completion accepted = out.front();
      EXPECT_GE(accepted.result, 0);
      ring.refuse(accepted.result);
      ++got[turn % 2];
      if (!accepted.more) arm(ring);
    }
  }
  return got;
}

// With a multishot accept of io_uring, the ring that had waited longest got all connections.
TEST_P(RealRing, SharesTheConnectionsOfAUnixSocketWithOthers) {
  std::string folder = (std::filesystem::temp_directory_path() / "fanfare-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const auto listener = listen_unix(folder + "/socket");
  ASSERT_TRUE(listener.has_value()) << listener.error().message;
  const auto got = shares(GetParam(), *listener, unix_address(folder + "/socket").value());
  EXPECT_GE(std::min(got[0], got[1]), 5) << got[0] << " and " << got[1];
  std::filesystem::remove_all(folder);
}

TEST_P(RealRing, SharesTheConnectionsOfAServiceManagersSocketWithOthers) {
  const PeerAddress wanted = parse_address("127.0.0.1:0").value();
  const Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.number(), as_sockaddr(wanted), wanted.size), 0);
  ASSERT_EQ(::listen(listener.number(), 10), 0);
  ASSERT_TRUE(prepare_listener(listener).has_value());
  const auto got = shares(GetParam(), listener, bound_address(listener.number()));
  EXPECT_GE(std::min(got[0], got[1]), 5) << got[0] << " and " << got[1];
}

TEST(Uring, AcceptsGoOnAfterDescriptorsRanOut) {
  LoopbackWorld world(Backend::io_uring, {});
  Ring& ring = world.ring();
  const Token token{.kind = 1, .index = 0};
  for (int i = 0; i < 8; ++i) world.connect();
  std::vector<Completion> out;
  {
    const int next = Descriptor(::dup(0)).number();
    const FewDescriptors limit(static_cast<rlim_t>(next) + 3);
    ring.accept(world.listener(), token);
    while (out.empty() || out.back().more) ring.wait(ring.now() + 10s, out);
    EXPECT_EQ(out.back().result, -EMFILE);
    EXPECT_EQ(out.size(), 4U);
  }
  out.pop_back();
  ring.accept(world.listener(), token);
  while (out.size() < 8) ring.wait(ring.now() + 10s, out);
  Slot slot = 0;
  for (const Completion& accepted : out) EXPECT_TRUE(ring.adopt(accepted.result, slot++));
}

}  // namespace
}  // namespace fanfare::io
