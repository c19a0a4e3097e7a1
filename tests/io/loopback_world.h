// A World on real TCP sockets over the loopback interface.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
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

 private:
  struct OtherEnd {
    Descriptor descriptor;
    End end = End::open;
  };
  Descriptor listener_;
  PeerAddress address_;
  std::unique_ptr<Ring> ring_;
  std::vector<OtherEnd> peers_;
};

}  // namespace fanfare::io
