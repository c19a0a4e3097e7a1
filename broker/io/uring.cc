#include "broker/io/uring.h"

#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "broker/io/address.h"
#include "broker/io/connect.h"
#include "broker/io/doorbell.h"
#include "broker/io/probe.h"
#include "broker/io/socket.h"
#include "broker/io/tcp_figures.h"
#include "broker/io/uring_buffers.h"
#include "broker/io/uring_setup.h"

#include "common/check.h"
#include "common/log.h"

namespace fanfare::io {
namespace {

// Tokens of the ring's own requests; their completions never reach the caller.
constexpr std::uint8_t kOwnKind = 255;
constexpr std::uint64_t kBell = Token{.kind = kOwnKind, .generation = 0, .index = 0}.pack();
constexpr std::uint64_t kIgnored = Token{.kind = kOwnKind, .generation = 0, .index = 1}.pack();
// Generations of those that are about a slot, which is their index.
constexpr std::uint32_t kHalfClose = 1;
constexpr std::uint32_t kConnected = 2;
constexpr std::uint32_t kInstalled = 3;

// IORING_OP_FIXED_FD_INSTALL (Linux 6.8), which liburing 2.3 has no name for: a descriptor for what
// lies in the table.
constexpr int kFixedFdInstall = 54;

// MSG_WAITALL makes a short send a failure, and only failures break the silence of
// CQE_SKIP_SUCCESS: without it the rest of a short send would be lost unnoticed. MSG_DONTWAIT
// leaves nothing pending behind.
constexpr int kQuietSend = MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL;

constexpr short kHangUp = POLLRDHUP | POLLHUP | POLLERR;

class Uring final : public Ring {
 public:
  Uring() = default;
  ~Uring() override;
  // 0 or a Problem; called once, before anything else.
  std::optional<Problem> open(const RingOptions& options);

  std::string_view name() const override { return "io_uring"; }
  std::uint32_t capacity() const override { return slots_; }
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
  std::optional<TcpFigures> tcp_figures(Slot slot) override;
  void connect(Slot slot, const PeerAddress& address, Token token) override;
  int lend(Slot slot) override { return install(slot); }
  void receive(Slot slot, Token token, BufferClass buffers) override;
  void recycle(const Completion& received) override;
  void poll(Slot slot, Interest interest, Token token) override;
  void send(Slot slot, std::span<const std::byte> bytes, Token token) override;
  void shutdown_write(Slot slot) override;
  void close(Slot slot, std::span<const Token> armed, Token token, bool reset) override;
  void submit(std::vector<Completion>& out) override;
  void wait(TimePoint deadline, std::vector<Completion>& out) override;
  void wake() override { bell_.ring(); }

 private:
  // A place in the submission queue, after making room if it is full.
  io_uring_sqe& queued();
  // Makes room for `count` requests that must reach the kernel together (a chain of links).
  void reserve(std::uint32_t count);
  // Hands the queue to the kernel until it is empty, collecting completions meanwhile.
  void enter(std::vector<Completion>& out);
  void collect(std::vector<Completion>& out);
  void collect(const io_uring_cqe& from, std::vector<Completion>& out);
  void take_held(std::vector<Completion>& out);
  void arm_bell();
  // A close as it was asked for.
  struct Closing {
    std::array<Token, 3> armed;
    std::size_t armed_count;
    Token token;
    bool reset;
  };
  void queue_close(Slot slot, std::span<const Token> armed, Token token, bool reset);
  void half_closed(Slot slot);
  // A connect on its way, in a descriptor that is not in the table yet.
  struct Dialled {
    Descriptor socket;
    Token token;
    std::optional<Token> close;  // it was closed before it was known what became of it
  };
  std::int32_t into_table(Slot slot, Descriptor socket);
  std::int32_t install(Slot slot);
  void connected(Slot slot, std::vector<Completion>& out);
  void queue_due_closes();
  // The pool that gave out a buffer, and so named it.
  UringBuffers& pool_of(std::uint32_t buffer) {
    return *pools_[buffer / UringBuffers::kNamesPerGroup];
  }

  std::array<std::optional<UringBuffers>, 2> pools_;  // by BufferClass; they outlive the ring
  Doorbell bell_;
  std::uint64_t bell_count_ = 0;  // what the read of the bell fills in
  bool bell_armed_ = false;
  bool open_ = false;
  std::thread::id owner_ = std::this_thread::get_id();
  std::uint32_t slots_ = 0;
  io_uring ring_{};
  // Half-closes that the kernel has not done yet, each with the close that waits for it, if any.
  std::unordered_map<Slot, std::optional<Closing>> half_closing_;
  std::vector<std::pair<Slot, Closing>> closes_due_;  // their wait is over
  std::unordered_map<Slot, Dialled> dialled_;
  // The descriptor that install() waits for, or its negated errno.
  std::optional<std::int32_t> installed_;
  bool installs_ = true;  // false: this kernel does not know how
  // Completions met while making room in the queue, for the next submit() or wait().
  std::vector<Completion> held_;
};

std::optional<Problem> Uring::open(const RingOptions& options) {
  if (bell_.descriptor() < 0) return system_problem("cannot make an eventfd", errno);
  if (const int error = set_up_uring(ring_, options.submissions, options.completions); error < 0) {
    return setup_problem(-error, Surroundings::read());
  }
  open_ = true;
  if (const int error = register_table(ring_, options.slots); error < 0) {
    return table_problem(-error, options.slots, Surroundings::read());
  }
  slots_ = options.slots;
  std::uint16_t group = 0;
  for (const BufferPoolOptions& wanted : {options.request, options.ingest}) {
    if (wanted.count > 0) {
      const int error = pools_[group].emplace(wanted, group).register_with(ring_);
      if (error < 0) return system_problem("cannot register io_uring's receive buffers", -error);
    }
    ++group;
  }
  arm_bell();
  return std::nullopt;
}

// On its own thread a ring ends at once. Another one may not enter it (and must not try: the number
// under which a ring is registered means another ring there), so that the kernel takes it apart
// some time later; ports stay taken until then.
Uring::~Uring() {
  if (!open_) return;
  if (owner_ == std::this_thread::get_id()) {
    io_uring_sync_cancel_reg everything{};
    everything.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
    everything.timeout = {.tv_sec = 1, .tv_nsec = 0};
    static_cast<void>(io_uring_register_sync_cancel(&ring_, &everything));
    static_cast<void>(io_uring_get_events(&ring_));  // runs what was cancelled to its end
    static_cast<void>(io_uring_unregister_files(&ring_));
  }
  io_uring_queue_exit(&ring_);
}

// Where several rings accept on one socket, the kernel wakes the one that has waited longest, and a
// multishot accept would be that for ever: it would get all connections.
void Uring::accept(int listener, Token token) {
  io_uring_sqe& request = queued();
  if (may_be_shared(listener)) {
    io_uring_prep_accept(&request, listener, nullptr, nullptr, SOCK_CLOEXEC);
  } else {
    io_uring_prep_multishot_accept(&request, listener, nullptr, nullptr, SOCK_CLOEXEC);
  }
  request.user_data = token.pack();
}

void Uring::cancel_accept(Token token) {
  io_uring_sqe& request = queued();
  io_uring_prep_cancel64(&request, token.pack(), 0);
  request.flags |= IOSQE_CQE_SKIP_SUCCESS;
  request.user_data = kIgnored;
}

bool Uring::adopt(int descriptor, Slot slot) {
  CHECK(slot < slots_, "slots are below the ring's capacity");
  return into_table(slot, Descriptor(descriptor)) == 0;
}

std::int32_t Uring::into_table(Slot slot, Descriptor socket) {
  int descriptor = socket.number();
  const int updated = io_uring_register_files_update(&ring_, slot, &descriptor, 1);
  if (updated == 1) return 0;
  return updated < 0 ? updated : -ENFILE;
}

// What lies in the table gets a descriptor as well, or the result is a negated errno. It is done at
// once.
std::int32_t Uring::install(Slot slot) {
  CHECK(slot < slots_, "slots are below the ring's capacity");
  if (!installs_) return -EOPNOTSUPP;
  io_uring_sqe& request = queued();
  io_uring_prep_rw(kFixedFdInstall, &request, static_cast<int>(slot), nullptr, 0, 0);
  request.flags |= IOSQE_FIXED_FILE;
  request.user_data = Token{.kind = kOwnKind, .generation = kInstalled, .index = slot}.pack();
  // Should one have come late, it goes here.
  if (const auto late = std::exchange(installed_, std::nullopt); late && *late >= 0) ::close(*late);
  enter(held_);
  const std::int32_t result = std::exchange(installed_, std::nullopt).value_or(-EAGAIN);
  if (result != -EINVAL) return result;
  installs_ = false;
  return -EOPNOTSUPP;
}

// A socket in the table cannot be asked: it is given a descriptor for a moment.
std::optional<TcpFigures> Uring::tcp_figures(Slot slot) {
  const std::int32_t result = install(slot);
  if (result < 0) return std::nullopt;
  const Descriptor descriptor(result);
  return tcp_figures_of(descriptor.number());
}

void Uring::connect(Slot slot, const PeerAddress& address, Token token) {
  CHECK(slot < slots_, "slots are below the ring's capacity");
  Connecting connecting = begin_connect(address);
  if (connecting.result != -EINPROGRESS) {
    const std::int32_t result =
        connecting.result == 0 ? into_table(slot, std::move(connecting.socket)) : connecting.result;
    held_.push_back({.token = token, .result = result, .more = false, .data = {}, .buffer = 0});
    return;
  }
  io_uring_sqe& request = queued();
  io_uring_prep_poll_add(&request, connecting.socket.number(), POLLOUT);
  request.user_data = Token{.kind = kOwnKind, .generation = kConnected, .index = slot}.pack();
  dialled_.emplace(slot, Dialled{std::move(connecting.socket), token, std::nullopt});
}

// It is known what became of it, or it was cancelled by a close.
void Uring::connected(Slot slot, std::vector<Completion>& out) {
  auto found = dialled_.extract(slot);
  CHECK(!found.empty(), "a connect completes once");
  Dialled& dialled = found.mapped();
  std::int32_t result = -ECANCELED;
  if (!dialled.close) {
    result = connect_result(dialled.socket.number());
    if (result == 0) result = into_table(slot, std::move(dialled.socket));
  }
  out.push_back({.token = dialled.token, .result = result, .more = false, .data = {}, .buffer = 0});
  if (!dialled.close) return;
  out.push_back({.token = *dialled.close, .result = 0, .more = false, .data = {}, .buffer = 0});
}

void Uring::receive(Slot slot, Token token, BufferClass buffers) {
  const auto group = std::to_underlying(buffers);
  CHECK(pools_[group].has_value(), "receives draw from a pool the ring was made with");
  io_uring_sqe& request = queued();
  io_uring_prep_recv(&request, static_cast<int>(slot), nullptr, 0, 0);
  request.flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
  request.buf_group = group;
  request.user_data = token.pack();
}

void Uring::recycle(const Completion& received) {
  pool_of(received.buffer).recycle(received.buffer);
}

void Uring::poll(Slot slot, Interest interest, Token token) {
  io_uring_sqe& request = queued();
  const short events = interest == Interest::writable ? kHangUp | POLLOUT : kHangUp;
  io_uring_prep_poll_add(&request, static_cast<int>(slot), static_cast<unsigned>(events));
  request.flags |= IOSQE_FIXED_FILE;
  request.user_data = token.pack();
}

void Uring::send(Slot slot, std::span<const std::byte> bytes, Token token) {
  io_uring_sqe& request = queued();
  io_uring_prep_send(&request, static_cast<int>(slot), bytes.data(), bytes.size(), kQuietSend);
  request.flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
  request.user_data = token.pack();
}

// Runs on a kernel worker, not inline (only lingering closes ask for it), and the worker looks the
// slot up when it gets there. So the slot must not be given away before: a close waits for it.
void Uring::shutdown_write(Slot slot) {
  io_uring_sqe& request = queued();
  io_uring_prep_shutdown(&request, static_cast<int>(slot), SHUT_WR);
  request.flags |= IOSQE_FIXED_FILE;
  request.user_data = Token{.kind = kOwnKind, .generation = kHalfClose, .index = slot}.pack();
  half_closing_.try_emplace(slot);
}

void Uring::close(Slot slot, std::span<const Token> armed, Token token, bool reset) {
  if (const auto dialled = dialled_.find(slot); dialled != dialled_.end()) {
    dialled->second.close = token;
    io_uring_sqe& request = queued();
    io_uring_prep_cancel64(
        &request, Token{.kind = kOwnKind, .generation = kConnected, .index = slot}.pack(), 0);
    request.flags |= IOSQE_CQE_SKIP_SUCCESS;
    request.user_data = kIgnored;
    return;
  }
  const auto half_closing = half_closing_.find(slot);
  if (half_closing == half_closing_.end()) {
    queue_close(slot, armed, token, reset);
    return;
  }
  Closing closing{.armed = {}, .armed_count = armed.size(), .token = token, .reset = reset};
  CHECK(armed.size() <= closing.armed.size(), "a slot has one receive and two polls at most");
  std::ranges::copy(armed, closing.armed.begin());
  half_closing->second = closing;
}

// A worker has done it, or found nothing to do. Called while completions are collected, when
// nothing may be queued.
void Uring::half_closed(Slot slot) {
  const auto found = half_closing_.find(slot);
  CHECK(found != half_closing_.end(), "a half-close completes once");
  if (found->second) closes_due_.emplace_back(slot, *found->second);
  half_closing_.erase(found);
}

void Uring::queue_due_closes() {
  // Queueing may first make room, which collects completions, which may add more closes.
  for (std::size_t i = 0; i < closes_due_.size(); ++i) {
    const auto [slot, closing] = closes_due_[i];
    queue_close(slot, std::span(closing.armed.data(), closing.armed_count), closing.token,
                closing.reset);
  }
  closes_due_.clear();
}

// cancel ─ cancel ─ [disconnect] ─ close, hard-linked: each runs when the one before has ended,
// well or not. An armed request holds the file, so that without the cancels no FIN would be sent.
//
// SO_LINGER cannot be set on a descriptor that lives only in the table before Linux 6.7, but
// connecting a TCP socket to AF_UNSPEC dissolves its connection with an RST and drops what is
// unsent (connect(2)). On a Unix socket that is an error, which is ignored.
void Uring::queue_close(Slot slot, std::span<const Token> armed, Token token, bool reset) {
  constexpr unsigned kLinked = IOSQE_IO_HARDLINK | IOSQE_CQE_SKIP_SUCCESS;
  static const sockaddr kNobody{.sa_family = AF_UNSPEC, .sa_data = {}};
  reserve(static_cast<std::uint32_t>(armed.size()) + 2);
  for (const Token& cancelled : armed) {
    io_uring_sqe& request = queued();
    io_uring_prep_cancel64(&request, cancelled.pack(), 0);
    request.flags |= kLinked;
    request.user_data = kIgnored;
  }
  if (reset) {
    io_uring_sqe& request = queued();
    io_uring_prep_connect(&request, static_cast<int>(slot), &kNobody, sizeof kNobody);
    request.flags |= kLinked | IOSQE_FIXED_FILE;
    request.user_data = kIgnored;
  }
  io_uring_sqe& request = queued();
  io_uring_prep_close_direct(&request, slot);
  request.user_data = token.pack();
}

void Uring::submit(std::vector<Completion>& out) {
  queue_due_closes();
  take_held(out);
  enter(out);
}

void Uring::wait(TimePoint deadline, std::vector<Completion>& out) {
  queue_due_closes();
  const Duration left = deadline - now();
  if (!held_.empty() || left <= Duration(0) || !bell_.about_to_sleep()) {
    submit(out);
    return;
  }
  if (!bell_armed_) arm_bell();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  __kernel_timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
  io_uring_cqe* first = nullptr;
  // Whatever it answers (a time-out, a signal, a full queue), the rest is handled below.
  static_cast<void>(
      io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, /*sigmask=*/nullptr));
  bell_.woke();
  collect(out);
  if (io_uring_sq_ready(&ring_) > 0) enter(out);
}

io_uring_sqe& Uring::queued() {
  reserve(1);
  io_uring_sqe* const request = io_uring_get_sqe(&ring_);
  CHECK(request != nullptr, "reserve() has made room");
  return *request;
}

void Uring::reserve(std::uint32_t count) {
  if (io_uring_sq_space_left(&ring_) >= count) return;
  CHECK(count <= *ring_.sq.kring_entries, "a chain is shorter than the submission queue");
  enter(held_);
}

// One entry is the rule. The kernel takes less than everything only when it is out of memory
// (-EAGAIN) or wants the completions collected first (-EBUSY); the sends that are queued must have
// run when this returns, so it tries again.
void Uring::enter(std::vector<Completion>& out) {
  do {
    const int submitted = io_uring_submit_and_get_events(&ring_);
    CHECK(submitted >= 0 || submitted == -EAGAIN || submitted == -EBUSY || submitted == -EINTR ||
              submitted == -EBADR,
          "a ring is used by the thread that made it, and as long as it is open");
    if (submitted == -EBADR) log::error("io_uring: the kernel ran out of memory for completions");
    collect(out);
  } while (io_uring_sq_ready(&ring_) > 0);
}

void Uring::collect(std::vector<Completion>& out) {
  constexpr unsigned kBatch = 128;
  io_uring_cqe* batch[kBatch];
  // The peek also fetches what overflowed into the kernel's list.
  while (const unsigned count = io_uring_peek_batch_cqe(&ring_, batch, kBatch)) {
    for (unsigned i = 0; i < count; ++i) collect(*batch[i], out);
    io_uring_cq_advance(&ring_, count);
  }
}

void Uring::collect(const io_uring_cqe& from, std::vector<Completion>& out) {
  if (from.user_data == kBell) bell_armed_ = false;
  const Token token = Token::unpack(from.user_data);
  if (token.kind == kOwnKind) {
    if (token.generation == kHalfClose) half_closed(token.index);
    if (token.generation == kConnected) connected(token.index, out);
    if (token.generation == kInstalled) installed_ = from.res;
    return;
  }
  Completion completion{.token = token,
                        .result = from.res,
                        .more = (from.flags & IORING_CQE_F_MORE) != 0,
                        .data = {},
                        .buffer = 0};
  if ((from.flags & IORING_CQE_F_BUFFER) != 0) {
    completion.buffer = from.flags >> IORING_CQE_BUFFER_SHIFT;
    UringBuffers& buffers = pool_of(completion.buffer);
    if (from.res > 0) {
      completion.data = buffers.received(completion.buffer, static_cast<std::size_t>(from.res));
    } else {
      buffers.recycle(completion.buffer);
    }
  }
  out.push_back(completion);
}

void Uring::take_held(std::vector<Completion>& out) {
  out.insert(out.end(), held_.begin(), held_.end());
  held_.clear();
}

void Uring::arm_bell() {
  io_uring_sqe& request = queued();
  io_uring_prep_read(&request, bell_.descriptor(), &bell_count_, sizeof bell_count_, 0);
  request.user_data = kBell;
  bell_armed_ = true;
}

}  // namespace

std::expected<std::unique_ptr<Ring>, Problem> make_uring(const RingOptions& options) {
  auto ring = std::make_unique<Uring>();
  if (auto problem = ring->open(options)) return std::unexpected(*std::move(problem));
  return ring;
}

}  // namespace fanfare::io
