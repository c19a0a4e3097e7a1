// reference-server: the least that can be done for an SSE subscriber without io_uring: accept, read
// a head, answer it, and for every event one send() per subscriber, in a loop. No history, no
// timers, no limits; the yardstick that the broker's fan-out is measured against.
//
// Subscribe: GET /<channel> on TCP. Publish: a line `channel data\n` on the Unix socket; the ack is
// "+\n" after the last send. One thread, epoll. With --bare it stops waiting for a subscriber once
// it has answered: a socket that was accepted, and nothing else.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "reference-server: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

struct Peer {
  bool publisher = false;
  bool subscribed = false;
  std::string channel;
  std::string input;
};

class Server {
 public:
  Server(std::uint16_t port, const std::string& path, bool bare) : bare_(bare) {
    poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    listen_tcp(port);
    listen_unix(path);
  }

  [[noreturn]] void run() {
    std::vector<epoll_event> events(1024);
    while (true) {
      const int count = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      if (count < 0 && errno != EINTR) fail("epoll_wait");
      for (int i = 0; i < count; ++i) {
        const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
        if (descriptor == tcp_ || descriptor == unix_) {
          accept_all(descriptor);
        } else {
          read_from(descriptor);
        }
      }
    }
  }

 private:
  void watch(int descriptor, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.fd = descriptor;
    if (::epoll_ctl(poll_, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll_ctl");
  }

  void listen_tcp(std::uint16_t port) {
    tcp_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(tcp_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(tcp_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    if (::bind(tcp_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
    if (::listen(tcp_, 65535) != 0) fail("listen");
    watch(tcp_, EPOLLIN);
  }

  void listen_unix(const std::string& path) {
    ::unlink(path.c_str());
    unix_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(unix_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
    if (::listen(unix_, 64) != 0) fail("listen");
    watch(unix_, EPOLLIN);
  }

  void accept_all(int listener) {
    while (true) {
      const int descriptor = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor < 0) return;
      peers_[descriptor] = Peer{.publisher = listener == unix_, .channel = {}, .input = {}};
      watch(descriptor, EPOLLIN | EPOLLRDHUP | EPOLLET);
    }
  }

  void read_from(int descriptor) {
    Peer& peer = peers_[descriptor];
    char buffer[65536];
    while (true) {
      const ssize_t got = ::recv(descriptor, buffer, sizeof buffer, 0);
      if (got < 0 && errno == EAGAIN) break;
      if (got <= 0) {
        drop(descriptor);
        return;
      }
      peer.input.append(buffer, static_cast<std::size_t>(got));
      if (static_cast<std::size_t>(got) < sizeof buffer) break;
    }
    if (peer.publisher) {
      publish_lines(descriptor, peer);
    } else if (!peer.subscribed && peer.input.find("\r\n\r\n") != std::string::npos) {
      subscribe(descriptor, peer);
    }
  }

  void subscribe(int descriptor, Peer& peer) {
    const std::size_t begin = peer.input.find('/') + 1;
    peer.channel = peer.input.substr(begin, peer.input.find(' ', begin) - begin);
    peer.subscribed = true;
    peer.input = std::string();
    static constexpr std::string_view kHead =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
        "Transfer-Encoding: chunked\r\n\r\n3\r\n:\n\n\r\n";
    ::send(descriptor, kHead.data(), kHead.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    channels_[peer.channel].push_back(descriptor);
    if (bare_) ::epoll_ctl(poll_, EPOLL_CTL_DEL, descriptor, nullptr);
  }

  void publish_lines(int descriptor, Peer& peer) {
    std::size_t begin = 0;
    for (std::size_t end; (end = peer.input.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      const std::string_view line = std::string_view(peer.input).substr(begin, end - begin);
      const std::size_t space = line.find(' ');
      fan_out(std::string(line.substr(0, space)), line.substr(space + 1));
      ::send(descriptor, "+\n", 2, MSG_NOSIGNAL);
    }
    peer.input.erase(0, begin);
  }

  void fan_out(const std::string& channel, std::string_view data) {
    const std::string text =
        "data: " + std::string(data) + "\nid: " + std::to_string(++sequence_) + "\n\n";
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", text.size());
    const std::string chunk = size + text + "\r\n";
    for (const int subscriber : channels_[channel]) {
      ::send(subscriber, chunk.data(), chunk.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
  }

  void drop(int descriptor) {
    const Peer& peer = peers_[descriptor];
    if (peer.subscribed) std::erase(channels_[peer.channel], descriptor);
    peers_.erase(descriptor);
    ::close(descriptor);
  }

  bool bare_;
  int poll_ = -1, tcp_ = -1, unix_ = -1;
  std::unordered_map<int, Peer> peers_;
  std::unordered_map<std::string, std::vector<int>> channels_;
  std::uint64_t sequence_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const bool bare = argc == 4 && std::string_view(argv[3]) == "--bare";
  if (argc != 3 && !bare) {
    std::fprintf(stderr, "usage: reference-server PORT SOCKET [--bare]\n");
    return 2;
  }
  Server(static_cast<std::uint16_t>(std::atoi(argv[1])), argv[2], bare).run();
}
