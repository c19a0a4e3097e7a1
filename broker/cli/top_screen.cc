#include "broker/cli/top_screen.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>

namespace fanfare::cli {
namespace {

constexpr std::string_view kLatency = "fanfare_publish_to_send_seconds";

std::string readable_uptime(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  if (whole < 86'400) return fmt::format("{} h {} min", whole / 3600, whole / 60 % 60);
  return fmt::format("{} d {} h", whole / 86'400, whole / 3600 % 24);
}

// A line: a name, then its text.
std::string line(std::string_view name, std::string_view text) {
  return fmt::format("{:<13}{}\n", name, text);
}

std::string closes(const MetricsReading& after, const MetricsInterval& interval) {
  std::string text;
  for (const std::string& reason : after.labels("fanfare_closes_total", "reason")) {
    const double rate = interval.rate(fmt::format("fanfare_closes_total{{reason=\"{}\"}}", reason));
    if (rate <= 0) continue;
    text += fmt::format("{}{} {}/s", text.empty() ? "" : ", ", reason, readable_count(rate));
  }
  return text.empty() ? "none" : text;
}

std::string shards(const MetricsReading& after, const MetricsInterval& interval) {
  std::string text = fmt::format("{:<13}{:>12}{:>13}{:>15}{:>12}{:>12}\n", "shard", "connections",
                                 "subscribers", "deliveries/s", "turns/s", "lag");
  for (const std::string& shard : after.labels("fanfare_shard_lag_events", "shard")) {
    const auto series = [&](std::string_view family) {
      return fmt::format("fanfare_shard_{}{{shard=\"{}\"}}", family, shard);
    };
    text += fmt::format("{:<13}{:>12}{:>13}{:>15}{:>12}{:>12}\n", shard,
                        readable_count(after.value(series("connections_open"))),
                        readable_count(after.value(series("subscribers"))),
                        readable_count(interval.rate(series("deliveries_total"))),
                        readable_count(interval.rate(series("turns_total"))),
                        readable_count(after.value(series("lag_events"))));
  }
  return text;
}

}  // namespace

std::string readable_count(double count) {
  constexpr double kMillion = 1e6;
  if (count >= 10 * kMillion) return fmt::format("{:.1f} M", count / kMillion);
  if (count > 0 && count < 10 && std::floor(count) != count) return fmt::format("{:.1f}", count);
  std::string digits = fmt::format("{:.0f}", count);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

std::string readable_bytes(double bytes) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

std::string readable_seconds(double seconds) {
  if (seconds <= 0) return "-";
  if (seconds < 1e-3) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.1f} ms", seconds * 1e3);
  return fmt::format("{:.1f} s", seconds);
}

std::string top_screen(std::string_view address, const MetricsReading& before,
                       const MetricsReading& after) {
  const MetricsInterval interval(before, after);
  const auto count = [&](std::string_view name) {
    return readable_count(after.value(fmt::format("fanfare_{}", name)));
  };
  const auto many = [&](std::string_view name, std::string_view noun) {
    const bool one = after.value(fmt::format("fanfare_{}", name)) == 1;
    return fmt::format("{} {}{}", count(name), noun, one ? "" : "s");
  };
  const auto rate = [&](std::string_view name) {
    return interval.rate(fmt::format("fanfare_{}", name));
  };
  const double sends = rate("sends_total");
  const double per_send = sends > 0 ? rate("deliveries_total") / sends : 0;
  std::string text = fmt::format(
      "fanfare {} at {}, up {}, epoch {}, {}{}\n\n", after.label("fanfare_info", "version"),
      address, readable_uptime(after.value("fanfare_uptime_seconds")),
      after.label("fanfare_info", "epoch"), after.label("fanfare_info", "backend"),
      after.value("fanfare_draining") > 0 ? ", DRAINING" : "");
  text +=
      line("subscribers",
           fmt::format("{} ({} behind), {} new/s, {} resumed/s, {} gaps/s", count("subscribers"),
                       count("subscribers_behind"), readable_count(rate("subscriptions_total")),
                       readable_count(rate("resumed_total")), readable_count(rate("gaps_total"))));
  text += line("connections", fmt::format("{} of {}, {} accepted/s", count("connections_open"),
                                          count("limit_connections"),
                                          readable_count(rate("connections_accepted_total"))));
  text += line("published", fmt::format("{} events/s, {}/s, {}, {} refused/s",
                                        readable_count(rate("ingest_events_total")),
                                        readable_bytes(rate("ingest_bytes_total")),
                                        many("ingest_connections_open", "publisher"),
                                        readable_count(rate("ingest_errors_total"))));
  text += line("delivered", fmt::format("{} events/s, {}/s, {:.1f} events per send",
                                        readable_count(rate("deliveries_total")),
                                        readable_bytes(rate("sent_bytes_total")), per_send));
  text += line("latency", fmt::format("p50 {}, p99 {} from publish to send",
                                      readable_seconds(interval.quantile(kLatency, 0.50)),
                                      readable_seconds(interval.quantile(kLatency, 0.99))));
  text +=
      line("history", fmt::format("{}, {} of {}, head {}", many("log_channels", "channel"),
                                  readable_bytes(after.value("fanfare_log_segment_bytes")),
                                  readable_bytes(after.value("fanfare_limit_history_total_bytes")),
                                  count("log_head")));
  text += line("memory", readable_bytes(after.value("process_resident_memory_bytes")));
  text += line("closed", closes(after, interval));
  return text + "\n" + shards(after, interval);
}

std::string top_summary(std::string_view address, const MetricsReading& before,
                        const MetricsReading& after) {
  const MetricsInterval interval(before, after);
  return fmt::format(
      "fanfare {} at {}, up {}{}\n{} subscribers ({} behind), {} events/s in, {} out, p99 {}\n"
      "closed {}\n",
      after.label("fanfare_info", "version"), address,
      readable_uptime(after.value("fanfare_uptime_seconds")),
      after.value("fanfare_draining") > 0 ? ", DRAINING" : "",
      readable_count(after.value("fanfare_subscribers")),
      readable_count(after.value("fanfare_subscribers_behind")),
      readable_count(interval.rate("fanfare_ingest_events_total")),
      readable_count(interval.rate("fanfare_deliveries_total")),
      readable_seconds(interval.quantile(kLatency, 0.99)), closes(after, interval));
}

std::string top_line(const MetricsReading& before, const MetricsReading& after) {
  const MetricsInterval interval(before, after);
  return fmt::format(
      "subscribers={:.0f} behind={:.0f} connections={:.0f} published_per_second={:.1f} "
      "delivered_per_second={:.1f} sent_bytes_per_second={:.0f} latency_p99_seconds={:.6f} "
      "gaps_per_second={:.1f}\n",
      after.value("fanfare_subscribers"), after.value("fanfare_subscribers_behind"),
      after.value("fanfare_connections_open"), interval.rate("fanfare_ingest_events_total"),
      interval.rate("fanfare_deliveries_total"), interval.rate("fanfare_sent_bytes_total"),
      interval.quantile(kLatency, 0.99), interval.rate("fanfare_gaps_total"));
}

}  // namespace fanfare::cli
