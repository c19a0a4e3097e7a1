// TlsRing: a Ring over another one, that speaks TLS on the slots it is asked to, and passes on what
// concerns all others. What is above it (ports, courier, delivery) sends and receives text and
// knows nothing of it. A broker without [listen] https and [publish] listen_tls has none.
//
// A TLS slot begins in clear, for the PROXY protocol; begin() starts the handshake, which goes on
// while the caller asks to receive. From then on receive() completes with text. An idle connection
// costs its Engine and a pointer to it (some 330 bytes), and nothing per event but the sealing.
//
//   send     is sealed into an arena, whose bytes go to the ring below. What a socket takes only in
//            part cannot be sealed again, so the rest stays here (64 KiB at most), and the send is
//            reported short by one byte: its sender has to go on with the same text sooner or
//            later, and that byte is then passed over.
//   receive  completes with -EPROTO if the peer breaks the rules; failure() says how. From then on
//            what comes is of no meaning, and is passed on unread; nothing more can be sent
//            (-EPIPE), in clear least of all.
//   close    says close_notify before the FIN, if all that was sent has gone; nothing if a send has
//            failed, since what was sealed for it is lost. (If that was the protocol's own, the
//            receive completes with the error, and so do further sends.)
//
// Handshakes are done in wait(), for 2 ms at most; the others wait for the next turn, and the ring
// does not sleep meanwhile. Their time-out is up to the caller.
//
// Thread: the shard's.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/io/ring.h"
#include "broker/wire/tls/engine.h"

namespace fanfare::server {

// The kind of client decides how handshakes are made.
enum class Audience : std::uint8_t { subscribers, publishers };
// What connections are made with; null where nothing listens for them.
struct TlsServers {
  std::shared_ptr<const tls::Server> subscribers;
  std::shared_ptr<const tls::Server> publishers;
};

class TlsRing final : public io::Ring {
 public:
  struct Counts {
    std::uint64_t handshakes = 0;  // that succeeded
    std::uint64_t resumed = 0;     // of these, with a ticket
    std::uint64_t deferred = 0;    // times that one had to wait for the next turn
    std::array<std::uint64_t, tls::kFailureCount> failures{};
  };

  // The ring below outlives this.
  TlsRing(io::Ring& below, TlsServers servers) : below_(below), servers_(std::move(servers)) {}
  ~TlsRing() override;

  // Others, for connections that begin from now on; they speak the same protocols. Null: as before.
  void serve(TlsServers servers) {
    if (servers.subscribers) servers_.subscribers = std::move(servers.subscribers);
    if (servers.publishers) servers_.publishers = std::move(servers.publishers);
  }
  // The slot will speak TLS; it has just been adopted, and is in clear.
  void expect(io::Slot slot, Audience audience);
  // It does now, and `first` is what has come already.
  void begin(io::Slot slot, std::string_view first);
  // It will, and has not begun.
  bool is_expected(io::Slot slot) const;
  bool speaks_tls(io::Slot slot) const;
  // What was negotiated by ALPN, once the handshake is over; empty: nothing.
  std::string_view protocol(io::Slot slot) const;
  // The client's certificate, once the handshake is over, or the one for which it has failed. Null:
  // none was asked for.
  std::shared_ptr<const tls::PeerCertificate> peer(io::Slot slot) const;
  // After its receive has completed with -EPROTO.
  tls::Failure failure(io::Slot slot) const;
  const Counts& counts() const { return counts_; }
  // Handshakes that are under way.
  std::uint32_t handshakes() const { return handshakes_; }
  // wait() would not sleep.
  bool work_waiting() const { return !ready_.empty() || !met_.empty() || !later_.empty(); }

  // ---- io::Ring
  std::string_view name() const override { return below_.name(); }
  std::uint32_t capacity() const override { return below_.capacity(); }
  TimePoint now() const override { return below_.now(); }
  void accept(int listener, io::Token token) override { below_.accept(listener, token); }
  void cancel_accept(io::Token token) override { below_.cancel_accept(token); }
  void hold_handshakes(int listener) override { below_.hold_handshakes(listener); }
  void stop_listening(int listener, std::vector<int>& waiting) override {
    below_.stop_listening(listener, waiting);
  }
  bool adopt(int descriptor, io::Slot slot) override { return below_.adopt(descriptor, slot); }
  void refuse(int descriptor, std::string_view farewell) override {
    below_.refuse(descriptor, farewell);
  }
  io::PeerAddress peer_of(int descriptor) override { return below_.peer_of(descriptor); }
  std::optional<io::TcpFigures> tcp_figures(io::Slot slot) override {
    return below_.tcp_figures(slot);
  }
  void connect(io::Slot slot, const io::PeerAddress& address, io::Token token) override {
    below_.connect(slot, address, token);
  }
  // The keys of what speaks TLS stay here.
  int lend(io::Slot slot) override {
    return speaks_tls(slot) || is_expected(slot) ? -EOPNOTSUPP : below_.lend(slot);
  }
  void receive(io::Slot slot, io::Token token, io::BufferClass buffers) override;
  void recycle(const io::Completion& received) override;
  void poll(io::Slot slot, io::Interest interest, io::Token token) override;
  void send(io::Slot slot, std::span<const std::byte> bytes, io::Token token) override;
  void shutdown_write(io::Slot slot) override;
  void close(io::Slot slot, std::span<const io::Token> armed, io::Token token, bool reset) override;
  void submit(std::vector<io::Completion>& out) override;
  void wait(TimePoint deadline, std::vector<io::Completion>& out) override;
  void wake() override { below_.wake(); }

 private:
  // What a connection has only while something is under way on it.
  struct Traffic {
    std::optional<io::Token> receive;  // the caller's, which has not completed
    std::optional<io::Token> room;
    bool receive_below = false;  // armed
    bool room_below = false;
    bool shut = false;      // FIN when the rest is out
    bool deferred = false;  // its handshake waits in later_
    io::BufferClass buffers = io::BufferClass::request;
    std::string early;       // what came meanwhile
    std::string unsent;      // sealed, and not taken by the socket
    std::size_t passed = 0;  // bytes of the next send's text that are in there
  };
  struct Line {
    std::optional<tls::Engine> engine;  // nothing: in clear, until begin()
    std::unique_ptr<Traffic> traffic;   // null: idle
    std::uint32_t generation = 0;       // of its tokens
    bool sent = false;                  // something, since the last submit
    bool broken = false;                // after a failure: nothing is read or sent any more
    bool lost = false;                  // a send has failed: what followed would be no TLS
    Audience audience = Audience::subscribers;
  };
  // Sent since the last submit: `bytes` to the ring below, for `text` of the caller's.
  struct Sent {
    io::Slot slot = 0;
    std::uint32_t generation = 0;
    std::optional<io::Token> token = {};  // none: its own
    std::string_view bytes = {};
    std::size_t text = 0;     // of the caller's, sealed now or passed over
    std::size_t offered = 0;  // by the caller
    std::int32_t result = 0;  // below zero, or bytes that went
  };
  // Kinds of its own tokens; the caller's are lower.
  using Own = std::uint8_t;
  static constexpr Own kReceive = 250;
  static constexpr Own kRoom = 251;
  static constexpr Own kSend = 252;

  Line* line(io::Slot slot) const { return slot < lines_.size() ? lines_[slot].get() : nullptr; }
  // The line, if it speaks TLS at this moment.
  Line* secure(io::Slot slot) const;
  static Traffic& traffic(Line& line);
  static void rest(Line& line);  // forgets what is over
  static io::Token own(Own kind, io::Slot slot, const Line& line) {
    return {.kind = kind, .generation = line.generation, .index = slot};
  }
  Line* find(io::Slot slot, std::uint32_t generation) const;
  const std::shared_ptr<const tls::Server>& server_of(const Line& line) const {
    return line.audience == Audience::publishers ? servers_.publishers : servers_.subscribers;
  }

  void make_room(std::size_t bytes);
  void queue(io::Slot slot, Line& line, Sent sent);
  void say(io::Slot slot, Line& line, std::string_view bytes);
  void settle();
  void settle(const Sent& sent);
  void settle_own(io::Slot slot, Line& line, std::string_view unsent);
  void submit_below(std::vector<io::Completion>& out);
  void note_sends(std::vector<io::Completion>& completions);

  void arm_receive(io::Slot slot, Line& line);
  void arm_room(io::Slot slot, Line& line);
  void received(const io::Completion& completion);
  void take(io::Slot slot, Line& line, std::string_view bytes);
  void shake_hands();
  void fail(io::Slot slot, Line& line);
  void give(Line& line, std::int32_t result, std::string_view text = {});
  void room(const io::Completion& completion);

  io::Ring& below_;
  tls::Aead aead_;
  TlsServers servers_;
  std::vector<std::unique_ptr<Line>> lines_;  // by slot
  std::uint32_t generation_ = 0;
  std::string arena_;
  std::vector<Sent> sent_;
  std::vector<io::Completion> ready_;  // for the caller, at the next submit or wait
  std::vector<io::Completion> met_;    // its own, met by a submit; for the next wait
  std::vector<io::Completion> spare_;  // memory, for the next submit
  std::deque<io::Token> later_;        // handshakes
  std::deque<std::string> texts_;      // given to the caller, until it recycles them
  std::vector<std::uint32_t> texts_free_;
  std::string text_, out_;  // of one call
  std::uint32_t handshakes_ = 0;
  Counts counts_;
};

}  // namespace fanfare::server
