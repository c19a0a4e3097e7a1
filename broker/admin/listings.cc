#include "broker/admin/listings.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "broker/admin/json.h"

namespace fanfare::admin {
namespace {

// A stream may have hundreds: so many are named.
constexpr std::size_t kTopicsShown = 20;

std::string_view name_of(server::ConnectionFilter::Kind kind) {
  using Kind = server::ConnectionFilter::Kind;
  if (kind == Kind::publishers) return "publisher";
  return kind == Kind::admin ? "admin" : "subscriber";
}

std::uint64_t ms(Duration duration) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(duration / 1ms, 0));
}

void text_or_null(JsonWriter& json, std::string_view name, std::string_view text) {
  json.key(name);
  text.empty() ? json.null() : json.text(text);
}

// Where the next page begins; null: this is the last, or the last that may be asked for.
void write_page(JsonWriter& json, std::uint64_t total, std::uint32_t offset, std::size_t shown) {
  json.member("total", total).member("offset", std::uint64_t{offset}).key("next");
  const std::uint64_t next = offset + shown;
  const bool more = shown > 0 && next < total && next <= server::kListedMax - server::kShownMax;
  more ? json.number(next) : json.null();
}

void write_topics(JsonWriter& json, const server::ConnectionRow& row) {
  json.key("channels").begin_array();
  if (row.topics != nullptr) {
    const std::vector<std::string>& topics = row.topics->texts();
    for (std::size_t i = 0; i < std::min(kTopicsShown, topics.size()); ++i) json.string(topics[i]);
  }
  json.end_array();
  json.member("channels_total",
              std::uint64_t{row.topics == nullptr ? 0 : row.topics->texts().size()});
}

void write_tcp(JsonWriter& json, const server::ConnectionRow& row) {
  json.key("tcp");
  if (!row.tcp) {
    json.null();
    return;
  }
  json.begin_object()
      .member("rtt_ms", row.tcp->rtt_us / 1000.0)
      .member("unacked_segments", std::uint64_t{row.tcp->unacked_segments})
      .member("retransmits", std::uint64_t{row.tcp->retransmits_total})
      .member("unacked_bytes", row.tcp->unacked_bytes)
      .member("unsent_bytes", row.tcp->unsent_bytes)
      .member("sent_bytes", row.tcp->sent_bytes_total)
      .end_object();
}

void write_row(JsonWriter& json, const server::ConnectionRow& row) {
  json.begin_object();
  json.member("id", row.id).member("connection", row.socket).member("kind", name_of(row.kind));
  json.member("state", server::name_of(row.state)).member("address", row.address);
  text_or_null(json, "protocol", row.protocol);
  json.key("tls").boolean(row.tls);
  json.member("age_ms", ms(row.age));
  text_or_null(json, "subject", row.subject);
  text_or_null(json, "user_agent", row.agent);
  text_or_null(json, "query", row.query);
  write_topics(json, row);
  text_or_null(json, "position", row.position);
  json.member("lag_events", row.lag_events).key("lag_at_least").boolean(row.lag_at_least);
  json.member("lag_ms", ms(row.lag)).member("queued_bytes", row.queued_bytes);
  json.member("stalled_ms", ms(row.stalled));
  write_tcp(json, row);
  json.end_object();
}

}  // namespace

std::string connections_json(const server::ConnectionListing& listing) {
  JsonWriter json;
  json.begin_object();
  write_page(json, listing.total, listing.order.offset, listing.rows.size() + listing.gone);
  json.member("head", listing.head).key("connections").begin_array();
  for (const server::ConnectionRow& row : listing.rows) write_row(json, row);
  json.end_array().end_object();
  return json.take() + '\n';
}

std::string channels_json(const server::ChannelListing& listing) {
  JsonWriter json;
  json.begin_object();
  write_page(json, listing.total, listing.order.offset, listing.rows.size());
  json.key("channels").begin_array();
  for (const server::ChannelRow& row : listing.rows) {
    const auto id = [&](std::string_view name, fanout::Sequence sequence) {
      text_or_null(json, name,
                   sequence == 0 ? std::string() : fmt::format("{}-{}", listing.epoch, sequence));
    };
    json.begin_object().member("name", row.name).member("subscribers", row.subscribers);
    json.key("events_s");
    row.rate ? json.number(std::uint64_t{*row.rate}) : json.null();
    json.member("events", row.state.events).member("bytes", row.state.bytes);
    json.member("published", row.state.published_total);
    id("first", row.state.first);
    id("last", row.state.last);
    json.key("finished").boolean(row.state.finished).end_object();
  }
  json.end_array().end_object();
  return json.take() + '\n';
}

}  // namespace fanfare::admin
