#include "broker/client/listings.h"

#include <simdjson.h>

namespace fanfare::client {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

std::string text_of(const object& from, std::string_view name) {
  std::string_view text;
  return from[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

std::optional<std::uint64_t> number_of(const object& from, std::string_view name) {
  std::uint64_t number = 0;
  if (from[name].get(number) != simdjson::SUCCESS) return std::nullopt;
  return number;
}

std::uint64_t count_of(const object& from, std::string_view name) {
  return number_of(from, name).value_or(0);
}

bool is_set(const object& from, std::string_view name) {
  bool set = false;
  return from[name].get(set) == simdjson::SUCCESS && set;
}

ListedConnection connection_of(const object& row) {
  ListedConnection listed{.id = text_of(row, "id"),
                          .state = text_of(row, "state"),
                          .address = text_of(row, "address"),
                          .protocol = text_of(row, "protocol"),
                          .subject = text_of(row, "subject"),
                          .channels = {},
                          .channels_total = count_of(row, "channels_total"),
                          .age_ms = count_of(row, "age_ms"),
                          .lag_events = count_of(row, "lag_events"),
                          .lag_ms = count_of(row, "lag_ms"),
                          .queued_bytes = count_of(row, "queued_bytes"),
                          .stalled_ms = count_of(row, "stalled_ms"),
                          .lag_at_least = is_set(row, "lag_at_least"),
                          .tls = is_set(row, "tls"),
                          .tcp = {}};
  if (array channels; row["channels"].get(channels) == simdjson::SUCCESS) {
    for (const element channel : channels) {
      std::string_view name;
      if (channel.get(name) == simdjson::SUCCESS) listed.channels.emplace_back(name);
    }
  }
  if (object tcp; row["tcp"].get(tcp) == simdjson::SUCCESS) {
    listed.tcp.emplace();
    if (tcp["rtt_ms"].get(listed.tcp->rtt_ms) != simdjson::SUCCESS) listed.tcp->rtt_ms = 0;
    listed.tcp->retransmits = count_of(tcp, "retransmits");
    listed.tcp->unacked_bytes = count_of(tcp, "unacked_bytes");
    listed.tcp->sent_bytes = count_of(tcp, "sent_bytes");
  }
  return listed;
}

ListedChannel channel_of(const object& row) {
  return {.name = text_of(row, "name"),
          .subscribers = count_of(row, "subscribers"),
          .events = count_of(row, "events"),
          .bytes = count_of(row, "bytes"),
          .published = count_of(row, "published"),
          .events_s = number_of(row, "events_s")};
}

template <class Row, class Read>
std::optional<Listed<Row>> listed(std::string_view json, std::string_view member,
                                  const Read& read) {
  thread_local simdjson::dom::parser parser;
  object all;
  array rows;
  if (parser.parse(json.data(), json.size()).get(all) != simdjson::SUCCESS) return std::nullopt;
  if (all[member].get(rows) != simdjson::SUCCESS) return std::nullopt;
  Listed<Row> list{.total = count_of(all, "total"), .rows = {}};
  for (const element row : rows) {
    if (object one; row.get(one) == simdjson::SUCCESS) list.rows.push_back(read(one));
  }
  return list;
}

}  // namespace

std::optional<Listed<ListedConnection>> listed_connections(std::string_view json) {
  return listed<ListedConnection>(json, "connections", &connection_of);
}

std::optional<Listed<ListedChannel>> listed_channels(std::string_view json) {
  return listed<ListedChannel>(json, "channels", &channel_of);
}

std::optional<LiveReport> live_report(std::string_view json) {
  thread_local simdjson::dom::parser parser;
  object all;
  LiveReport report;
  if (parser.parse(json.data(), json.size()).get(all) != simdjson::SUCCESS) return std::nullopt;
  if (all["t"].get(report.unix_ms) != simdjson::SUCCESS) return std::nullopt;
  if (object rate; all["rate"].get(rate) == simdjson::SUCCESS) {
    if (rate["refused"].get(report.refused_s) != simdjson::SUCCESS) report.refused_s = 0;
  }
  if (object closed; all["closed"].get(closed) == simdjson::SUCCESS) {
    for (const auto& [reason, count] : closed) {
      std::uint64_t number = 0;
      if (count.get(number) == simdjson::SUCCESS) report.closed.emplace(reason, number);
    }
  }
  if (array closes; all["closes"].get(closes) == simdjson::SUCCESS) {
    for (const element one : closes) {
      object close;
      if (one.get(close) != simdjson::SUCCESS) continue;
      LiveReport::Close& kept = report.closes.emplace_back();
      kept.reason = text_of(close, "reason");
      kept.peer = text_of(close, "peer");
      kept.topics = text_of(close, "topics");
      if (close["t"].get(kept.unix_ms) != simdjson::SUCCESS) kept.unix_ms = report.unix_ms;
      if (close["lived_s"].get(kept.lived_s) != simdjson::SUCCESS) kept.lived_s = 0;
    }
  }
  return report;
}

}  // namespace fanfare::client
