#include "broker/server/streams/streams.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "broker/server/base/rules.h"
#include "broker/server/streams/wrap.h"
#include "broker/wire/sse/position.h"

#include "common/log.h"

namespace fanfare::server {
namespace {

using fanout::Framing;

constexpr std::string_view kStreamType = "text/event-stream; charset=utf-8";
constexpr std::string_view kRawType = "text/plain; charset=utf-8";

Framing framing_of(const Request& request, bool raw) {
  const bool chunked = request.body_end == BodyEnd::last_chunk;
  if (raw) return chunked ? Framing::raw_chunked : Framing::raw;
  return chunked ? Framing::chunked : Framing::plain;
}

}  // namespace

// no-transform keeps compressing middlewares away; nosniff, because text/plain is sniffed (R14,
// §4.1).
void begin_stream_head(bool raw, std::span<const http::Field> further, Response& response) {
  response.fields.add("Content-Type", raw ? kRawType : kStreamType);
  response.fields.add("Cache-Control", "no-store, no-cache, no-transform");
  response.fields.add("X-Accel-Buffering", "no");
  response.fields.add("X-Content-Type-Options", "nosniff");
  response.fields.add(further);
}

std::string Streams::id_text(fanout::Sequence sequence) const {
  return fanout::EventId{parts_.replica.epoch(), sequence}.text();
}

// What the shards were told of, and not how far this one has come: what was acknowledged, to
// anybody, was told before; and no event that is still to be published has such an id.
fanout::Sequence Streams::head() const {
  return parts_.switchboard.head.load(std::memory_order_acquire);
}

// Up to half as much again, so that the clients of a restarted broker do not return in one instant.
Duration Streams::jittered(Duration retry) {
  const auto half = static_cast<std::uint64_t>(retry.count()) / 2;
  return retry + Duration(static_cast<std::int64_t>(parts_.random.below(half + 1)));
}

std::string announcement(const Request& request, AnnouncePosition form, std::string_view id) {
  switch (form) {
    case AnnouncePosition::never:
      return {};
    case AnnouncePosition::always:
      return sse::position_text(sse::PositionForm::event, id);
    case AnnouncePosition::automatic:
      return sse::position_text(sse::position_form(request.head), id);
  }
  return {};
}

std::string Streams::gap(const Loss& loss, fanout::Sequence at, bool raw, const Options& options) {
  if (options.delivery.gap_event.empty() || raw) return {};
  ++parts_.counters.gaps_total;
  return sse::gap_text(options.delivery.gap_event, {.reason = loss.reason,
                                                    .after = loss.after,
                                                    .resumed = id_text(loss.resumed),
                                                    .id = id_text(at)});
}

Streams::Beginning Streams::find_beginning(const fanout::Feed* feed,
                                           const sse::SubscribeRequest& asked,
                                           const Options& options) {
  const fanout::Replica& replica = parts_.replica;
  if (!asked.cursor.empty()) return begin_at_id(feed, asked, options);
  if (asked.earliest) return {.cursor = replica.earliest(feed)};
  if (asked.since) return begin_since(feed, asked, options);
  if (asked.replay && asked.of_each) return begin_with_newest(feed, asked, options);
  if (asked.replay) return {.cursor = replica.replay_start(feed, *asked.replay)};
  return {.cursor = replica.target(feed)};
}

Streams::Beginning Streams::begin_at_id(const fanout::Feed* feed,
                                        const sse::SubscribeRequest& asked,
                                        const Options& options) {
  const fanout::Replica& replica = parts_.replica;
  Beginning beginning{.cursor = {}, .resumed = true};
  const auto id = fanout::EventId::parse(asked.cursor);
  const bool ours = id && id->epoch == replica.epoch();
  std::optional<sse::GapReason> reason;
  fanout::Sequence resumed = 0;
  if (!id || (ours && id->sequence > head())) {
    reason = sse::GapReason::unknown;
  } else if (!ours) {
    reason = sse::GapReason::restarted;
  }
  if (reason) {
    // All that is left follows; a busy channel may have lost what is newer than that.
    const auto read = parts_.replica.read(feed, fanout::Cursor{}, 1);
    beginning.cursor = read.gap ? read.gap->cursor : replica.earliest(feed);
    resumed = read.gap ? read.gap->resumed : beginning.cursor.at;
  } else {
    beginning.cursor = id->sequence;
    if (const auto read = parts_.replica.read(feed, beginning.cursor, 1); read.gap) {
      reason = sse::GapReason::evicted;
      beginning.cursor = read.gap->cursor;
      resumed = read.gap->resumed;
    }
  }
  if (reason) {
    beginning.gap = gap({.reason = *reason, .after = asked.cursor, .resumed = resumed},
                        beginning.cursor.at, asked.raw, options);
  }
  return beginning;
}

// As with the id that was the newest one then.
Streams::Beginning Streams::begin_since(const fanout::Feed* feed,
                                        const sse::SubscribeRequest& asked,
                                        const Options& options) {
  const auto place = parts_.replica.since(*asked.since);
  Beginning beginning{.cursor = place.value_or(0)};
  const auto read = parts_.replica.read(feed, beginning.cursor, 1);
  if (read.gap) beginning.cursor = read.gap->cursor;
  const fanout::Sequence resumed = read.gap ? read.gap->resumed : beginning.cursor.at;
  if (!place) {
    // What an earlier life of the broker may have had of that time is gone.
    beginning.gap = gap({.reason = sse::GapReason::restarted, .after = {}, .resumed = resumed},
                        beginning.cursor.at, asked.raw, options);
  } else if (read.gap) {
    const std::string after = id_text(*place);
    beginning.gap = gap({.reason = sse::GapReason::evicted, .after = after, .resumed = resumed},
                        beginning.cursor.at, asked.raw, options);
  }
  return beginning;
}

Streams::Beginning Streams::begin_with_newest(const fanout::Feed* feed,
                                              const sse::SubscribeRequest& asked,
                                              const Options& options) {
  const auto start =
      parts_.replica.newest_of_each(feed, asked.replay.value_or(0), options.limits.replay_channels);
  Beginning beginning{.cursor = start.cursor, .newest = start.newest};
  if (start.cut) {
    ++parts_.counters.replays_cut_total;
    beginning.gap =
        gap({.reason = sse::GapReason::limit, .after = {}, .resumed = beginning.cursor.at},
            beginning.cursor.at, asked.raw, options);
  }
  return beginning;
}

// Logged once in the life of the broker: every stream through that proxy would repeat it.
void Streams::count_http10(const Request& request) {
  ++parts_.counters.http10_streams_total;
  if (parts_.switchboard.http10_warned.exchange(true, std::memory_order_relaxed)) return;
  std::string_view by;
  for (const std::string_view name : {"via", "x-forwarded-for", "x-real-ip", "forwarded"}) {
    if (!request.head.value(name).empty()) by = " by way of a proxy";
  }
  log::warn(
      "an event stream was opened over HTTP/1.0{}: only a reset can tell \"come back\" from "
      "\"complete\" there. If that is nginx, write `proxy_http_version 1.1;` in its location "
      "(logged once; fanfare_http10_streams_total counts them)",
      by);
}

// The client has everything of channels that are finished: it need not come back.
bool Streams::nothing_follows(const fanout::Feed* feed, const Beginning& beginning) const {
  if (!parts_.replica.complete(feed) || !beginning.gap.empty()) return false;
  const auto read = parts_.replica.read(feed, beginning.cursor, 1, beginning.newest);
  // Ahead: the log has gone on, this shard does not know how.
  return !read.gap && !read.ahead && read.span.events == 0;
}

void Streams::open(const Request& request, const sse::SubscribeRequest& asked, const Terms& terms,
                   Response& response) {
  const StreamRules rules = stream_rules(terms.options, asked.topics);
  const Framing framing = framing_of(request, asked.raw);
  const std::vector<std::string_view> topics(asked.topics.begin(), asked.topics.end());
  fanout::Feed* const feed = parts_.replica.open(topics, framing);
  const Beginning beginning = find_beginning(feed, asked, terms.options);

  // Where the stream begins, for clients that read heads: where to resume from, until an event
  // brings a later id.
  const std::string begins = id_text(beginning.cursor.at);
  begin_stream_head(asked.raw, terms.fields, response);
  response.fields.add("Last-Event-ID", begins);
  const bool over = nothing_follows(feed, beginning);
  if (over || request.head.method == http::Method::head) {
    parts_.replica.release(feed);
    response.kind = over ? Response::Kind::whole : Response::Kind::stream;
    response.status = over ? 204 : 200;
    return;
  }

  response.kind = Response::Kind::stream;
  StreamStart& start = response.stream;
  start.feed = parts_.replica.number(feed);
  start.cursor = beginning.cursor;
  start.newest = beginning.newest;
  start.expires = terms.expires;
  start.life = terms.life;
  if (!asked.raw) {
    const sse::Wrap wrap = wrap_of(framing);
    const std::string place_text =
        beginning.resumed ? std::string() : announcement(request, terms.announce, begins);
    sse::append_wrapped(start.opening, wrap,
                        sse::opening_text(jittered(terms.retry.value_or(rules.retry)), place_text));
    sse::append_wrapped(start.opening, wrap, beginning.gap);
    const LimitOptions& limits = terms.options.limits;
    const Duration wish = asked.heartbeat.value_or(terms.heartbeat.value_or(rules.heartbeat));
    start.heartbeat = std::clamp(wish, limits.heartbeat_min, limits.heartbeat_max);
  }
  if (!terms.subscriber) return;
  start.query = terms.query;
  start.subject = terms.subject;
  start.presented = asked.cursor;
  ++parts_.counters.subscriptions_total;
  if (beginning.resumed) ++parts_.counters.resumed_total;
  if (request.body_end == BodyEnd::connection_close) count_http10(request);
}

bool Streams::admit_patterns(const std::vector<std::string>& topics, std::uint32_t patterns_max) {
  const std::vector<std::string_view> views(topics.begin(), topics.end());
  count_patterns();  // of streams that ended in this turn
  const auto more = static_cast<std::uint32_t>(parts_.replica.new_patterns(views));
  if (more == 0) return true;
  std::atomic<std::uint32_t>& all = parts_.switchboard.patterns;
  if (all.fetch_add(more, std::memory_order_relaxed) + more <= patterns_max) {
    patterns_ += more;
    return true;
  }
  all.fetch_sub(more, std::memory_order_relaxed);
  return false;
}

void Streams::count_patterns() {
  const auto count = static_cast<std::uint32_t>(parts_.replica.pattern_count());
  parts_.counters.patterns = count;
  if (count == patterns_) return;
  parts_.switchboard.patterns.fetch_add(count - patterns_, std::memory_order_relaxed);
  patterns_ = count;
}

void Streams::overload(const Request& request, const sse::SubscribeRequest& asked,
                       const Terms& terms, std::string_view reason, Response& response) {
  response.kind = Response::Kind::come_back;
  begin_stream_head(asked.raw, terms.fields, response);
  // To its client the stream was open: it is owed what is published before it comes back. A client
  // that asked for history will ask again.
  const bool newcomer = asked.cursor.empty() && !asked.earliest && !asked.replay && !asked.since;
  const std::string now = newcomer ? id_text(parts_.replica.head()) : std::string();
  if (newcomer) response.fields.add("Last-Event-ID", now);
  // Further away than usual, and spread wide, because a client that is sent this is one of very
  // many.
  const Duration retry = terms.retry.value_or(terms.options.delivery.retry) * 4;
  const auto spread = static_cast<std::uint64_t>(retry.count());
  const Duration when =
      retry + Duration(static_cast<std::int64_t>(parts_.random.below(spread + 1)));
  if (!asked.raw) {
    const std::string place = newcomer ? announcement(request, terms.announce, now) : std::string();
    const sse::Wrap wrap = wrap_of(framing_of(request, asked.raw));
    sse::append_wrapped(response.body, wrap, sse::opening_text(when, place, reason));
  }
  ++parts_.counters.overload_answers_total;
}

}  // namespace fanfare::server
