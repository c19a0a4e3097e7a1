// Client: one peer of the broker as a party to a simulated connection: it dials, says what it has
// to say in pieces, and reads at its own pace. What it says and what it makes of the answer is its
// child's business: Reader, Publisher, Nuisance.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/agenda.h"
#include "tests/sim/guestbook.h"
#include "tests/sim/kernel.h"
#include "tests/sim/ledger.h"
#include "tests/sim/pulse.h"
#include "tests/sim/socket.h"
#include "tests/sim/tls_end.h"

namespace fanfare::sim {

// What all clients of one world share.
struct Town {
  Kernel& kernel;
  Ledger& ledger;
  // The faults have stopped: everybody behaves, hurries and comes to an end.
  bool quiet = false;
  // The broker was told to stop: it may refuse what it is sent.
  bool stopping = false;
  // Events that were acknowledged after that: they are owed like any other.
  std::uint64_t late_acks = 0;
  // Nobody publishes for a while.
  bool hushed = false;
  // Clients come from a few addresses, some of them by way of a front.
  bool addressed = false;
  // The broker compresses streams for clients that accept that, which about half of them do.
  bool packs = false;
  // Channels that keep the latest event of each key, and what publishers and clients make of it.
  struct Keyed {
    std::vector<std::string> channels;
    std::vector<std::string> keys;
    bool deletes = false;       // publishers delete such channels, too
    bool conflates = false;     // streams may lack what was superseded
    std::uint64_t refused = 0;  // events, because channels had as many keys as they may have

    bool keeps(std::string_view channel) const {
      return std::ranges::find(channels, channel) != channels.end();
    }
  };
  Keyed keyed{};
  // Streams that brought something, each by the tag in its query and when its connection began:
  // what watchers must have been told of.
  struct Arrival {
    std::string tag;
    TimePoint dialled;
  };
  std::vector<Arrival> arrivals{};
  // What a stream that does not ask for a heartbeat of its own may be given.
  Pulse::Interval heartbeat{};
  // What is known of routes that ask applications; and [delivery] stall, the longest so far, for
  // which a stream that is to finish may be behind.
  Guestbook guestbook{};
  Duration stall_max{};
};

// How a client uses its connection.
struct Pace {
  std::size_t read_max = 64U << 10U;  // bytes at a time
  Duration read_pause{};              // at most, between two reads
  std::size_t write_max = 64U << 10U;
  Duration write_pause{};

  static Pace prompt() { return {}; }
  static Pace drawn(Random& random);
};

class Client : public Actor, public SocketOwner {
 public:
  Client(Town& town, std::string name) : town_(town), name_(std::move(name)) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const std::string& name() const { return name_; }
  bool connected() const { return socket_ != nullptr; }
  // Its network is down, and it does not know yet.
  bool in_the_dark() const { return socket_ != nullptr && socket_->in_the_dark(); }
  // From its next connection on, where there are subscribers.
  void speak_tls(const TlsHabits& habits) { tls_habits_ = habits; }
  struct TlsCounts {
    std::uint64_t handshakes = 0;  // that succeeded
    std::uint64_t resumed = 0;     // of these
  };
  const TlsCounts& tls_counts() const { return tls_counts_; }
  // Stops reading until then (a phone asleep).
  void sleep_until(TimePoint time) { asleep_until_ = time; }
  void wake_up();

  void changed(Socket& socket) final;
  void act(std::uint64_t what) final;

 protected:
  // False: refused.
  bool dial(Door door);
  void say(std::string_view bytes);
  void shutdown_write();
  void hang_up(bool reset);
  // `alarm` comes back in rang(), if this connection or pause still lasts.
  void set_alarm(Duration after, std::uint32_t alarm);

  // What it speaks over TLS (ALPN).
  virtual std::string_view protocol() const { return "http/1.1"; }
  // What was to be said has left.
  virtual void all_said() {}
  // Bytes arrived. May hang up.
  virtual void heard(std::string_view bytes) = 0;
  // The connection is over, not by hang_up(). `clean`: by FIN; over TLS, by close_notify before it.
  virtual void lost(bool clean) = 0;
  virtual void rang(std::uint32_t alarm) = 0;

  template <class... Args>
  void trace(fmt::format_string<Args...> format, Args&&... args) {
    Report& report = town_.kernel.report();
    if (report.tracing())
      report.trace(town_.kernel.now(), "{}: {}", name_,
                   fmt::format(format, std::forward<Args>(args)...));
  }
  // Something is wrong with what was received, whatever else was.
  void complain(std::string_view problem, std::string_view checker = "bytes");
  Random& random() { return town_.kernel.random(); }

  Town& town_;
  Pace pace_;

 private:
  void come_from_somewhere();
  void begin_tls();
  // False: the connection is over.
  bool take_cipher(std::string_view cipher, std::string& text);
  void note_end_of_tls(bool clean);
  void pump();
  void write_some();
  void read_some();
  void pump_later(Duration pause);

  std::string name_;
  Socket* socket_ = nullptr;
  std::uint32_t dials_ = 0;  // tells this connection's agenda entries from an older one's
  bool pump_due_ = false;
  std::string outgoing_;
  bool fin_due_ = false;  // shutdown_write() when all is said
  TimePoint asleep_until_{};
  std::optional<TlsHabits> tls_habits_;
  std::unique_ptr<TlsEnd> tls_;  // null: in clear
  TlsTicket ticket_;
  bool shaken_ = false;  // hands, on this connection
  TlsCounts tls_counts_;
};

}  // namespace fanfare::sim
