#include "broker/admin/live.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/pattern.h"

namespace fanfare::admin {
namespace {

constexpr std::size_t kBusiestShown = 10;
constexpr std::size_t kClosesShown = 10;

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

std::uint64_t lag_of(const server::Snapshot& now) {
  std::uint64_t lag = 0;
  for (const server::ShardSnapshot& shard : now.shards) {
    lag = std::max(lag, shard.lag());
  }
  return lag;
}

void write_broker(JsonWriter& json, const server::Snapshot& now) {
  json.key("broker").begin_object();
  json.member("version", now.version).member("epoch", now.epoch).member("backend", now.backend);
  json.member("shards", std::uint64_t{now.shards.size()});
  json.member("uptime_s", fractional_seconds(now.uptime));
  json.key("draining").boolean(now.phase == server::BrokerPhase::draining);
  json.end_object();
}

void write_now(JsonWriter& json, const server::Snapshot& now, const server::Counters& totals) {
  json.key("now").begin_object();
  json.member("subscribers", totals.subscribers);
  json.member("behind", totals.subscribers_behind);
  json.member("connections", totals.connections_open);
  json.member("connections_max", now.connections_max);
  json.member("publishers", totals.ingest_connections_open);
  json.member("channels", now.channels);
  json.member("history_bytes", now.segment_bytes);
  json.member("history_bytes_max", now.options->history.total_bytes);
  json.member("lag_events", lag_of(now));
  json.member("unserved_bytes", totals.unserved_bytes);
  json.member("head", now.heads.appended.sequence);
  json.end_object();
}

void write_process(JsonWriter& json, const ProcessFigures& process, double cpu_cores) {
  json.key("process").begin_object();
  json.member("resident_bytes", process.resident_bytes);
  json.member("descriptors", process.descriptors);
  json.member("cpu_cores", cpu_cores);
  json.end_object();
}

// The last bucket has no bound of its own: "at least" the one below it.
Duration shown(Duration quantile) {
  return std::min(quantile,
                  server::LatencyHistogram::bound(server::LatencyHistogram::kBuckets - 2));
}

}  // namespace

LiveFeed::Past LiveFeed::remember(const server::Snapshot& now, const ProcessFigures& process) {
  Past past;
  past.uptime = now.uptime;
  past.totals = now.totals();
  past.cpu = process.cpu;
  for (const server::ShardSnapshot& shard : now.shards) {
    past.latency.merge(shard.latency);
    for (std::size_t i = 0; i < server::kCloseReasonCount; ++i)
      past.stream_ends[i] += shard.stream_ends[i];
    past.newest_close_ms.push_back(
        shard.recent_closes.empty() ? 0 : shard.recent_closes.back().unix_ms);
  }
  for (const server::ChannelSnapshot& channel : now.busiest) {
    past.published.emplace(channel.name, channel.state.published_total);
  }
  return past;
}

std::string LiveFeed::next(const server::Snapshot& now, const ProcessFigures& process,
                           std::int64_t unix_ms) {
  Past present = remember(now, process);
  const double seconds = fractional_seconds(present.uptime - past_.uptime);
  if (!std::exchange(begun_, true)) {
    past_ = std::move(present);
    return {};
  }
  if (seconds <= 0) return {};

  JsonWriter json;
  json.begin_object();
  json.member("t", unix_ms);
  write_broker(json, now);
  write_now(json, now, present.totals);
  write_rates(json, present, seconds);
  write_latency(json, present);
  write_process(json, process, fractional_seconds(present.cpu - past_.cpu) / seconds);
  write_busiest(json, now, seconds);
  write_closes(json, now, present);
  json.end_object();
  past_ = std::move(present);
  return json.take();
}

void LiveFeed::write_rates(JsonWriter& json, const Past& present, double seconds) const {
  const auto rate = [&](std::string_view name, std::uint64_t server::Counters::* counter) {
    const std::uint64_t grown = present.totals.*counter - past_.totals.*counter;
    json.member(name, static_cast<double>(grown) / seconds);
  };
  json.key("rate").begin_object();
  rate("events", &server::Counters::ingest_events_total);
  rate("event_bytes", &server::Counters::ingest_bytes_total);
  rate("deliveries", &server::Counters::deliveries_total);
  rate("sent_bytes", &server::Counters::sent_bytes_total);
  rate("sends", &server::Counters::sends_total);
  rate("sends_short", &server::Counters::sends_short_total);
  rate("subscriptions", &server::Counters::subscriptions_total);
  rate("resumed", &server::Counters::resumed_total);
  rate("gaps", &server::Counters::gaps_total);
  rate("refused", &server::Counters::requests_refused_total);
  json.end_object();
}

void LiveFeed::write_latency(JsonWriter& json, const Past& present) const {
  const server::LatencyHistogram recent = present.latency.since(past_.latency);
  json.key("latency");
  if (recent.count() == 0) {
    json.null();
    return;
  }
  json.begin_object();
  json.member("p50_ms", milliseconds(shown(recent.quantile(0.50))));
  json.member("p99_ms", milliseconds(shown(recent.quantile(0.99))));
  json.end_object();
}

void LiveFeed::write_busiest(JsonWriter& json, const server::Snapshot& now, double seconds) const {
  struct Row {
    const server::ChannelSnapshot* channel;
    std::optional<double> events_s;
  };
  std::vector<Row> rows;
  for (const server::ChannelSnapshot& channel : now.busiest) {
    if (is_hidden(channel.name)) continue;
    Row row{.channel = &channel, .events_s = {}};
    const auto before = past_.published.find(channel.name);
    // If there are fewer than before, it is another channel of the same name, which appeared in
    // between.
    if (before != past_.published.end() && before->second <= channel.state.published_total) {
      row.events_s = static_cast<double>(channel.state.published_total - before->second) / seconds;
    }
    rows.push_back(row);
  }
  // Channels whose rate is unknown keep the server's order among the quiet ones.
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    const double left = a.events_s.value_or(0);
    const double right = b.events_s.value_or(0);
    return left != right ? left > right : a.channel < b.channel;
  });
  if (rows.size() > kBusiestShown) rows.resize(kBusiestShown);

  json.key("busiest").begin_array();
  for (const Row& row : rows) {
    json.begin_object();
    json.member("name", row.channel->name).key("events_s");
    row.events_s ? json.number(*row.events_s) : json.null();
    json.member("subscribers", row.channel->receivers);
    json.end_object();
  }
  json.end_array();
}

void LiveFeed::write_closes(JsonWriter& json, const server::Snapshot& now,
                            const Past& present) const {
  json.key("closed").begin_object();
  for (std::size_t i = 0; i < server::kCloseReasonCount; ++i) {
    const std::uint64_t grown = present.stream_ends[i] - past_.stream_ends[i];
    if (grown > 0) json.member(server::name_of(static_cast<server::CloseReason>(i)), grown);
  }
  json.end_object();

  std::vector<const server::RecentClose*> closes;
  for (std::size_t shard = 0; shard < now.shards.size(); ++shard) {
    const std::int64_t told =
        shard < past_.newest_close_ms.size() ? past_.newest_close_ms[shard] : 0;
    for (const server::RecentClose& close : now.shards[shard].recent_closes) {
      if (close.unix_ms > told) closes.push_back(&close);
    }
  }
  std::sort(closes.begin(), closes.end(),
            [](const auto* a, const auto* b) { return a->unix_ms < b->unix_ms; });
  if (closes.size() > kClosesShown) {
    closes.erase(closes.begin(), closes.end() - static_cast<std::ptrdiff_t>(kClosesShown));
  }
  json.key("closes").begin_array();
  for (const server::RecentClose* close : closes) {
    json.begin_object();
    json.member("t", close->unix_ms).member("reason", server::name_of(close->reason));
    json.member("peer", close->peer).member("topics", close->topics);
    json.member("lived_s", fractional_seconds(close->lived));
    json.end_object();
  }
  json.end_array();
}

}  // namespace fanfare::admin
