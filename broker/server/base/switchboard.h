// Switchboard: all that the shards of one broker share. Mailboxes for what must arrive in order, a
// board of snapshots for the admin pages, and a few numbers by which publishers are paced.
// Everything else a shard has is its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/fanout/attendance.h"
#include "broker/fanout/batch.h"
#include "broker/fanout/topics.h"
#include "broker/server/base/access_sink.h"
#include "broker/server/base/approvals.h"
#include "broker/server/base/counters.h"
#include "broker/server/base/hand_over.h"
#include "broker/server/base/listing.h"
#include "broker/server/base/options.h"
#include "broker/server/base/phase.h"
#include "broker/server/base/quotas.h"
#include "broker/server/base/tickets.h"
#include "broker/wire/ingest/roll.h"

namespace fanfare::server {

// Lead to all: what happened to the log.
struct LogMessage {
  fanout::BatchPtr batch;
  std::uint64_t frame_bytes = 0;
};
// Any thread to all: what SIGHUP changed.
struct SettingsMessage {
  std::shared_ptr<const Options> options;
};
// Any thread to all: stop, over [limits] drain or at once.
struct DrainMessage {
  bool at_once = false;
};
// Shard to lead: how many subscribers sets of topics have gained or lost.
struct AttendanceMessage {
  std::vector<fanout::Attendance::Change> changes;
};
// Shard to lead, while a publisher watches: a stream began, ended, or is there.
struct NoticeMessage {
  enum class Kind : std::uint8_t { came, went, present };
  std::uint32_t census = 0;  // the last that began on the shard; of `present`, the one it is for
  Kind kind = Kind::came;
  std::uint64_t connection = 0;
  std::shared_ptr<const fanout::Topics> topics;
  std::string subject;  // its token's or its ticket's; empty: none
  std::string query;
  std::string cursor;         // of one that came
  std::int64_t since_ms = 0;  // of one that is present: when it began, from 1970
  CloseReason reason{};       // of one that went
};
// Lead to a shard: send the next part of a census of its streams, or nothing more of it
// (broker/server/streams/presence.h).
struct CensusMessage {
  enum class Kind : std::uint8_t { part, end };
  std::uint32_t census = 0;
  Kind kind = Kind::part;
  // Channels and patterns: only streams that have to do with them are of interest. Null: all are.
  std::shared_ptr<const std::vector<std::string>> of = {};
};
// Shard to lead: the end of the part that was asked for.
struct CensusPartMessage {
  std::uint32_t census = 0;
  bool complete = false;  // it was the shard's last
};
// Lead to a shard: who subscribes to this channel (broker/server/requests/roll_calls.h)?
struct RollCallMessage {
  std::uint64_t call = 0;
  std::shared_ptr<const std::string> channel;
  std::uint32_t from = 0;  // the place in its table with which its list begins
  std::uint32_t most = 0;  // entries
};
// Shard to lead: all that it has of it at this moment, and some of the list.
struct RollMessage {
  struct Entry {
    std::uint32_t member = 0;  // its place in the table
    ingest::RollEntry shown;
  };
  std::uint64_t call = 0;
  std::uint32_t shard = 0;
  std::uint64_t subscribers = 0;
  std::vector<Entry> entries;
  std::uint32_t next = 0;  // the place from which the list goes on
  bool complete = false;   // nothing follows
};
// Lead to a shard: look through the connections (broker/server/streams/walks.h).
struct WalkMessage {
  std::uint64_t call = 0;
  std::shared_ptr<const WalkOrder> order;
};
// Shard to lead: what was found, as many as may be shown; or how many were dismissed.
struct WalkedMessage {
  std::uint64_t call = 0;
  std::uint32_t shard = 0;
  std::uint64_t total = 0;
  std::vector<FoundConnection> found;
};
// Lead to a shard: these are shown.
struct DescribeMessage {
  std::uint64_t call = 0;
  std::vector<FoundConnection> found;
};
// Shard to lead: all that is known of them, in the same order; nothing of one that has ended.
struct DescribedMessage {
  std::uint64_t call = 0;
  std::uint32_t shard = 0;
  std::vector<std::optional<ConnectionRow>> rows;
};
using Message =
    std::variant<LogMessage, SettingsMessage, DrainMessage, AttendanceMessage, NoticeMessage,
                 CensusMessage, CensusPartMessage, RollCallMessage, RollMessage, WalkMessage,
                 WalkedMessage, DescribeMessage, DescribedMessage, HandOverMessage, AdoptMessage>;

struct Switchboard {
  explicit Switchboard(std::uint32_t shards, std::uint32_t lead_shard = 0)
      : lead(lead_shard), gauges(shards), shards_at_work(shards), snapshots(shards) {}

  std::uint32_t shard_count() const { return static_cast<std::uint32_t>(gauges.size()); }

  // The lead is a role of one of the shards: the log's writing end, the publishers and the admin
  // listener. Only this says which shard it is.
  const std::uint32_t lead;
  bool is_lead(std::uint32_t shard) const { return shard == lead; }

  // Set by the assembly, and by the lead when the broker stops.
  std::atomic<BrokerPhase> phase{BrokerPhase::binding};

  // Posts to a shard's mailbox; set before the first turn. (A function, so that simulations can
  // delay messages.)
  std::function<void(std::uint32_t shard, Message)> post;
  void post_to_lead(Message message) const { post(lead, std::move(message)); }

  // Written by their shard, read by the lead: how far behind the log it is.
  struct alignas(64) Gauge {
    std::atomic<std::uint64_t> in_mail_bytes{0};   // posted, not yet applied
    std::atomic<std::uint64_t> unserved_bytes{0};  // applied, not yet handed to every feed
  };
  std::vector<Gauge> gauges;
  // Set by the lead while publishers wait; a shard that catches up then wakes it.
  std::atomic<bool> publishers_paused{false};
  std::function<void()> wake_lead;
  // A publisher watches ({"op":"watch"}): notices are posted.
  std::atomic<bool> watched{false};
  // The newest census; a shard begins it as soon as it sees the number
  // (broker/server/streams/presence.h).
  std::atomic<std::uint32_t> census{0};
  // Different patterns that the streams of each shard have, added up; for [limits] patterns.
  std::atomic<std::uint32_t> patterns{0};
  // Event streams of subscribers, over all shards: what [limits] connections bounds (Seats).
  std::atomic<std::uint64_t> streams{0};
  // Bodies of subscribers' requests that are being received, over all shards.
  std::atomic<std::uint64_t> subscriber_bodies{0};
  // Shards that still have subscribers' or publishers' connections, or listen for them. While the
  // broker stops, the lead keeps the admin listener until it is the last.
  std::atomic<std::uint32_t> shards_at_work;
  // What applications have lately allowed, whichever shard the client comes back to.
  Approvals approvals;
  // The operator was warned that streams come over HTTP/1.0.
  std::atomic<bool> http10_warned{false};
  // The newest sequence that the shards were told of (Heads::told): no client has an id above it.
  std::atomic<std::uint64_t> head{0};

  // What each client holds on all shards, by its address and by its token.
  Quotas addresses;
  Quotas bearers;

  // Issued by the lead, used on any shard.
  Tickets tickets;

  // Where the shards leave the lines of the access log; null: nowhere. Set before the first shard
  // is made.
  AccessSink* access = nullptr;

  std::mutex board;                      // guards snapshots
  std::vector<ShardSnapshot> snapshots;  // each written by its shard ten times a second
};

}  // namespace fanfare::server
