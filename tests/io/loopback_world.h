// A World on real TCP sockets over the loopback interface.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "broker/io/socket.h"
#include "tests/io/world.h"

namespace fanfare::io {

class LoopbackWorld final : public World {
 public:
  LoopbackWorld(Backend backend, const RingOptions& options)
      : listener_(std::move(listen_tcp(parse_address("127.0.0.1:0").value()).value().front())),
        address_(bound_address(listener_.number())) {
    sockaddr_in loopback{};
    loopback.sin_family = AF_INET;
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    tcp_ = open_door(&loopback, sizeof loopback);
    const sa_family_t unnamed = AF_UNIX;  // the kernel finds a name (unix(7), autobind)
    unix_ = open_door(&unnamed, sizeof unnamed);
    tcp_address_ = bound_address(tcp_.number());
    unix_address_ = bound_address(unix_.number());
    auto ring = make_ring(backend, options);
    EXPECT_TRUE(ring.has_value()) << ring.error().message;
    ring_ = std::move(ring).value();
  }

  Ring& ring() override { return *ring_; }
  int listener() override { return listener_.number(); }

  Peer connect() override {
    Descriptor peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto* const to = reinterpret_cast<const sockaddr*>(&address_.storage);
    EXPECT_EQ(::connect(peer.number(), to, address_.size), 0) << errno;
    peers_.push_back({.descriptor = std::move(peer)});
    return peers_.size() - 1;
  }
  void write(Peer peer, std::string_view bytes) override {
    const auto written =
        ::send(peers_[peer].descriptor.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    EXPECT_EQ(written, static_cast<ssize_t>(bytes.size())) << errno;
  }
  std::string read(Peer peer, std::size_t size_max) override {
    std::string bytes(size_max, '\0');
    const auto size =
        ::recv(peers_[peer].descriptor.number(), bytes.data(), size_max, MSG_DONTWAIT);
    if (size == 0) peers_[peer].end = End::finished;
    if (size < 0 && errno != EAGAIN) peers_[peer].end = End::reset;
    bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return bytes;
  }
  End end_of(Peer peer) override { return peers_[peer].end; }
  void finish(Peer peer) override { ::shutdown(peers_[peer].descriptor.number(), SHUT_WR); }
  void reset(Peer peer) override {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(peers_[peer].descriptor.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    peers_[peer].descriptor = Descriptor();
  }

  PeerAddress address_of(Door door) override {
    return door == Door::tcp ? tcp_address_ : unix_address_;
  }
  std::optional<Peer> take(Door door) override {
    Descriptor taken(::accept4(listener_of(door).number(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!taken) return std::nullopt;
    peers_.push_back({.descriptor = std::move(taken)});
    return peers_.size() - 1;
  }
  void shut(Door door) override { listener_of(door) = Descriptor(); }
  // With a backlog of 0, one connection waits, and over TCP perhaps another.
  void crowd(Door door) override {
    const PeerAddress address = address_of(door);
    for (int i = 0; i < 3; ++i) {
      Descriptor& one = crowd_.emplace_back(
          ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      std::ignore = ::connect(one.number(), as_sockaddr(address), address.size);
    }
  }

 private:
  static Descriptor open_door(const void* address, socklen_t size) {
    const auto* const name = static_cast<const sockaddr*>(address);
    Descriptor door(::socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    EXPECT_EQ(::bind(door.number(), name, size), 0) << errno;
    EXPECT_EQ(::listen(door.number(), 0), 0) << errno;
    return door;
  }
  Descriptor& listener_of(Door door) { return door == Door::tcp ? tcp_ : unix_; }

  struct OtherEnd {
    Descriptor descriptor;
    End end = End::open;
  };
  Descriptor listener_;
  PeerAddress address_;
  Descriptor tcp_, unix_;
  PeerAddress tcp_address_, unix_address_;
  std::vector<Descriptor> crowd_;
  std::unique_ptr<Ring> ring_;
  std::vector<OtherEnd> peers_;
};

}  // namespace fanfare::io
