#include "broker/io/epoll.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "broker/io/address.h"
#include "broker/io/connect.h"
#include "broker/io/descriptor.h"
#include "broker/io/doorbell.h"
#include "broker/io/epoll_buffers.h"
#include "broker/io/probe.h"
#include "broker/io/socket.h"
#include "broker/io/tcp_figures.h"

#include "common/check.h"

namespace fanfare::io {
namespace {

// What an epoll event is about, in its 64 bits of data: a slot, or one of these above all slots.
constexpr std::uint64_t kBell = 1ULL << 63U;
constexpr std::uint64_t kListener = 1ULL << 62U;  // with the listener's index

constexpr std::uint32_t kBroken = EPOLLHUP | EPOLLERR;
constexpr std::uint32_t kHangUp = EPOLLRDHUP | kBroken;
// At most this many connections are accepted per listener and turn, so that a storm of them does
// not starve the existing ones.
constexpr int kAcceptsPerTurn = 64;

class Epoll final : public Ring {
 public:
  std::optional<Problem> open(const RingOptions& options);
  ~Epoll() override;

  std::string_view name() const override { return "epoll"; }
  std::uint32_t capacity() const override { return static_cast<std::uint32_t>(sockets_.size()); }
  TimePoint now() const override { return monotonic_now(); }

  void accept(int listener, Token token) override;
  void cancel_accept(Token token) override;
  void hold_handshakes(int listener) override { io::hold_handshakes(listener); }
  void stop_listening(int listener, std::vector<int>& waiting) override {
    io::stop_listening(listener, waiting);
  }
  bool adopt(int descriptor, Slot slot) override;
  void refuse(int descriptor, std::string_view farewell) override {
    io::refuse(descriptor, farewell);
  }
  PeerAddress peer_of(int descriptor) override { return peer_address(descriptor); }
  std::optional<TcpFigures> tcp_figures(Slot slot) override {
    return tcp_figures_of(at(slot).descriptor);
  }
  void connect(Slot slot, const PeerAddress& address, Token token) override;
  int lend(Slot slot) override;
  void receive(Slot slot, Token token, BufferClass buffers) override;
  void recycle(const Completion& received) override;
  void poll(Slot slot, Interest interest, Token token) override;
  void send(Slot slot, std::span<const std::byte> bytes, Token token) override;
  void shutdown_write(Slot slot) override { ::shutdown(at(slot).descriptor, SHUT_WR); }
  void close(Slot slot, std::span<const Token> armed, Token token, bool reset) override;
  void submit(std::vector<Completion>& out) override;
  void wait(TimePoint deadline, std::vector<Completion>& out) override;
  void wake() override { bell_.ring(); }

 private:
  // A connection and what it waits for. Armed in epoll once at a time (EPOLLONESHOT): an idle
  // connection costs no event, and an event never repeats by itself.
  struct Socket {
    int descriptor = -1;
    std::optional<Token> connect, receive, hang_up, writable;
    BufferClass buffers = BufferClass::request;
    bool known = false;    // to epoll
    bool touched = false;  // listed in touched_
    bool armed() const { return connect || receive || hang_up || writable; }
    std::array<std::optional<Token>*, 4> requests() {
      return {&connect, &receive, &hang_up, &writable};
    }
  };
  struct Listener {
    int descriptor = -1;  // -1: free
    Token token;
  };

  Socket& at(Slot slot) {
    CHECK(slot < sockets_.size(), "slots are below the ring's capacity");
    return sockets_[slot];
  }
  void complete(Token token, std::int32_t result, bool more = false) {
    ready_.push_back({.token = token, .result = result, .more = more, .data = {}, .buffer = 0});
  }
  void place(Slot slot, int descriptor);
  void end_connect(Socket& socket, std::int32_t result);
  void touch(Slot slot);
  void arm_touched();
  void arm(Slot slot);
  void try_receive(Socket& socket);
  void collect(int timeout_ms);
  void collect_socket(Slot slot, std::uint32_t events);
  void collect_accepts(std::uint64_t index);
  void end_accept(Listener& listener, std::int32_t result);
  void deliver(std::vector<Completion>& out);

  Descriptor epoll_;
  Doorbell bell_;
  std::array<std::optional<EpollBuffers>, 2> pools_;  // by BufferClass
  std::vector<Socket> sockets_;
  std::vector<Listener> listeners_;
  std::vector<Slot> touched_;      // to be tried and armed at the next submit
  std::vector<Completion> ready_;  // for the caller, at the next submit
};

std::optional<Problem> Epoll::open(const RingOptions& options) {
  epoll_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_ || bell_.descriptor() < 0) return system_problem("cannot set epoll up", errno);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kBell}};
  if (::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, bell_.descriptor(), &event) != 0) {
    return system_problem("cannot set epoll up", errno);
  }
  std::uint32_t pool = 0;
  for (const BufferPoolOptions& wanted : {options.request, options.ingest}) {
    if (wanted.count > 0 && !pools_[pool].emplace(wanted, pool).valid()) {
      return system_problem("no memory for receive buffers", ENOMEM);
    }
    ++pool;
  }
  sockets_.resize(options.slots);
  return std::nullopt;
}

Epoll::~Epoll() {
  for (const Socket& socket : sockets_) {
    if (socket.descriptor >= 0) ::close(socket.descriptor);
  }
}

void Epoll::accept(int listener, Token token) {
  ::fcntl(listener, F_SETFL, ::fcntl(listener, F_GETFL) | O_NONBLOCK);
  auto place = std::ranges::find(listeners_, -1, &Listener::descriptor);
  if (place == listeners_.end()) place = listeners_.insert(place, Listener{});
  *place = {.descriptor = listener, .token = token};
  const auto index = static_cast<std::uint64_t>(place - listeners_.begin());
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kListener | index}};
  if (::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, listener, &event) != 0) {
    end_accept(*place, -errno);
  }
}

void Epoll::cancel_accept(Token token) {
  for (Listener& listener : listeners_) {
    if (listener.descriptor >= 0 && listener.token == token) end_accept(listener, -ECANCELED);
  }
}

void Epoll::end_accept(Listener& listener, std::int32_t result) {
  ::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, listener.descriptor, nullptr);
  listener.descriptor = -1;
  complete(listener.token, result);
}

void Epoll::place(Slot slot, int descriptor) {
  Socket& socket = at(slot);
  CHECK(socket.descriptor < 0, "the slot is free");
  socket = Socket{.descriptor = descriptor,
                  .connect = {},
                  .receive = {},
                  .hang_up = {},
                  .writable = {},
                  .touched = socket.touched};
}

bool Epoll::adopt(int descriptor, Slot slot) {
  place(slot, descriptor);
  return true;
}

void Epoll::connect(Slot slot, const PeerAddress& address, Token token) {
  Connecting connecting = begin_connect(address);
  place(slot, connecting.socket.release());
  if (connecting.result != -EINPROGRESS) {
    complete(token, connecting.result);
    return;
  }
  at(slot).connect = token;
  touch(slot);
}

// Without success the slot is free again.
void Epoll::end_connect(Socket& socket, std::int32_t result) {
  complete(*std::exchange(socket.connect, std::nullopt), result);
  if (result == 0) return;
  ::close(std::exchange(socket.descriptor, -1));
  socket.known = false;
}

int Epoll::lend(Slot slot) {
  const int copy = ::fcntl(at(slot).descriptor, F_DUPFD_CLOEXEC, 0);
  return copy < 0 ? -errno : copy;
}

void Epoll::receive(Slot slot, Token token, BufferClass buffers) {
  Socket& socket = at(slot);
  CHECK(pools_[std::to_underlying(buffers)].has_value(),
        "receives draw from a pool the ring was made with");
  CHECK(!socket.receive, "one receive is armed per slot");
  socket.receive = token;
  socket.buffers = buffers;
  touch(slot);
}

void Epoll::recycle(const Completion& received) {
  pools_[received.buffer / EpollBuffers::kNamesPerPool]->recycle(received.buffer);
}

void Epoll::poll(Slot slot, Interest interest, Token token) {
  Socket& socket = at(slot);
  std::optional<Token>& place = interest == Interest::writable ? socket.writable : socket.hang_up;
  CHECK(!place, "one poll of a kind is armed per slot");
  place = token;
  touch(slot);
}

void Epoll::send(Slot slot, std::span<const std::byte> bytes, Token token) {
  const ssize_t sent =
      ::send(at(slot).descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) {
    complete(token, -errno);
  } else if (static_cast<std::size_t>(sent) < bytes.size()) {
    complete(token, static_cast<std::int32_t>(sent));
  }
}

void Epoll::close(Slot slot, std::span<const Token> /*armed*/, Token token, bool reset) {
  Socket& socket = at(slot);
  for (std::optional<Token>* armed : socket.requests()) {
    if (*armed) complete(**armed, -ECANCELED);
    armed->reset();
  }
  if (reset) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket.descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  // What another process was lent would be watched for as long as that has it.
  if (socket.known) ::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, socket.descriptor, nullptr);
  ::close(std::exchange(socket.descriptor, -1));
  socket.known = false;
  complete(token, 0);
}

void Epoll::submit(std::vector<Completion>& out) {
  arm_touched();
  collect(0);
  deliver(out);
}

void Epoll::wait(TimePoint deadline, std::vector<Completion>& out) {
  arm_touched();
  const Duration left = deadline - now();
  if (!ready_.empty() || left <= Duration(0) || !bell_.about_to_sleep()) {
    collect(0);
  } else {
    constexpr Duration kLongest = 1h;  // a longer wait returns early, as after a wake()
    const auto milliseconds =
        std::chrono::ceil<std::chrono::milliseconds>(std::min(left, kLongest)).count();
    collect(static_cast<int>(milliseconds));
    bell_.woke();
  }
  deliver(out);
}

void Epoll::touch(Slot slot) {
  if (std::exchange(at(slot).touched, true)) return;
  touched_.push_back(slot);
}

void Epoll::arm_touched() {
  for (const Slot slot : touched_) {
    Socket& socket = at(slot);
    socket.touched = false;
    if (socket.receive) try_receive(socket);
    if (socket.armed()) arm(slot);
  }
  touched_.clear();
}

// Arming checks the socket's state again, so that a condition that already holds is reported at
// once.
void Epoll::arm(Slot slot) {
  Socket& socket = at(slot);
  epoll_event event{.events = EPOLLONESHOT, .data = {.u64 = slot}};
  if (socket.hang_up) event.events |= EPOLLRDHUP;
  if (socket.receive) event.events |= EPOLLIN;
  if (socket.writable || socket.connect) event.events |= EPOLLOUT;
  const int operation = socket.known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (::epoll_ctl(epoll_.number(), operation, socket.descriptor, &event) == 0) {
    socket.known = true;
    return;
  }
  const int error = errno;
  if (socket.connect) return end_connect(socket, -error);
  for (std::optional<Token>* armed : socket.requests()) {
    if (*armed) complete(**armed, -error);
    armed->reset();
  }
}

void Epoll::try_receive(Socket& socket) {
  EpollBuffers& pool = *pools_[std::to_underlying(socket.buffers)];
  Completion completion{
      .token = *socket.receive, .result = -ENOBUFS, .more = false, .data = {}, .buffer = 0};
  if (!pool.empty()) {
    const std::span<std::byte> buffer = pool.next();
    const ssize_t received = ::recv(socket.descriptor, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
    completion.result = received < 0 ? -errno : static_cast<std::int32_t>(received);
    if (received > 0) {
      completion.data = buffer.first(static_cast<std::size_t>(received));
      completion.buffer = pool.take();
    }
  }
  socket.receive.reset();
  ready_.push_back(completion);
}

void Epoll::collect(int timeout_ms) {
  std::array<epoll_event, 256> events;
  const int count =
      ::epoll_wait(epoll_.number(), events.data(), static_cast<int>(events.size()), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t about = events[static_cast<std::size_t>(i)].data.u64;
    if (about == kBell) {
      std::uint64_t rings = 0;
      [[maybe_unused]] const auto size = ::read(bell_.descriptor(), &rings, sizeof rings);
    } else if ((about & kListener) != 0) {
      collect_accepts(about & ~kListener);
    } else {
      collect_socket(static_cast<Slot>(about), events[static_cast<std::size_t>(i)].events);
    }
  }
}

void Epoll::collect_socket(Slot slot, std::uint32_t events) {
  Socket& socket = at(slot);
  const bool hung_up = (events & kHangUp) != 0;
  if (socket.connect && (events & (EPOLLOUT | kBroken)) != 0) {
    end_connect(socket, connect_result(socket.descriptor));
  }
  if (socket.receive && (hung_up || (events & EPOLLIN) != 0)) try_receive(socket);
  if (socket.hang_up && hung_up) {
    complete(*std::exchange(socket.hang_up, std::nullopt), static_cast<std::int32_t>(events));
  }
  if (socket.writable && (events & (EPOLLOUT | kBroken)) != 0) {
    complete(*std::exchange(socket.writable, std::nullopt), static_cast<std::int32_t>(events));
  }
  if (socket.armed()) touch(slot);
}

void Epoll::collect_accepts(std::uint64_t index) {
  Listener& listener = listeners_[index];
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    const int descriptor = ::accept4(listener.descriptor, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (descriptor < 0) {
      end_accept(listener, -errno);
      return;
    }
    complete(listener.token, descriptor, /*more=*/true);
  }
}

void Epoll::deliver(std::vector<Completion>& out) {
  out.insert(out.end(), ready_.begin(), ready_.end());
  ready_.clear();
}

}  // namespace

std::expected<std::unique_ptr<Ring>, Problem> make_epoll(const RingOptions& options) {
  auto ring = std::make_unique<Epoll>();
  if (auto problem = ring->open(options)) return std::unexpected(*std::move(problem));
  return ring;
}

}  // namespace fanfare::io
