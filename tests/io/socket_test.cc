#include "broker/io/socket.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/io/child.h"

namespace fanfare::io {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;

PeerAddress loopback() {
  return parse_address("127.0.0.1:0").value();
}

Descriptor connect_to(const PeerAddress& address) {
  Descriptor client(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(client.number(), as_sockaddr(address), address.size), 0) << errno;
  return client;
}

int option_of(const Descriptor& socket, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(socket.number(), level, name, &value, &size), 0);
  return value;
}

int connections_waiting(const Descriptor& listener) {
  tcp_info state{};
  socklen_t size = sizeof state;
  EXPECT_EQ(::getsockopt(listener.number(), IPPROTO_TCP, TCP_INFO, &state, &size), 0);
  return static_cast<int>(state.tcpi_unacked);  // its meaning on a listener
}

TEST(ListenTcp, GivesAcceptedSocketsEveryOption) {
  const auto listeners = listen_tcp(loopback());
  ASSERT_TRUE(listeners.has_value());
  const Descriptor client = connect_to(bound_address(listeners->front().number()));
  const Descriptor accepted(::accept(listeners->front().number(), nullptr, nullptr));
  EXPECT_EQ(option_of(accepted, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option_of(accepted, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 12288);
  EXPECT_EQ(option_of(accepted, IPPROTO_TCP, TCP_USER_TIMEOUT), 30'000);
  EXPECT_EQ(option_of(accepted, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option_of(accepted, IPPROTO_TCP, TCP_KEEPIDLE), 60);
  EXPECT_EQ(option_of(accepted, IPPROTO_TCP, TCP_KEEPINTVL), 10);
  EXPECT_EQ(option_of(accepted, IPPROTO_TCP, TCP_KEEPCNT), 3);
}

TEST(ListenTcp, SpreadsOnePortOverSeveralListeners) {
  const auto listeners = listen_tcp(loopback(), 3);
  ASSERT_TRUE(listeners.has_value());
  ASSERT_EQ(listeners->size(), 3U);
  std::set<std::string> addresses;
  for (const Descriptor& listener : *listeners) {
    addresses.insert(format_address(bound_address(listener.number())));
  }
  EXPECT_EQ(addresses.size(), 1U);
  std::vector<Descriptor> clients;
  for (int i = 0; i < 90; ++i) {
    clients.push_back(connect_to(bound_address(listeners->front().number())));
  }
  int sum = 0;
  for (const Descriptor& listener : *listeners) {
    EXPECT_GT(connections_waiting(listener), 5);
    sum += connections_waiting(listener);
  }
  EXPECT_EQ(sum, 90);
}

TEST(ListenTcp, NeverSharesThePortOfAnotherProgramNotEvenOfAnotherBroker) {
  const auto mine = listen_tcp(loopback(), 2);
  ASSERT_TRUE(mine.has_value());
  const PeerAddress taken = bound_address(mine->front().number());
  const auto second = listen_tcp(taken, 2);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().error, EADDRINUSE);
  EXPECT_EQ(second.error().message,
            format_address(taken) +
                ": address already in use: stop the program that listens there, or choose another "
                "port");
}

TEST(ListenTcp, TakesAPortOverAtOnceThoughOldConnectionsLinger) {
  PeerAddress address;
  Descriptor client, accepted;
  {
    const auto listeners = listen_tcp(loopback());
    address = bound_address(listeners->front().number());
    client = connect_to(address);
    accepted = Descriptor(::accept(listeners->front().number(), nullptr, nullptr));
  }
  accepted = Descriptor();  // closes first: its end lingers in TIME_WAIT
  client = Descriptor();
  EXPECT_TRUE(listen_tcp(address).has_value());
}

TEST(StopListening, AcceptsWaitingClientsAndRefusesLaterOnes) {
  const auto listeners = listen_tcp(loopback(), 2);
  ASSERT_TRUE(listeners) << listeners.error().message;
  const PeerAddress address = bound_address(listeners->front().number());
  std::vector<Descriptor> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(connect_to(address));
  std::vector<int> waiting;
  for (const Descriptor& listener : *listeners) stop_listening(listener.number(), waiting);
  ASSERT_EQ(waiting.size(), clients.size()) << "of both listeners";
  for (const int accepted : waiting) {
    EXPECT_EQ(::send(accepted, "x", 1, MSG_NOSIGNAL), 1);
    ::close(accepted);
  }
  char byte = 0;
  for (const Descriptor& client : clients) EXPECT_EQ(::recv(client.number(), &byte, 1, 0), 1);
  const Descriptor late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(late.number(), as_sockaddr(address), address.size), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
}

// Clients that connect again and again, each waiting for one byte whenever it is let in.
class Crowd {
 public:
  explicit Crowd(PeerAddress address) : address_(address) {
    for (std::atomic<int>& turned_away : turned_away_)
      threads_.emplace_back([this, &turned_away] { come_again_and_again(turned_away); });
  }
  ~Crowd() { over_ = true; }

  int served() const { return served_; }
  int cut_off() const { return cut_off_; }
  // For each: how often it was not let in.
  std::vector<int> turned_away() const { return {turned_away_.begin(), turned_away_.end()}; }
  static void serve(int accepted) {
    EXPECT_EQ(::send(accepted, "x", 1, MSG_NOSIGNAL), 1);
    ::close(accepted);
  }

 private:
  void come_again_and_again(std::atomic<int>& turned_away) {
    while (!over_) {
      const Descriptor client(::socket(address_.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const timeval patience{.tv_sec = 0, .tv_usec = 20'000};  // of connect() only
      ::setsockopt(client.number(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      if (::connect(client.number(), as_sockaddr(address_), address_.size) != 0) {
        ++turned_away;
        continue;
      }
      char byte = 0;
      ++(::recv(client.number(), &byte, 1, 0) == 1 ? served_ : cut_off_);
    }
  }

  PeerAddress address_;
  std::atomic<bool> over_ = false;
  std::atomic<int> served_ = 0, cut_off_ = 0;
  std::array<std::atomic<int>, 8> turned_away_{};
  std::vector<std::jthread> threads_;
};

TEST(StopListening, ResetsNoClientThatConnectsMeanwhile) {
  for (int round = 0; round < 20; ++round) {
    const auto listeners = listen_tcp(loopback());
    ASSERT_TRUE(listeners) << listeners.error().message;
    const int listener = listeners->front().number();
    Crowd crowd(bound_address(listener));
    while (crowd.served() < 200) crowd.serve(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    hold_handshakes(listener);
    // A client that is turned away from now on has no handshake under way.
    const std::vector<int> before = crowd.turned_away();
    const auto all_away = [&] {
      return std::ranges::equal(before, crowd.turned_away(), std::ranges::less{});
    };
    ASSERT_EQ(::fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    while (!all_away()) {
      const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (accepted >= 0) crowd.serve(accepted);
    }
    std::vector<int> waiting;
    stop_listening(listener, waiting);
    for (const int client : waiting) crowd.serve(client);
    EXPECT_EQ(crowd.cut_off(), 0);
  }
}

TEST(ListenTcp, SaysThatAnAddressIsNotOurs) {
  const auto listeners = listen_tcp(parse_address("192.0.2.1:0").value());
  ASSERT_FALSE(listeners.has_value());
  EXPECT_EQ(listeners.error().message,
            "192.0.2.1:0: no interface of this machine has that address");
}

// A folder of its own for each test.
class ListenUnix : public testing::Test {
 protected:
  ListenUnix() {
    std::string name = (fs::temp_directory_path() / "fanfare-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/ingest.sock";
  }
  ~ListenUnix() override { fs::remove_all(folder_); }

  std::string problem(const UnixOptions& options = {}) const {
    const auto listener = listen_unix(path_, options);
    return listener ? "none" : listener.error().message;
  }
  struct stat status() const {
    struct stat status{};
    EXPECT_EQ(::lstat(path_.c_str(), &status), 0);
    return status;
  }
  Descriptor connect() const {
    Descriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    const auto* const to = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(client.number(), to, sizeof address) != 0) return {};
    return client;
  }

  std::string folder_, path_;
};

// Closed with bytes that nobody has read, the socket is in error for its peer; what was sent before
// comes first.
TEST_F(ListenUnix, GivesAPeerThatIsRefusedTheFarewellWhateverItHasSaid) {
  const auto listener = listen_unix(path_);
  ASSERT_TRUE(listener.has_value()) << listener.error().message;
  for (const std::string_view said : {"", "*1\r\n$4\r\nPING\r\n"}) {
    const Descriptor client = connect();
    EXPECT_EQ(::send(client.number(), said.data(), said.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(said.size()));
    refuse(::accept(listener->number(), nullptr, nullptr), "-ERR no room\r\n");
    char heard[64];
    const auto size = ::recv(client.number(), heard, sizeof heard, 0);
    EXPECT_EQ(std::string_view(heard, static_cast<std::size_t>(std::max<ssize_t>(size, 0))),
              "-ERR no room\r\n");
    EXPECT_LE(::recv(client.number(), heard, sizeof heard, 0), 0);
  }
}

TEST_F(ListenUnix, KnowsTheUserThatConnects) {
  const auto listener = listen_unix(path_);
  ASSERT_TRUE(listener.has_value()) << listener.error().message;
  const Descriptor client = connect();
  const Descriptor accepted(::accept(listener->number(), nullptr, nullptr));
  const auto credentials = peer_credentials(accepted.number());
  ASSERT_TRUE(credentials.has_value());
  EXPECT_EQ(credentials->process, static_cast<std::uint32_t>(::getpid()));
  EXPECT_EQ(credentials->user, ::geteuid());
  EXPECT_EQ(credentials->group, ::getegid());
  EXPECT_EQ(peer_address(accepted.number()).size, 0U);
  const Descriptor tcp(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_FALSE(peer_credentials(tcp.number()).has_value());
}

TEST_F(ListenUnix, HasExactlyItsModeWhateverTheMask) {
  for (const mode_t mask : {0000U, 0022U, 0777U}) {
    const mode_t before = ::umask(mask);
    for (const std::uint32_t mode : {0600U, 0660U, 0666U}) {
      const auto listener = listen_unix(path_, {.mode = mode, .group = {}});
      ASSERT_TRUE(listener.has_value()) << listener.error().message;
      EXPECT_EQ(status().st_mode & 07777U, mode);
    }
    ::umask(before);
  }
}

TEST_F(ListenUnix, GivesItselfToItsGroup) {
  const group* const own = ::getgrgid(::getegid());
  ASSERT_NE(own, nullptr);
  const auto listener = listen_unix(path_, {.group = own->gr_name});
  ASSERT_TRUE(listener.has_value()) << listener.error().message;
  EXPECT_EQ(status().st_gid, ::getegid());
  EXPECT_EQ(problem({.group = "nosuchgroup"}), path_ + ": there is no group \"nosuchgroup\"");
}

TEST_F(ListenUnix, ResetsNoClientThatConnectsWhileItStops) {
  for (int round = 0; round < 20; ++round) {
    const auto listener = listen_unix(path_);
    ASSERT_TRUE(listener.has_value()) << listener.error().message;
    PeerAddress address;
    address.size = sizeof(sockaddr_un);
    ASSERT_EQ(::getsockname(listener->number(), reinterpret_cast<sockaddr*>(&address.storage),
                            &address.size),
              0);
    Crowd crowd(address);
    while (crowd.served() < 200)
      crowd.serve(::accept4(listener->number(), nullptr, nullptr, SOCK_CLOEXEC));
    hold_handshakes(listener->number());
    std::vector<int> waiting;
    stop_listening(listener->number(), waiting);
    for (const int client : waiting) crowd.serve(client);
    const std::vector<int> before = crowd.turned_away();
    while (!std::ranges::equal(before, crowd.turned_away(), std::ranges::less{}))
      std::this_thread::yield();  // each has come to its end
    EXPECT_EQ(crowd.cut_off(), 0);
  }
}

TEST_F(ListenUnix, ReplacesASocketNobodyListensOn) {
  std::ignore = listen_unix(path_);
  ASSERT_TRUE(fs::exists(path_)) << "left behind, as after a crash";
  EXPECT_FALSE(connect());
  const auto listener = listen_unix(path_);
  ASSERT_TRUE(listener.has_value()) << listener.error().message;
  EXPECT_TRUE(connect());
}

TEST_F(ListenUnix, NeverStealsALiveSocket) {
  const auto live = listen_unix(path_);
  EXPECT_EQ(problem(), path_ +
                           ": address already in use: another broker listens there; stop it or "
                           "choose another path");
  EXPECT_TRUE(connect()) << "and leaves it working";
}

TEST_F(ListenUnix, NeverStealsALiveSocketWhoseBacklogIsFull) {
  const auto live = listen_unix(path_, {.group = {}, .backlog = 0});
  const Descriptor first = connect();
  EXPECT_THAT(problem(), HasSubstr("another broker listens there"));
}

TEST_F(ListenUnix, LeavesAFileThatIsNoSocketAlone) {
  std::ofstream(path_) << "precious";
  EXPECT_EQ(problem(),
            path_ + ": there is a file that is not a socket; remove it or choose another path");
  EXPECT_EQ(fs::file_size(path_), 8U);
}

TEST_F(ListenUnix, SaysThatTheFolderIsMissing) {
  path_ = folder_ + "/none/ingest.sock";
  EXPECT_EQ(problem(), path_ + ": the directory " + folder_ + "/none does not exist: create it");
}

TEST_F(ListenUnix, SaysThatTheFolderIsClosedToIt) {
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  const std::string answer = in_child([&]() -> std::string {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0) return "cannot be nobody";
    return problem();
  });
  fs::permissions(folder_, fs::perms::owner_all);
  EXPECT_THAT(answer, EndsWith(" may not create files in " + folder_));
}

TEST_F(ListenUnix, SaysThatAPathIsTooLong) {
  path_ = folder_ + "/" + std::string(108, 'x');
  EXPECT_THAT(problem(), HasSubstr("a socket's path must have 1 to 107 bytes; this one has "));
  path_.clear();
  EXPECT_EQ(problem(),
            "the socket's path: a socket's path must have 1 to 107 bytes; this one has 0");
}

TEST_F(ListenUnix, ExactlyOneOfTwoThatStartAtOnceListens) {
  for (int round = 0; round < 50; ++round) {
    std::ignore = listen_unix(path_);  // leaves a stale one to fight over
    std::expected<Descriptor, Problem> first, second;
    std::thread other([&] { second = listen_unix(path_); });
    first = listen_unix(path_);
    other.join();
    EXPECT_NE(first.has_value(), second.has_value());
    EXPECT_TRUE(connect());
  }
}

}  // namespace
}  // namespace fanfare::io
