// BrokerMachine: the real shards of broker/server, each over a SimRing, stepped from outside in one
// thread. What crosses threads in the daemon, messages between shards, goes through here and may be
// late: a follower lags behind the lead for as long as the seed says.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/server/base/options.h"
#include "broker/server/base/switchboard.h"
#include "broker/server/shard/assembly.h"
#include "tests/sim/admin_page.h"
#include "tests/sim/agenda.h"
#include "tests/sim/bundle_port.h"
#include "tests/sim/journal.h"
#include "tests/sim/key_mistakes.h"
#include "tests/sim/sim_ring.h"
#include "tests/sim/world.h"

namespace fanfare::sim {

// What counters say is open, kept or waited for now, by their names; empty: nothing.
std::string gauges_of(const server::Counters& counters);

class BrokerMachine final : public Machine, public Actor {
 public:
  struct Options {
    server::Options broker;
    std::uint32_t shards = 1;
    std::uint32_t lead = 0;  // which of them leads
    std::uint32_t feed_members_max = fanout::kFeedMembersMax;
    std::uint32_t removals_max = 0;      // of keys, that are remembered; 0: as many as usual
    std::uint32_t subscribers_max = 64;  // of each shard
    bool admin = false;                  // has an admin listener, with a live event each second
    bool roomy_ingest = false;           // publishers' receive buffers as large as real ones
    std::vector<std::uint32_t> ingest_users{};  // who may publish; empty: everybody
    double late_mail = 0;                       // per message: it comes late
    Duration mail_delay_max{};
    // What connections of several streams in the protocol of bundles hold; 0: there are none.
    std::size_t box_bytes = 0;
    bool h2 = false;              // speaks HTTP/2, in place of that
    Duration journal_late_max{};  // 0: no journal
    Duration recovery{};          // before it serves
  };
  // Listens at once. The world outlives it; it must be kept until the world ends, dead or alive.
  BrokerMachine(World& world, const Options& options);
  ~BrokerMachine() override;

  // SIGTERM, or a second one.
  void drain();
  // SIGHUP.
  void reload(const server::Options& options);
  // SIGKILL: every connection is reset, nothing is said.
  void kill();
  // Every shard has ended by itself.
  bool finished() const;
  std::size_t subscribers() const;
  // Sums over all shards since the machine began, as the shards see them.
  server::Counters counted() const;
  std::uint64_t turns() const { return counted().turns_total; }
  // Posted to the shard, and not taken yet.
  std::uint64_t in_mail_bytes(std::uint32_t shard) const {
    return assembly_->switchboard().gauges[shard].in_mail_bytes.load();
  }
  std::uint64_t channels_forgotten() const { return page_.channels_forgotten(); }
  // As the shards reported some 100 ms ago.
  std::uint64_t closed(server::CloseReason reason) const;

  std::size_t shard_count() const override { return members_.size(); }
  bool runnable(std::size_t shard) const override;
  void turn(std::size_t shard) override;
  TimePoint next_deadline(std::size_t shard) const override;
  std::string left() const override;

  void act(std::uint64_t shard) override;

 private:
  struct Letter {
    TimePoint due;
    server::Message message;
  };
  struct Member {
    std::unique_ptr<SimRing> ring;
    std::unique_ptr<server::TlsRing> tls;  // over it, if the broker has a certificate
    std::unique_ptr<server::Shard> shard;
    std::vector<int> listeners;
    std::deque<Letter> mail;  // on its way
    KeyMistakes mistakes;     // in what it is told
    TimePoint tick;           // when it wants its next turn at the latest
  };

  // What act() is told beside the number of a shard.
  static constexpr std::uint64_t kRecovered = ~std::uint64_t{0};

  void assemble(const fanout::Epoch& epoch);
  server::SharedPort::Maker shared_port() const;
  // A log that forgets removals early; null: the usual one.
  std::shared_ptr<server::RecoveredLog> forgetful_log(const fanout::Epoch& epoch) const;
  void post(std::uint32_t shard, server::Message message);
  // seal: what the lead says of an event comes after the batch that holds it was posted to all.
  // durable: no client is sent anything about an event that may still be lost.
  void check_said(std::string_view bytes, bool lead);
  // durable: what was acked, or received, is not lost with the broker.
  void check_kept() const;
  void check_bounds();
  void note_bounds(const server::Options& options);
  void listen(std::uint32_t shard, server::Port port, Door door);

  World& world_;
  Options options_;
  std::optional<server::Assembly> assembly_;
  AdminPage page_;
  std::string id_start_;               // "<epoch>-"
  std::vector<std::uint64_t> posted_;  // to each shard: the log up to here
  std::unique_ptr<Journal> journal_;   // null: none
  // The most that any settings since the start allowed: what is above a lowered bound goes by and
  // by.
  std::uint64_t history_most_ = 0;
  std::uint64_t channels_most_ = 0;
  std::uint64_t patterns_most_ = 0;
  std::vector<Member> members_;
  bool dead_ = false;
};

}  // namespace fanfare::sim
