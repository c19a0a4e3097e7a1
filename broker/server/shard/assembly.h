// Assembly: the shards of one broker, put together once, for the daemon (broker.cc) and for the
// simulation: what they share, what each is told at the start, which of them leads, and the phases
// that the whole goes through. Threads, rings and listeners are its user's; so is the mail, since a
// simulation delays it (Switchboard::post, wake_lead: to be set before the first shard is made).
#pragma once

#include <cstdint>
#include <memory>

#include "broker/server/base/switchboard.h"
#include "broker/server/shard/shard.h"

namespace fanfare::server {

class Assembly {
 public:
  // `common` is what every shard is told; `index` and `seed` in it are not used, `surface` and
  // `gate` go to the lead alone. The broker is binding.
  Assembly(ShardConfig common, std::uint32_t shards, std::uint32_t lead = 0);

  Switchboard& switchboard() { return switchboard_; }
  const Switchboard& switchboard() const { return switchboard_; }

  // On the thread that made the ring. The assembly and the ring outlive the shard.
  // `tls`: the ring, if it speaks TLS.
  std::unique_ptr<Shard> make(std::uint32_t index, io::Ring& ring, std::uint64_t seed,
                              TlsRing* tls = nullptr);

  // Every listener is bound; the history is being brought back.
  void recover() { enter(BrokerPhase::recovering); }
  // Subscribers and publishers are let in.
  void serve() { enter(BrokerPhase::serving); }

  // Any thread, once every shard is made.
  void drain(bool at_once) { post_all(DrainMessage{.at_once = at_once}); }
  void reload(const Options& options) {
    post_all(SettingsMessage{std::make_shared<const Options>(options)});
  }

 private:
  void enter(BrokerPhase phase) { switchboard_.phase.store(phase, std::memory_order_relaxed); }
  void post_all(const Message& message);

  const ShardConfig common_;
  Switchboard switchboard_;
};

}  // namespace fanfare::server
