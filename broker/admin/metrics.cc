#include "broker/admin/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <variant>

#include "broker/admin/exposition.h"

namespace fanfare::admin {
namespace {

void write_identity(Exposition& out, const server::Snapshot& now) {
  out.family("fanfare_info", "gauge",
             "The running broker: version, epoch of the log, event loop backend");
  out.sample(std::uint64_t{1},
             {{"version", now.version}, {"epoch", now.epoch}, {"backend", now.backend}});
  out.family(
      "target_info", "gauge",
      "The same in OpenTelemetry's words: attributes of the resource that the figures are of");
  out.sample(std::uint64_t{1}, {{"service_name", "fanfare"},
                                {"service_version", now.version},
                                {"service_instance_id", now.epoch}});
  out.single("fanfare_uptime_seconds", "gauge", "Time since the broker started",
             fractional_seconds(now.uptime));
  out.single("fanfare_draining", "gauge",
             "1 while the broker stops and tells subscribers to come back",
             std::uint64_t{now.phase == server::BrokerPhase::draining});
  out.family("fanfare_phase", "gauge", "1 for what the broker is doing, 0 for the other phases");
  for (const server::BrokerPhase phase : server::kBrokerPhases) {
    out.sample(std::uint64_t{now.phase == phase}, {{"phase", server::name_of(phase)}});
  }
  out.single("fanfare_shards", "gauge", "Shards: threads with a ring each",
             std::uint64_t{now.shards.size()});
}

void write_totals(Exposition& out, const server::Snapshot& now) {
  const server::Counters totals = now.totals();
#define X(name, type, help) out.single("fanfare_" #name, type, help, totals.name);
  FANFARE_COUNTERS(X)
#undef X
}

using Reasons = std::array<std::uint64_t, server::kCloseReasonCount>;

void write_reasons(Exposition& out, const server::Snapshot& now, std::string_view name,
                   std::string_view help, const Reasons server::ShardSnapshot::* of) {
  out.family(name, "counter", help);
  for (std::size_t i = 0; i < server::kCloseReasonCount; ++i) {
    std::uint64_t sum = 0;
    for (const server::ShardSnapshot& shard : now.shards) sum += (shard.*of)[i];
    out.sample(sum, {{"reason", server::name_of(static_cast<server::CloseReason>(i))}});
  }
}

void write_closes(Exposition& out, const server::Snapshot& now) {
  write_reasons(out, now, "fanfare_closes_total", "Connections that ended, by reason",
                &server::ShardSnapshot::closes);
  write_reasons(out, now, "fanfare_stream_ends_total", "Event streams that ended, by reason",
                &server::ShardSnapshot::stream_ends);
}

template <class Figure>
void write_per_shard(Exposition& out, const server::Snapshot& now, std::string_view name,
                     std::string_view type, std::string_view help, const Figure& figure) {
  out.family(name, type, help);
  for (std::size_t i = 0; i < now.shards.size(); ++i) {
    out.sample(std::uint64_t{figure(now.shards[i])}, {{"shard", fmt::to_string(i)}});
  }
}

void write_shards(Exposition& out, const server::Snapshot& now) {
  using server::ShardSnapshot;
  write_per_shard(out, now, "fanfare_shard_lag_events", "gauge",
                  "Events of the log that the shard has not applied yet",
                  [](const ShardSnapshot& shard) { return shard.lag(); });
  write_per_shard(out, now, "fanfare_shard_connections_open", "gauge",
                  "Connections of the shard open on subscriber listeners",
                  [](const ShardSnapshot& shard) { return shard.counters.connections_open; });
  write_per_shard(out, now, "fanfare_shard_subscribers", "gauge", "Event streams of the shard open",
                  [](const ShardSnapshot& shard) { return shard.counters.subscribers; });
  write_per_shard(out, now, "fanfare_shard_deliveries_total", "counter",
                  "Events the shard handed to sockets",
                  [](const ShardSnapshot& shard) { return shard.counters.deliveries_total; });
  write_per_shard(out, now, "fanfare_shard_turns_total", "counter",
                  "Turns of the shard's event loop",
                  [](const ShardSnapshot& shard) { return shard.counters.turns_total; });
  write_per_shard(out, now, "fanfare_shard_unserved_bytes", "gauge",
                  "Bytes the shard applied but has not handed to every caught-up subscriber",
                  [](const ShardSnapshot& shard) { return shard.counters.unserved_bytes; });
}

// Where there is none, all are 0: a dashboard shows the same lines.
void write_journal(Exposition& out, const journal::Figures& journal) {
  out.single("fanfare_journal_writes_total", "counter", "Records written to the journal",
             journal.writes);
  out.single("fanfare_journal_written_bytes_total", "counter", "Bytes written to the journal",
             journal.written_bytes);
  out.single("fanfare_journal_flushes_total", "counter",
             "How often the disk was asked to flush what was written", journal.flushes);
  out.single("fanfare_journal_flush_seconds_total", "counter", "How long that took in all",
             journal.flush_seconds);
  out.family("fanfare_journal_bytes", "gauge",
             "What the journal takes on the disk: the last image of the history, and what was "
             "written since");
  out.sample(journal.image_bytes, {{"part", "image"}});
  out.sample(journal.segment_bytes, {{"part", "segments"}});
  out.single("fanfare_journal_rewrites_total", "counter",
             "Images that were made of the history, in place of what was written before",
             journal.rewrites);
  out.single("fanfare_journal_full", "gauge",
             "1: there is no room on the disk, and publishers wait until there is",
             std::uint64_t{journal.full});
  out.single("fanfare_journal_failed", "gauge",
             "1: the journal could not be written, and publishers are refused until the broker was "
             "started anew",
             std::uint64_t{journal.failed});
}

void write_log(Exposition& out, const server::Snapshot& now) {
  const fanout::Sequencer::Counters& log = now.log;
  out.single("fanfare_log_head", "gauge", "Sequence of the newest event appended to the log",
             now.heads.appended.sequence);
  out.single("fanfare_log_durable_head", "gauge",
             "Sequence of the newest event that is durable; without a journal, the newest appended",
             now.heads.durable.sequence);
  out.single("fanfare_log_told_head", "gauge",
             "Sequence of the newest event passed to all shards: it may be acked and sent",
             now.heads.told.sequence);
  out.single("fanfare_log_stalled_seconds", "gauge",
             "For how long nothing of what waits to be durable has become so; 0: nothing waits",
             fractional_seconds(now.log_stalled));
  out.single("fanfare_ingest_paused", "gauge",
             "1: publishers are not read from, because the log or a shard is too far behind them",
             std::uint64_t{now.publishers_paused});
  out.single("fanfare_log_events_total", "counter", "Events appended to the log", log.events_total);
  out.single("fanfare_log_bytes_total", "counter", "Bytes of encoded events", log.bytes_total);
  out.single("fanfare_log_duplicates_total", "counter",
             "Publishes answered with the id of an earlier one that had the same key",
             log.duplicates_total);
  out.single(
      "fanfare_log_idempotency_keys_dropped_total", "counter",
      "Idempotency keys dropped before [limits] idempotency_age, to make room for newer ones",
      log.keys_dropped_total);
  out.single("fanfare_log_evicted_events_total", "counter", "Events that left the window",
             log.evicted_events_total);
  out.family("fanfare_log_evicted_by_total", "counter",
             "Events that left the window, by the limit that was exceeded");
  out.sample(log.evicted_by_events, {{"limit", "events"}});
  out.sample(log.evicted_by_bytes, {{"limit", "bytes"}});
  out.sample(log.evicted_by_age, {{"limit", "age"}});
  out.sample(log.evicted_by_total_bytes, {{"limit", "total_bytes"}});
  out.single("fanfare_log_channels", "gauge", "Channels that exist", now.channels);
  out.single("fanfare_log_channels_forgotten_total", "counter",
             "Channels dropped because they were empty and idle", log.channels_forgotten_total);
  out.single("fanfare_log_segment_bytes", "gauge", "Memory that the history occupies",
             now.segment_bytes);
  out.single("fanfare_log_keys", "gauge", "Keys that have a value", now.keys.keys);
  out.single("fanfare_log_key_value_bytes", "gauge", "Size of the latest events of all keys",
             now.keys.value_bytes);
  out.single("fanfare_log_kept_bytes", "gauge",
             "Memory of latest events that have left the window; part of the history's",
             now.keys.kept_bytes);
}

void write_histogram(Exposition& out, std::string_view name, std::string_view help,
                     const server::LatencyHistogram& latency) {
  out.family(name, "histogram", help);
  std::uint64_t below = 0;
  for (std::size_t i = 0; i + 1 < server::LatencyHistogram::kBuckets; ++i) {
    below += latency.bucket(i);
    const std::string bound =
        fmt::to_string(fractional_seconds(server::LatencyHistogram::bound(i)));
    out.sample(below, {{"le", bound}}, "_bucket");
  }
  out.sample(latency.count(), {{"le", "+Inf"}}, "_bucket");
  out.sample(latency.sum_seconds(), {}, "_sum");
  out.sample(latency.count(), {}, "_count");
}

void write_latency(Exposition& out, const server::Snapshot& now) {
  server::LatencyHistogram latency;
  for (const server::ShardSnapshot& shard : now.shards) latency.merge(shard.latency);
  write_histogram(
      out, "fanfare_publish_to_send_seconds",
      "From the commit of an event to the submit of the sends that carry it, per delivery",
      latency);
}

// What a shard spends its time on, and how long it can go without reading its sockets.
void write_loop(Exposition& out, const server::Snapshot& now) {
  server::LatencyHistogram turns;
  std::uint64_t long_turns = 0;
  for (const server::ShardSnapshot& shard : now.shards) {
    turns.merge(shard.loop.turns);
    long_turns += shard.loop.long_turns_total;
  }
  write_histogram(out, "fanfare_turn_seconds",
                  "Turns of the event loop, from the end of one wait to the next wait", turns);
  out.single("fanfare_turns_long_total", "counter",
             "Turns of over 100 ms; the log names the step that took longest", long_turns);
  out.family("fanfare_shard_turn_seconds_max", "gauge",
             "The longest turn of the shard in the last 30 to 60 seconds");
  for (std::size_t i = 0; i < now.shards.size(); ++i) {
    out.sample(fractional_seconds(now.shards[i].loop.longest), {{"shard", fmt::to_string(i)}});
  }
  out.family("fanfare_shard_loop_seconds_total", "counter",
             "Time of the shard's loop: waiting, in the kernel for sends, and its own work");
  for (std::size_t i = 0; i < now.shards.size(); ++i) {
    const server::LoopTimes& loop = now.shards[i].loop;
    const std::string shard = fmt::to_string(i);
    out.sample(fractional_seconds(loop.waiting), {{"shard", shard}, {"in", "waiting"}});
    out.sample(fractional_seconds(loop.submitting), {{"shard", shard}, {"in", "kernel"}});
    out.sample(loop.turns.sum_seconds() - fractional_seconds(loop.submitting),
               {{"shard", shard}, {"in", "own"}});
  }
}

void write_limits(Exposition& out, const server::Snapshot& now,
                  const std::vector<server::LimitFigure>& limits) {
  out.single("fanfare_limit_connections", "gauge",
             "[limits] connections: what all shards together can hold", now.connections_max);
  for (const server::LimitFigure& limit : limits) {
    if (limit.name == "connections") continue;
    std::visit(
        [&](auto value) {
          out.single(fmt::format("fanfare_limit_{}", limit.name), "gauge", limit.help, value);
        },
        limit.value);
  }
}

// What the certificates' files say; there are none without TLS.
void write_expiries(Exposition& out, const server::Snapshot& now) {
  if (now.options->tls_expiries.empty()) return;
  out.family("fanfare_tls_expiry_timestamp_seconds", "gauge",
             "Until when a certificate, an authority of publishers' certificates or a list of "
             "revoked ones is good, in Unix time");
  for (const server::TlsExpiry& one : now.options->tls_expiries) {
    out.sample(static_cast<std::uint64_t>(std::max<std::int64_t>(one.unix_s, 0)),
               {{"kind", one.kind}, {"file", one.file}, {"name", one.name}});
  }
}

// The names every Prometheus client library uses.
void write_process(Exposition& out, const ProcessFigures& process) {
  out.single("process_cpu_seconds_total", "counter", "User and system time",
             fractional_seconds(process.cpu));
  out.single("process_resident_memory_bytes", "gauge", "Resident memory", process.resident_bytes);
  out.single("fanfare_memory_max_bytes", "gauge",
             "Memory that the process may have: the least of what the machine has, its cgroup "
             "allows and RLIMIT_RSS says",
             process.memory_max);
  out.single("process_virtual_memory_bytes", "gauge", "Virtual memory", process.virtual_bytes);
  out.single("process_open_fds", "gauge",
             "Open descriptors, without the connections in a ring's fixed table",
             process.descriptors);
  out.single("process_max_fds", "gauge", "Limit of open descriptors", process.descriptors_max);
  out.single("process_threads", "gauge", "Threads", process.threads);
  out.single("process_start_time_seconds", "gauge", "Start, in Unix time",
             static_cast<std::uint64_t>(process.start_unix_s));
}

}  // namespace

std::string metrics_text(const server::Snapshot& now,
                         const std::vector<server::LimitFigure>& limits,
                         const ProcessFigures& process) {
  Exposition out;
  write_identity(out, now);
  write_totals(out, now);
  write_closes(out, now);
  write_shards(out, now);
  write_log(out, now);
  write_journal(out, now.journal.value_or(journal::Figures{}));
  write_latency(out, now);
  write_loop(out, now);
  write_limits(out, now, limits);
  write_expiries(out, now);
  write_process(out, process);
  return out.take();
}

}  // namespace fanfare::admin
