#include "broker/config/estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "broker/config/rules.h"

#include "common/counted.h"

namespace fanfare::config {
namespace {

using When = Estimate::When;

constexpr std::uint64_t kKiB = 1U << 10U;
constexpr std::uint64_t kMiB = 1U << 20U;
constexpr std::uint64_t kGiB = 1U << 30U;

// What its grants are stored in, beside their text: 100 channels of 48 bytes, and its entry.
constexpr std::uint64_t kKnownTokenBytes = 5'120;
// One that grants a handful of channels to a subject. Only applications may ask for them.
constexpr std::uint64_t kTicketBytes = 512;
// A usual browser needs so much; the most is 2 KB.
constexpr std::uint64_t kAccessLineBytes = 512;
// An idle subscriber in user space: its connection (24), its subscriber (28), its peer's address
// (18), its place in a feed (4) and where that place is (4) are 78; the last two tables grow by
// doubling, and feeds of few members have a head each.
constexpr std::uint64_t kConnectionBytes = 140;
// What TLS adds to it: an Engine (300) with what holds it, and a pointer. With TLS 1.2: 13,800.
constexpr std::uint64_t kTlsBytes = 380;
// Resident, one stream and a further one of 400 on it; and what its shard keeps of heads.
constexpr std::uint64_t kH2SessionBytes = 10U * kKiB;
constexpr std::uint64_t kH2HeadsBytes = 16U * kMiB;
// OpenSSL's objects until the handshake is over. What was sealed and a socket did not take.
constexpr std::uint64_t kHandshakeBytes = 50 * kKiB;
constexpr std::uint64_t kSealedBytes = 64 * kKiB;
// And in the kernel: the socket (3,865 with its inode, file and entry), its place in the ring's
// table (40) and one armed poll (256). Measured on Linux 6.18.
constexpr std::uint64_t kConnectionKernelBytes = 4'160;
// A ring: 512 submissions of 64 B, 4,096 completions of 16 B, the arrays between them, page by
// page; this much is locked memory.
constexpr std::uint64_t kRingLockedBytes = 128 * kKiB;
// Its receive buffers, 256 of 2 KiB, and the shard's stack and tables.
constexpr std::uint64_t kShardBytes = kMiB;
// What a channel costs in addition to its events: on the lead shard, and on every shard.
constexpr std::uint64_t kChannelLeadBytes = 320;
constexpr std::uint64_t kChannelShardBytes = 256;
// A pattern and the crowd that has it, on the lead shard and on the shard of its streams: 1,467
// with 10,000 and with 110,000 patterns like users/7/**, and some to spare.
constexpr std::uint64_t kPatternBytes = 1'700;
// Whole segments count towards total_bytes, including their index and unused end. Not counted are
// segments that were evicted but are still being sent, and those kept for reuse.
constexpr std::uint64_t kHistorySlackPercent = 25;
// An idempotency key and its channel's name (together up to 384 B), with the table and the queue.
constexpr std::uint64_t kKeyBytes = 480;
// A key of a channel that keeps those, beside its events: on the lead (its record 24, four to eight
// where it is found, as many in kept pages), and on each shard (a place of 4, half of which may be
// dead).
constexpr std::uint64_t kKeptKeyLeadBytes = 40;
constexpr std::uint64_t kKeptKeyShardBytes = 8;
// The latest events of all keys may have a quarter of history.total_bytes; the smallest has so
// much.
constexpr std::uint64_t kKeptShare = 4;
constexpr std::uint64_t kKeptEventBytes = 48;
// fanout/sequencer.h: at most so many tombstones of channels (a name up to 255 B and a number) on
// the lead and on each shard.
constexpr std::uint64_t kTombstonesMax = 65'536;
constexpr std::uint64_t kTombstoneBytes = 320;
// A stalled reader's socket, with TCP_NOTSENT_LOWAT at 12 KiB. Measured.
constexpr std::uint64_t kStalledKernelBytes = 21 * kKiB;
// Its record in the shard: cursor, a bounded piece of history that is on its way.
constexpr std::uint64_t kStalledBytes = 512;
// deflate's window, chains and hash table (64 KiB), and what it last made.
constexpr std::uint64_t kCompressorBytes = 80 * kKiB;
// A client that is counted: its entry (40), where to find it (64), and when it may be forgotten
// (72).
constexpr std::uint64_t kClientBytes = 176;
// Descriptors of the process itself: standard streams, epoll or ring, doorbell, signals, and
// sockets that are accepted but not yet in a table.
constexpr std::uint64_t kDescriptorsApart = 32;
constexpr std::uint64_t kDescriptorsPerShard = 3;

std::string bytes_text(std::uint64_t bytes) {
  const auto number = static_cast<double>(bytes);
  if (bytes >= kGiB) return fmt::format("{:.1f} GiB", number / static_cast<double>(kGiB));
  if (bytes >= kMiB) return fmt::format("{:.1f} MiB", number / static_cast<double>(kMiB));
  return fmt::format("{:.1f} KiB", number / static_cast<double>(kKiB));
}

std::uint64_t descriptors_of(const server::Options& options, const Resources& machine,
                             const server::Plan& plan) {
  const std::uint64_t listeners = options.listen.http.size() * plan.shards + 2;
  const std::uint64_t own = kDescriptorsApart + kDescriptorsPerShard * plan.shards + listeners;
  return machine.rings.slots_shared ? plan.descriptors : own;
}

bool counts_clients(const server::LimitOptions& limits) {
  const server::LimitOptions none;
  return limits.connections_per_address + limits.streams_per_address + limits.streams_per_token >
             0 ||
         limits.requests_per_address != none.requests_per_address ||
         limits.requests_per_token != none.requests_per_token;
}

bool compresses(const server::Options& options) {
  return options.delivery.compress ||
         std::ranges::any_of(options.channels, [](const server::ChannelRule& rule) {
           return rule.compress.value_or(false);
         });
}

class Items {
 public:
  explicit Items(std::vector<Estimate::Item>& items) : items_(items) {}

  void add(When when, bool kernel, std::string_view what, std::uint64_t count, std::uint64_t each) {
    const std::string size = each < kKiB * 8 ? fmt::format("{} B", each) : bytes_text(each);
    add_one(when, kernel, what, count * each, fmt::format("{} x {}", count, size));
  }
  void add_one(When when, bool kernel, std::string_view what, std::uint64_t bytes,
               std::string arithmetic) {
    items_.push_back({.when = when,
                      .kernel = kernel,
                      .bytes = bytes,
                      .what = std::string(what),
                      .arithmetic = std::move(arithmetic)});
  }

 private:
  std::vector<Estimate::Item>& items_;
};

void add_items(const server::Options& options, Estimate& estimate) {
  const server::LimitOptions& limits = options.limits;
  const std::uint64_t connections = estimate.plan.connections_max;
  const std::uint64_t shards = estimate.plan.shards;
  Items items(estimate.items);
  items.add(When::idle, false, "idle subscribers", connections, kConnectionBytes);
  if (!options.listen.https.empty()) {
    items.add(When::idle, false, "TLS 1.3 on each of them", connections, kTlsBytes);
    items.add(When::worst, false, "limits.tls_handshakes of each shard",
              shards * limits.tls_handshakes, kHandshakeBytes);
    items.add(When::worst, false, "every subscriber stalled: what was sealed for it", connections,
              kSealedBytes);
  } else if (!options.publish.listen_tls.empty()) {
    items.add(When::worst, false, "limits.tls_handshakes of publishers", limits.tls_handshakes,
              kHandshakeBytes);
  }
  items.add(When::idle, true, "their sockets", connections, kConnectionKernelBytes);
  items.add(When::idle, false, "shards", shards, kShardBytes);
  items.add(When::idle, true, "their rings", shards, kRingLockedBytes);

  const std::uint64_t history = options.history.total_bytes;
  items.add_one(When::full, false, "the history, and segments being sent or reused",
                history + history / 100 * kHistorySlackPercent,
                fmt::format("{} and {} %", bytes_text(history), kHistorySlackPercent));
  items.add_one(When::full, false, "events in flight", limits.ingest_pending_bytes,
                "limits.ingest_pending_bytes");

  items.add(When::worst, false, "limits.channels, all in use", limits.channels,
            kChannelLeadBytes + kChannelShardBytes * shards);
  items.add(When::worst, false, "limits.patterns, all in use", limits.patterns, kPatternBytes);
  if (compresses(options)) {
    items.add(When::worst, false, "limits.compressors of each shard", shards * limits.compressors,
              kCompressorBytes);
  }
  items.add(When::worst, false, "limits.idempotency_keys, all in use", limits.idempotency_keys,
            kKeyBytes);
  const bool keeps = std::ranges::any_of(options.channels, [](const server::ChannelRule& rule) {
    return rule.keep == server::Keep::latest;
  });
  if (keeps) {
    items.add(When::worst, false, "as many keys as history.total_bytes has room for",
              history / kKeptShare / kKeptEventBytes,
              kKeptKeyLeadBytes + kKeptKeyShardBytes * shards);
  }
  items.add(When::worst, false, "losses of forgotten channels", kTombstonesMax,
            kTombstoneBytes * (shards + 1));
  items.add(When::worst, false, "limits.bodies_bytes of publishers, and of subscribers", 2,
            limits.bodies_bytes);
  items.add_one(When::worst, false, "commands of publishers between MULTI and EXEC",
                limits.bodies_bytes, "limits.bodies_bytes");
  if (counts_clients(limits)) {
    items.add(When::worst, false, "limits.clients, by address and by token",
              2 * std::uint64_t{limits.clients}, kClientBytes);
  }
  items.add(When::worst, false, "limits.queries_bytes of each shard", shards, limits.queries_bytes);
  const bool asks = std::ranges::any_of(
      options.routes, [](const server::RouteRule& route) { return !route.upstream.empty(); });
  if (asks) {
    items.add(When::worst, false, "limits.upstream_answer_bytes on every connection to one",
              limits.upstream_connections * shards, limits.upstream_answer_bytes);
    items.add_one(When::worst, false, "what applications have allowed", limits.approval_bytes,
                  "limits.approval_bytes");
  }
  if (options.token.has_keys() || options.publish.has_keys()) {
    items.add(When::worst, false, "verified tokens that the shards remember",
              shards * limits.tokens, limits.token_bytes + kKnownTokenBytes);
  }
  items.add(When::worst, false, "limits.tickets, all waiting", limits.tickets, kTicketBytes);
  if (!options.journal.path.empty()) {
    items.add(When::worst, false, "the history, while the journal is written anew", 2, history);
    // The last image and the next, and what was written before the next began and since.
    estimate.journal_bytes = 2 * history + 2 * std::max(history, options.journal.rewrite);
  }
  if (!options.access.log.empty()) {
    items.add(When::worst, false, "access.buffer of each shard, twice", 2 * shards,
              options.access.buffer);
    items.add(When::worst, false, "the access log's lines of open streams", connections,
              kAccessLineBytes);
  }
  if (!options.publish.listen.empty()) {
    items.add(When::worst, false, "every publisher over TCP in the middle of the largest event",
              limits.publish_connections, limits.event_bytes);
  }
  items.add(When::worst, false, "every publisher in the middle of the largest event",
            limits.ingest_connections, limits.event_bytes);
  items.add(When::worst, false, "every subscriber in the middle of the largest request head",
            connections, limits.head_bytes);
  if (options.listen.h2c || !options.listen.https.empty()) {
    items.add(When::worst, false, "HTTP/2 on each connection: its session", connections,
              kH2SessionBytes);
    items.add(When::worst, false, "HTTP/2 requests that wait", shards, kH2HeadsBytes);
  }
  items.add(When::worst, false, "every subscriber stalled: its record", connections, kStalledBytes);
  items.add(When::worst, true, "every subscriber stalled: its socket", connections,
            kStalledKernelBytes);
}

void warn(const Resources& machine, Estimate& estimate) {
  const std::uint64_t locked = estimate.plan.shards * kRingLockedBytes;
  if (!machine.rings.slots_shared && locked > machine.locked_bytes_max) {
    estimate.warnings.push_back(
        fmt::format("{} would lock {} of memory, and RLIMIT_MEMLOCK allows {}: set "
                    "LimitMEMLOCK=infinity in the unit, or fewer server.shards",
                    counted(estimate.plan.shards, "ring"), bytes_text(locked),
                    bytes_text(machine.locked_bytes_max)));
  }
  const std::uint64_t full = estimate.user_bytes(When::full) + estimate.kernel_bytes(When::full);
  if (machine.memory_bytes != 0 && full > machine.memory_bytes) {
    estimate.warnings.push_back(
        fmt::format("all connections and a full history need {}, and this machine has {}: lower "
                    "limits.connections or history.total_bytes",
                    bytes_text(full), bytes_text(machine.memory_bytes)));
  }
}

}  // namespace

std::uint64_t Estimate::user_bytes(When when) const {
  std::uint64_t sum = 0;
  for (const Item& item : items) sum += !item.kernel && item.when <= when ? item.bytes : 0;
  return sum;
}

std::uint64_t Estimate::kernel_bytes(When when) const {
  std::uint64_t sum = 0;
  for (const Item& item : items) sum += item.kernel && item.when <= when ? item.bytes : 0;
  return sum;
}

std::string Estimate::text() const {
  static constexpr std::array<std::string_view, 3> kTitles{
      "with every connection open and idle", "with a full history as well",
      "with everyone doing their worst at once as well"};
  std::string out =
      fmt::format("{}\n{} descriptors for the process itself\n", plan.sentence, descriptors);
  for (const When when : {When::idle, When::full, When::worst}) {
    out += fmt::format("\n{}\n", kTitles[static_cast<std::size_t>(when)]);
    for (const Item& item : items) {
      if (item.when != when) continue;
      out += fmt::format("  {:>10}  {}{} ({})\n", bytes_text(item.bytes), item.what,
                         item.kernel ? ", in the kernel" : "", item.arithmetic);
    }
    out += fmt::format("  {:>10}  so far, {} of it in the kernel\n",
                       bytes_text(user_bytes(when) + kernel_bytes(when)),
                       bytes_text(kernel_bytes(when)));
  }
  if (journal_bytes > 0) {
    out += fmt::format("\n{} on the disk for the journal, about, while it is written anew\n",
                       bytes_text(journal_bytes));
  }
  for (const std::string& warning : warnings) out += fmt::format("\nwarning: {}\n", warning);
  return out;
}

std::expected<Estimate, std::string> estimate(const server::Options& options,
                                              const Resources& machine) {
  auto plan = server::make_plan(options, machine.rings);
  if (!plan) return std::unexpected(std::move(plan.error()));
  Estimate estimate;
  estimate.plan = std::move(*plan);
  estimate.descriptors = descriptors_of(options, machine, estimate.plan);
  add_items(options, estimate);
  warn(machine, estimate);
  for (std::string& sentence : warnings(options)) estimate.warnings.push_back(std::move(sentence));
  return estimate;
}

}  // namespace fanfare::config
