#include "broker/server/streams/streams.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "broker/server/base/rules.h"
#include "broker/server/streams/voice.h"
#include "broker/wire/http/negotiation.h"
#include "broker/wire/sse/position.h"

#include "common/log.h"
#include "common/pattern.h"

namespace fanfare::server {
namespace {

using fanout::Framing;

std::string_view type_of(Framing framing) {
  if (is_raw(framing)) return "text/plain; charset=utf-8";
  if (is_json(framing)) return "application/x-ndjson; charset=utf-8";
  return "text/event-stream; charset=utf-8";
}

// How far apart it wants updates of one key.
Duration spacing_of(const sse::SubscribeRequest& asked) {
  return asked.max_rate == 0 ? Duration(0) : Duration(1s) / asked.max_rate;
}

// Whether the latest of some keys may be what such a stream begins with.
bool may_keep_keys(const Options& options, const std::vector<std::string>& topics) {
  return std::ranges::any_of(topics, [&](const std::string& topic) {
    if (!is_pattern(topic)) return history_of(options, topic).keep_latest;
    return std::ranges::any_of(options.channels,
                               [](const ChannelRule& rule) { return rule.keep == Keep::latest; });
  });
}

bool takes_chunks(const Request& request) {
  return request.body_end == BodyEnd::last_chunk;
}

}  // namespace

// Lines of JSON always name the channel; payloads alone never do.
Framing framing_of(const sse::SubscribeRequest& asked, bool chunked) {
  Framing framing = asked.with_channel ? Framing::named : Framing::plain;
  if (asked.with_key) framing = asked.with_channel ? Framing::named_keyed : Framing::keyed;
  if (asked.format == sse::Format::raw) framing = Framing::raw;
  if (asked.format == sse::Format::json) framing = Framing::json;
  return with_chunks(framing, chunked);
}

// no-transform keeps compressing middlewares away; nosniff, because text/plain is sniffed (R14,
// §4.1).
void begin_stream_head(Framing framing, std::span<const http::Field> further, Response& response) {
  response.fields.add("Content-Type", type_of(framing));
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

// No client keeps a line of JSON of itself.
std::optional<sse::PositionForm> announcement(const Request& request, AnnouncePosition announce,
                                              Framing framing) {
  switch (announce) {
    case AnnouncePosition::never:
      return {};
    case AnnouncePosition::always:
      return sse::PositionForm::event;
    case AnnouncePosition::automatic:
      break;
  }
  if (is_json(framing)) return {};
  return sse::position_form(request.head);
}

std::string Streams::gap(const Loss& loss, fanout::Sequence at, Framing framing,
                         const Options& options) {
  std::string text;
  if (options.delivery.gap_event.empty()) return text;
  const bool said = Voice(framing).gap(text, options.delivery.gap_event,
                                       {.reason = loss.reason,
                                        .after = loss.after,
                                        .resumed = id_text(loss.resumed),
                                        .id = id_text(at),
                                        .keys_kept = loss.keys_kept});
  if (said) ++parts_.counters.gaps_total;
  return text;
}

Streams::Beginning Streams::find_beginning(const fanout::Feed* feed,
                                           const sse::SubscribeRequest& asked,
                                           const Options& options) {
  fanout::Replica& replica = parts_.replica;
  if (!asked.cursor.empty()) return begin_at_id(feed, asked, options);
  if (asked.earliest) return {.cursor = replica.earliest(feed)};
  if (asked.since) return begin_since(feed, asked, options);
  if (asked.replay && asked.of_each) return begin_with_newest(feed, asked, options);
  if (asked.replay) return {.cursor = replica.replay_start(feed, *asked.replay)};
  if (const auto start = replica.snapshot(feed)) {
    ++parts_.counters.snapshots_total;
    return {.cursor = start->cursor, .newest = start->newest};
  }
  return {.cursor = replica.target(feed)};
}

// All keys, if channels have any, for one that begins with none because it is told of a gap; of
// channels without keys, what it missed.
void Streams::begin_anew(const fanout::Feed* feed, fanout::Sequence had,
                         Beginning& beginning) const {
  const auto start = parts_.replica.snapshot(feed);
  if (!start) return;
  ++parts_.counters.snapshots_total;
  beginning.cursor = start->cursor;
  beginning.newest = start->newest;
  beginning.cursor.at = std::min(beginning.cursor.at, had);
  beginning.newest.removals_after = std::min(had, start->newest.through);
  beginning.newest.others_after = had;
}

Streams::Beginning Streams::begin_at_id(const fanout::Feed* feed,
                                        const sse::SubscribeRequest& asked,
                                        const Options& options) {
  fanout::Replica& replica = parts_.replica;
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
    const auto read = replica.read(feed, beginning.cursor, 1);
    if (read.gap && !read.gap->thinned) {
      reason = sse::GapReason::evicted;
      beginning.cursor = read.gap->cursor;
      resumed = read.gap->resumed;
      begin_anew(feed, id->sequence, beginning);
    } else if (resumed = replica.thinned(feed, beginning.cursor); resumed > 0) {
      reason = sse::GapReason::conflated;
      beginning.cursor = replica.thinnings_known(feed, beginning.cursor);
    }
  }
  if (reason) {
    beginning.gap = gap({.reason = *reason, .after = asked.cursor, .resumed = resumed},
                        beginning.cursor.at, parts_.replica.framing(feed), options);
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
                        beginning.cursor.at, parts_.replica.framing(feed), options);
  } else if (read.gap) {
    const std::string after = id_text(*place);
    beginning.gap = gap({.reason = reason_of(*read.gap), .after = after, .resumed = resumed},
                        beginning.cursor.at, parts_.replica.framing(feed), options);
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
            beginning.cursor.at, parts_.replica.framing(feed), options);
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

// Compressed, if the client takes that and there is a compressor for it.
fanout::Feed* Streams::open_feed(const Request& request, const sse::SubscribeRequest& asked,
                                 const Terms& terms, bool compress) {
  const Framing framing = framing_of(asked, takes_chunks(request));
  const std::vector<std::string_view> topics(asked.topics.begin(), asked.topics.end());
  const Duration spacing = spacing_of(asked);
  if (compress && http::prefers_coding(request.head, "gzip")) {
    fanout::Feed* const feed = parts_.replica.open(topics, gzipped(framing), spacing);
    if (parts_.gzip.enter(parts_.replica.number(feed), terms.options.limits.compressors)) {
      return feed;
    }
    parts_.replica.release(feed);
  }
  return parts_.replica.open(topics, framing, spacing);
}

void Streams::release(fanout::Feed* feed) {
  if (is_gzipped(parts_.replica.framing(feed))) parts_.gzip.leave(parts_.replica.number(feed));
  parts_.replica.release(feed);
}

void Streams::pack_opening(Framing framing, StreamStart& start) {
  start.said.add(start.opening);
  std::string packed(http::kGzipHead);
  http::append_stored(packed, start.opening);
  start.opening.clear();
  const sse::Wrap wrap = is_chunked(framing) ? sse::Wrap::chunk : sse::Wrap::bare;
  sse::append_wrapped(start.opening, wrap, packed);
}

void Streams::open(const Request& request, const sse::SubscribeRequest& asked, const Terms& terms,
                   Response& response) {
  const StreamRules rules = stream_rules(terms.options, asked.topics);
  fanout::Feed* const feed = open_feed(request, asked, terms, rules.compress);
  const Framing framing = parts_.replica.framing(feed);
  const Beginning beginning = find_beginning(feed, asked, terms.options);

  // Where the stream begins, for clients that read heads: where to resume from, until an event
  // brings a later id.
  const std::string begins = id_text(beginning.cursor.at);
  begin_stream_head(framing, terms.fields, response);
  response.fields.add("Last-Event-ID", begins);
  if (rules.compress) response.fields.add("Vary", "Accept-Encoding");
  const bool over = nothing_follows(feed, beginning);
  if (is_gzipped(framing) && !over) response.fields.add("Content-Encoding", "gzip");
  if (over || request.head.method == http::Method::head) {
    release(feed);
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
  if (!is_raw(framing)) {
    const auto form =
        beginning.resumed ? std::nullopt : announcement(request, terms.announce, framing);
    Voice(framing).open(start.opening, jittered(terms.retry.value_or(rules.retry)), form, begins);
    start.opening += beginning.gap;
    start.heartbeat_event = parts_.heartbeats.take(terms.heartbeat_event);
    const LimitOptions& limits = terms.options.limits;
    const Duration wish = asked.heartbeat.value_or(terms.heartbeat.value_or(rules.heartbeat));
    start.heartbeat = std::clamp(wish, limits.heartbeat_min, limits.heartbeat_max);
  }
  if (is_gzipped(framing)) pack_opening(framing, start);
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
  const Framing framing = framing_of(asked, takes_chunks(request));
  begin_stream_head(framing, terms.fields, response);
  // To its client the stream was open: it is owed what is published before it comes back. A client
  // that asked for history will ask again; so will one that is to begin with the latest of each
  // key, which an id of now would take from it.
  const bool newcomer = asked.cursor.empty() && !asked.earliest && !asked.replay && !asked.since &&
                        !may_keep_keys(terms.options, asked.topics);
  const std::string now = newcomer ? id_text(parts_.replica.head()) : std::string();
  if (newcomer) response.fields.add("Last-Event-ID", now);
  // Further away than usual, and spread wide, because a client that is sent this is one of very
  // many.
  const Duration retry = terms.retry.value_or(terms.options.delivery.retry) * 4;
  const auto spread = static_cast<std::uint64_t>(retry.count());
  const Duration when =
      retry + Duration(static_cast<std::int64_t>(parts_.random.below(spread + 1)));
  const auto form = newcomer ? announcement(request, terms.announce, framing) : std::nullopt;
  const bool silent = terms.announce == AnnouncePosition::never;
  Voice(framing).overload(response.body, when, form, silent ? "" : now, reason);
  ++parts_.counters.overload_answers_total;
}

}  // namespace fanfare::server
