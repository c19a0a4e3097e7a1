// Ring: the seam between a shard and the kernel. A dozen verbs; behind them io_uring (io/uring),
// epoll (io/epoll, where io_uring is forbidden) or, in tests, a kernel made of a seeded random
// generator (tests/sim). Nothing above this line knows which.
//
// A Ring belongs to one thread. Sockets are named by their Slot: an index into the ring's table of
// descriptors, chosen by the caller (slot = index of the connection). Every request carries a
// Token, which comes back in its Completion; a token is a handle {kind, generation, index}, never a
// pointer. No verb calls back: wait() and submit() append completions to a list of the caller's.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/time.h"

namespace fanfare::io {

// What a completion is about: `kind` is the caller's own numbering (0..254; 255 marks what a ring
// asks for itself), `generation` guards a reused index. Packed into io_uring's 64-bit user_data as
// kind:8 | generation:24 | index:32. Requests that are armed at the same time have distinct tokens.
struct Token {
  std::uint8_t kind = 0;
  std::uint32_t generation = 0;  // below 2^24
  std::uint32_t index = 0;

  constexpr std::uint64_t pack() const {
    return (std::uint64_t{kind} << 56U) | (std::uint64_t{generation} << 32U) | index;
  }
  static constexpr Token unpack(std::uint64_t bits) {
    return {.kind = static_cast<std::uint8_t>(bits >> 56U),
            .generation = static_cast<std::uint32_t>((bits >> 32U) & 0xffffffU),
            .index = static_cast<std::uint32_t>(bits)};
  }
  friend constexpr bool operator==(Token, Token) = default;
};

// Index of a socket in this ring's table, below Ring::capacity().
using Slot = std::uint32_t;

// What the kernel gives back. `result` is as io_uring reports it: >= 0 or a negated errno; of a
// poll, the poll(2) events that were true.
struct Completion {
  Token token;
  std::int32_t result = 0;
  // Multishot requests (accept) stay armed while this is set; otherwise the caller re-arms.
  bool more = false;
  // receive(): the bytes, the caller's until recycle(). Empty with result 0 = the peer's FIN.
  std::span<const std::byte> data;
  std::uint32_t buffer = 0;  // the ring's own name for the bytes
};

// Which of the ring's pools of receive buffers a receive draws from. A buffer is taken only once
// bytes have come, so an armed receive costs none.
enum class BufferClass : std::uint8_t {
  request,  // small: heads of requests
  ingest,   // large: what publishers pour in
};

// poll(): what to wait for. A hang-up (RST, error) always completes it too.
enum class Interest : std::uint8_t {
  hang_up,   // FIN: what an idle subscriber keeps armed
  writable,  // room in the send buffer. A FIN may complete it as well (io_uring has no way to ask
             // otherwise), without POLLOUT in the result: a peer that has sent its FIN may still be
             // reading, slowly. Then call again a little later, since it would complete at once.
};

// Where a socket is connected to: the peer of an accepted one, or what to connect to.
struct PeerAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

// What the kernel knows of a TCP connection, for operators who look at it.
struct TcpFigures {
  std::uint32_t rtt_us = 0;             // smoothed
  std::uint32_t unacked_segments = 0;   // sent and not acknowledged
  std::uint32_t retransmits_total = 0;  // segments
  std::uint64_t unacked_bytes = 0;      // in the socket: not acknowledged, or not sent yet
  std::uint64_t unsent_bytes = 0;       // of these
  std::uint64_t sent_bytes_total = 0;   // since it began; what was sent again counts again
  friend bool operator==(const TcpFigures&, const TcpFigures&) = default;
};

class Ring {
 public:
  // Closes whatever is open. No wake() may come any more. Best called on the ring's own thread.
  virtual ~Ring() = default;
  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // "io_uring", "epoll", "simulated".
  virtual std::string_view name() const = 0;
  // How many slots the table has. Fixed at creation.
  virtual std::uint32_t capacity() const = 0;
  // The clock, read anew at each call.
  virtual TimePoint now() const = 0;

  // Multishot accept on a listening descriptor. Each completion's result is a transient descriptor
  // (to be given to adopt() or refuse()), or a negated errno. Re-arm when `more` is not set; after
  // -EMFILE, -ENFILE or -ENOMEM a little later, since it would fail again at once. On a socket that
  // may be shared (io/socket.h) several rings may accept at a time: each connection goes to one of
  // them, and all get some.
  virtual void accept(int listener, Token token) = 0;
  // Ends the accept with that token; it completes once more with -ECANCELED and without `more`.
  virtual void cancel_accept(Token token) = 0;
  // Starts no new TCP handshake: connections whose handshake has begun are still completed and
  // accepted; a later one gets no answer, or is refused. To be called some time before
  // stop_listening(), whether or not an accept is armed (io/socket.h has the details).
  virtual void hold_handshakes(int listener) = 0;
  // To be called when the accept on it has ended. After it, connections are refused. Connections
  // that wait to be accepted are appended to `waiting`, in the form in which accept() would have
  // given them.
  virtual void stop_listening(int listener, std::vector<int>& waiting) = 0;
  // Puts an accepted descriptor into the table at `slot` (which must be free) and forgets the
  // descriptor. False (with the descriptor closed) if the kernel refuses.
  virtual bool adopt(int descriptor, Slot slot) = 0;
  // Closes an accepted descriptor unserved. `farewell` is sent before, as far as the socket takes
  // it at once. (It reaches the peer of a Unix socket whatever that has sent meanwhile; over TCP, a
  // reset could overtake it.)
  virtual void refuse(int descriptor, std::string_view farewell = {}) = 0;
  // The peer of an accepted, not yet adopted descriptor. Size 0 for Unix sockets or when it is
  // gone.
  virtual PeerAddress peer_of(int descriptor) = 0;

  // Asked now: some 3 us. Nothing: it is no TCP connection, or the kernel does not say (io_uring
  // before Linux 6.8). Not between a send() and the submit() that follows it.
  virtual std::optional<TcpFigures> tcp_figures(Slot /*slot*/) { return std::nullopt; }

  // Opens a stream socket to `address` (TCP, or a Unix path) in `slot`, which must be free. Never
  // blocks, and has no time-out of its own: close() ends it early. Completes once. 0: connected,
  // and the socket is used like an adopted one from then on. A negated errno: the slot is free
  // again. (-EAGAIN: the backlog of a Unix socket is full.)
  virtual void connect(Slot slot, const PeerAddress& address, Token token) = 0;

  // Another descriptor of the connection in `slot`, the caller's, for another process: what it does
  // there is done to the same connection, which goes on when this ring closes the slot. Without a
  // completion. A negated errno: there is none (-EOPNOTSUPP where the kernel, or what the slot
  // speaks, has no way).
  virtual int lend(Slot slot) = 0;

  // One-shot receive; the completion carries the bytes. -ENOBUFS: no buffer was free; recycle, then
  // call again. At most one receive, one hang-up poll and one writable poll are armed per slot.
  virtual void receive(Slot slot, Token token, BufferClass buffers = BufferClass::request) = 0;
  // Gives a received buffer back; every completion with non-empty data is recycled exactly once,
  // also when it is about a connection that is gone.
  virtual void recycle(const Completion& received) = 0;
  // One-shot poll.
  virtual void poll(Slot slot, Interest interest, Token token) = 0;
  // Quiet send: tries once, now (at the latest in submit()), without blocking. Complete success is
  // silent: no completion, and the bytes may be reused as soon as submit() has returned. Anything
  // else completes within the same submit(): 0 <= result < size for a short send, a negated errno
  // otherwise (-EAGAIN: nothing fitted). Never two sends to one slot between two submit()s.
  virtual void send(Slot slot, std::span<const std::byte> bytes, Token token) = 0;
  // Half-close: FIN after what was sent. Silent.
  virtual void shutdown_write(Slot slot) = 0;
  // Cancels whatever is armed on the slot (each completes with -ECANCELED or with what it already
  // had, as a rule before the close does) and closes. The slot may be adopted into again once a
  // completion with this token has arrived. `armed` names the tokens of every receive, poll and
  // connect that has not completed yet. With `reset`, a TCP peer gets RST instead of FIN and what
  // was not sent yet is dropped.
  virtual void close(Slot slot, std::span<const Token> armed, Token token, bool reset = false) = 0;

  // Hands everything queued to the kernel, runs what can run, and appends the completions that are
  // there to `out`, without waiting.
  virtual void submit(std::vector<Completion>& out) = 0;
  // The same, but waits until there is a completion, a wake(), or the deadline has passed.
  virtual void wait(TimePoint deadline, std::vector<Completion>& out) = 0;
  // Makes a wait() of this ring (a current one or the next) return soon. The one verb that any
  // thread, and a signal handler, may call.
  virtual void wake() = 0;
};

}  // namespace fanfare::io
