// Socket: one end of a simulated connection. What one end sends is on its way for a while, arrives
// whole or in pieces, and fills the other end until it is read; a full connection takes no more.
//
//   incoming_:   | read already | arrived: receive() gives it | on its way |
//                0            read_                        arrived_      size
//
// Ends as TCP does: FIN is seen after the last byte; close() with unread bytes, or with `reset`,
// sends RST, which may overtake bytes that are still on their way and destroys them; sending to an
// end that is closed succeeds once and earns an RST; an error is told once, after that sends give
// -EPIPE and receives 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "tests/sim/agenda.h"

#include "common/ip_address.h"

namespace fanfare::sim {

class Kernel;
class Socket;

// Told that something about the socket may have changed: bytes, room, FIN or an error.
class SocketOwner {
 public:
  virtual ~SocketOwner() = default;
  virtual void changed(Socket& socket) = 0;
};

class Socket final : public Actor {
 public:
  // Kernel::connect() makes pairs.
  Socket(Kernel& kernel, std::uint64_t serial, std::size_t capacity)
      : kernel_(kernel), serial_(serial), capacity_(capacity) {}
  static void join(Socket& a, Socket& b);

  // Results as the system calls': bytes, or a negated errno. send(): n < size is a short send.
  int send(std::span<const std::byte> bytes);
  // 0: the peer's FIN.
  int receive(std::span<std::byte> into);
  void shutdown_write();
  void close(bool reset);

  bool readable() const;  // receive() would not give -EAGAIN
  bool writable() const;  // a third of the buffer is free, or an error waits
  bool hung_up() const;   // FIN or an error has arrived
  bool failed() const { return error_ != 0 || broken_; }
  bool closed() const { return closed_; }
  // Its network is down, and it does not know yet.
  bool in_the_dark() const { return dark_ && !closed_ && !failed(); }
  // Bytes that have arrived and were not read.
  std::size_t arrived() const { return arrived_ - read_; }

  // The same for both ends, for traces.
  std::uint64_t serial() const { return serial_; }
  // What the other end is told of this one's address; none: one of a few is made up.
  void come_from(const IpAddress& address) { address_ = address; }
  const std::optional<IpAddress>& peer_address() const { return other_->address_; }
  // `tag` is the owner's own number for this socket.
  void set_owner(SocketOwner* owner, std::uint32_t tag);
  std::uint32_t tag() const { return tag_; }

  void act(std::uint64_t what) override;

 private:
  enum What : std::uint64_t { bytes_arrive, reset_arrives, times_out, room_appears };

  void arrive();
  void maybe_fault();
  void fail_with(int error);
  void expect_bytes();
  void expect_reset();  // an RST is on its way to this end
  void tell_owner();
  std::size_t unread() const { return incoming_.size() - read_; }

  Kernel& kernel_;
  std::uint64_t serial_;
  std::size_t capacity_;  // of what comes in
  Socket* other_ = nullptr;
  SocketOwner* owner_ = nullptr;
  std::uint32_t tag_ = 0;
  std::optional<IpAddress> address_;

  std::string incoming_;
  std::size_t read_ = 0;
  std::size_t arrived_ = 0;
  bool bytes_expected_ = false;  // an arrival is on the agenda
  bool room_expected_ = false;
  bool fin_coming_ = false;  // the other end will send no more
  bool fin_arrived_ = false;
  bool fin_sent_ = false;
  bool closed_ = false;
  bool dark_ = false;    // nothing passes any more, in either direction
  int error_ = 0;        // to be told once
  bool broken_ = false;  // it was told
};

}  // namespace fanfare::sim
