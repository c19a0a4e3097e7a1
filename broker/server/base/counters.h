// One table per kind of fact: what a shard counts, and why connections end. The Prometheus text,
// the live page and docs/METRICS.md come from these tables. Plain integers, each written by one
// shard only; other threads see them through Snapshot, a copy that each shard makes ten times a
// second.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/fanout/sequencer.h"
#include "broker/journal/figures.h"
#include "broker/server/base/heads.h"
#include "broker/server/base/options.h"
#include "broker/server/base/phase.h"

#include "common/time.h"

namespace fanfare::server {

// X(name, prometheus type, help)
#define FANFARE_COUNTERS(X)                                                                        \
  X(connections_accepted_total, "counter", "Connections accepted on subscriber listeners")         \
  X(connections_open, "gauge", "Connections open on subscriber listeners")                         \
  X(connections_refused_total, "counter", "Connections closed at once because the table was full") \
  X(proxy_headers_total, "counter", "Connections whose front used the PROXY protocol")             \
  X(proxy_refused_total, "counter",                                                                \
    "Connections refused for the PROXY protocol: not trusted, malformed, or without it")           \
  X(tls_handshakes_total, "counter", "TLS handshakes that succeeded")                              \
  X(tls_resumed_total, "counter", "TLS handshakes that a session ticket made short")               \
  X(tls_failed_total, "counter", "TLS connections that failed, in the handshake or later")         \
  X(tls_certificates_refused_total, "counter",                                                     \
    "TLS connections that failed for want of a good client certificate; the log says which")       \
  X(tls_refused_total, "counter", "Connections closed: no place was left for a TLS handshake")     \
  X(tls_deferred_total, "counter", "Times a TLS handshake waited for the next turn of the loop")   \
  X(subscribers, "gauge", "Event streams open")                                                    \
  X(subscribers_behind, "gauge", "Event streams that are catching up or blocked")                  \
  X(subscriptions_total, "counter", "Event streams begun")                                         \
  X(resumed_total, "counter", "Event streams begun with a cursor")                                 \
  X(positions_total, "counter", "Answers to GET /position")                                        \
  X(polls_total, "counter", "Answers to ?poll=1")                                                  \
  X(polls_waiting, "gauge", "Polls that wait for an event")                                        \
  X(snapshots_total, "counter", "Streams and polls that began with the latest event of each key")  \
  X(conflated_total, "counter", "Events sent as the latest of their keys, in place of all")        \
  X(replays_cut_total, "counter", "Replays of each channel cut by [limits] replay_channels")       \
  X(http10_streams_total, "counter",                                                               \
    "Event streams begun over HTTP/1.0, which ends them by reset")                                 \
  X(h2_connections_open, "gauge", "Connections open that speak HTTP/2")                            \
  X(h2_connections_total, "counter", "Connections that began to speak HTTP/2")                     \
  X(h2_memory_bytes, "gauge", "Memory of the HTTP/2 sessions of a shard, in nghttp2")              \
  X(h2_violations_total, "counter", "HTTP/2 connections ended because the client broke the rules") \
  X(h2_streams_refused_total, "counter",                                                           \
    "HTTP/2 requests refused: answers left unread, or too many heads that wait")                   \
  X(h2_streams_starving_total, "counter",                                                          \
    "HTTP/2 streams ended since they held, unread, the window that others needed")                 \
  X(h2_answers_stalled_total, "counter", "HTTP/2 answers of which nothing was taken for a stall")  \
  X(h2_flood_resets_total, "counter", "HTTP/2 clients told to be calm: they reset streams")        \
  X(h2_flood_provoked_resets_total, "counter", "The same: they made the broker reset streams")     \
  X(h2_flood_settings_total, "counter", "The same: SETTINGS")                                      \
  X(h2_flood_pings_total, "counter", "The same: PING")                                             \
  X(h2_flood_empty_data_total, "counter", "The same: DATA without bytes")                          \
  X(h2_flood_window_updates_total, "counter", "The same: WINDOW_UPDATE")                           \
  X(h2_flood_priorities_total, "counter", "The same: PRIORITY")                                    \
  X(h2_flood_continuations_total, "counter", "The same: CONTINUATION")                             \
  X(h2_flood_other_frames_total, "counter", "The same: frames without a use")                      \
  X(h2_flood_field_lists_total, "counter", "The same: header lists of absurd length")              \
  X(h2_flood_unread_answers_total, "counter", "The same: they did not read what they asked for")   \
  X(gaps_total, "counter", "Gap events sent")                                                      \
  X(deliveries_total, "counter", "Events handed to sockets, counted once per subscriber")          \
  X(sends_total, "counter", "Send operations to subscribers")                                      \
  X(sent_bytes_total, "counter", "Bytes handed to subscribers' sockets")                           \
  X(sends_short_total, "counter", "Sends that a full socket cut or refused")                       \
  X(compressors, "gauge", "Feeds that are compressed, each shard's own")                           \
  X(compressors_refused_total, "counter",                                                          \
    "Streams not compressed because of [limits] compressors")                                      \
  X(compressed_text_bytes_total, "counter", "Text that was compressed, once for all its readers")  \
  X(compressed_bytes_total, "counter", "What became of that text, likewise counted once")          \
  X(heartbeats_total, "counter", "Heartbeats sent")                                                \
  X(heartbeat_events_refused_total, "counter",                                                     \
    "Streams told to come back because of [limits] heartbeat_events")                              \
  X(requests_total, "counter", "Requests on subscriber listeners")                                 \
  X(requests_refused_total, "counter", "Requests answered with a 4xx or 5xx status")               \
  X(bodies_refused_total, "counter", "Request bodies not read: too large, or too many at a time")  \
  X(patterns, "gauge", "Different patterns that streams subscribe to, each shard's own")           \
  X(patterns_refused_total, "counter", "Streams refused or told to come back because of patterns") \
  X(queries_bytes, "gauge", "Bytes kept of streams' queries and subjects, for watchers")           \
  X(queries_dropped_total, "counter", "Queries and subjects not kept: [limits] queries_bytes")     \
  X(tokens_verified_total, "counter", "Subscribers' tokens verified by their signature")           \
  X(tokens_known_total, "counter", "Subscribers' tokens that had been verified before")            \
  X(tokens_missing_total, "counter", "Streams refused because no token was presented")             \
  X(tokens_refused_total, "counter", "Streams refused because their token is not good")            \
  X(tokens_too_narrow_total, "counter", "Streams refused because their token does not grant them") \
  X(tickets_issued_total, "counter", "Tickets issued to applications")                             \
  X(tickets_full_total, "counter", "Tickets not issued, for [limits] tickets")                     \
  X(tickets_used_total, "counter", "Streams asked for with a good ticket")                         \
  X(tickets_refused_total, "counter", "Streams refused because their ticket was used or is old")   \
  X(overload_answers_total, "counter", "Event streams told to come back later")                    \
  X(connections_over_address_total, "counter",                                                     \
    "Connections closed because of [limits] connections_per_address")                              \
  X(streams_over_address_total, "counter",                                                         \
    "Streams told to come back because of [limits] streams_per_address")                           \
  X(requests_over_address_total, "counter",                                                        \
    "Requests refused because of [limits] requests_per_address")                                   \
  X(streams_over_token_total, "counter",                                                           \
    "Streams told to come back because of [limits] streams_per_token")                             \
  X(requests_over_token_total, "counter",                                                          \
    "Requests refused because of [limits] requests_per_token")                                     \
  X(clients_counted, "gauge", "Addresses and bearers of tokens that are counted for their limits") \
  X(clients_uncounted_total, "counter", "Connections and streams not counted: [limits] clients")   \
  X(streams_outlived_total, "counter", "Streams told to come back because of stream_life")         \
  X(accept_errors_total, "counter", "accept() failures (descriptors, memory)")                     \
  X(admin_connections_open, "gauge", "Connections open on the admin listener")                     \
  X(admin_connections_refused_total, "counter",                                                    \
    "Connections to the admin listener closed at once: 64 were open")                              \
  X(admin_requests_total, "counter", "Requests on the admin listener")                             \
  X(admin_refused_total, "counter",                                                                \
    "Requests on the admin listener refused for want of the token")                                \
  X(admin_streams, "gauge", "Event streams open on the admin listener: live pages")                \
  X(ingest_connections_open, "gauge", "Publisher connections open")                                \
  X(ingest_connections_total, "counter", "Publisher connections accepted")                         \
  X(ingest_connections_refused_total, "counter",                                                   \
    "Publishers turned away: [limits] ingest_connections were open")                               \
  X(publish_connections_open, "gauge", "Publisher connections open over TCP")                      \
  X(publish_connections_total, "counter", "Publisher connections accepted over TCP")               \
  X(publish_connections_refused_total, "counter",                                                  \
    "Publishers over TCP turned away: [limits] publish_connections were open")                     \
  X(publish_tokens_verified_total, "counter", "Publishers' tokens verified by their signature")    \
  X(publish_tokens_known_total, "counter", "Publishers' tokens that had been verified before")     \
  X(publish_tokens_missing_total, "counter", "Requests over TCP refused for want of a good token") \
  X(publish_tokens_refused_total, "counter", "Publishers' tokens that are not good")               \
  X(publish_certificates_total, "counter", "Times a publisher's certificate stood for a token")    \
  X(publish_certificates_unknown_total, "counter",                                                 \
    "Times a publisher's certificate had none of the names of [[publish.client]]")                 \
  X(publish_not_granted_total, "counter", "Requests over TCP beyond what the token grants")        \
  X(ingest_requests_total, "counter", "Requests of publishers that speak HTTP")                    \
  X(ingest_events_total, "counter", "Events published")                                            \
  X(ingest_bytes_total, "counter", "Bytes of data published")                                      \
  X(ingest_errors_total, "counter", "Publishes refused, each with its reason to the publisher")    \
  X(ingest_channels_full_total, "counter",                                                         \
    "Publishes refused because they would have made a channel more than [limits] channels")        \
  X(ingest_transactions_total, "counter", "Transactions carried out (MULTI ... EXEC)")             \
  X(ingest_transactions_refused_total, "counter",                                                  \
    "Transactions that published nothing (EXECABORT)")                                             \
  X(ingest_queue_full_total, "counter", "Commands refused in MULTI: no room to wait for EXEC")     \
  X(watch_notices_missed_total, "counter", "Notices not sent to watchers that did not read")       \
  X(watches_begun_anew_total, "counter", "Times a watcher was sent its list anew for that")        \
  X(rolls_total, "counter", "Times a publisher asked who subscribes to a channel")                 \
  X(rolls_late_total, "counter", "Such questions that a shard did not answer in time")             \
  X(ingest_paused_total, "counter", "Times publishers were slowed because shards were behind")     \
  X(upstream_connections_open, "gauge", "Connections open to applications and hooks")              \
  X(upstream_connections_total, "counter", "Connections begun to applications and hooks")          \
  X(upstream_requests_total, "counter", "Requests about which an application was asked")           \
  X(upstream_waiting, "gauge", "Requests that wait for a connection to their application")         \
  X(upstream_attached_total, "counter", "Requests that an application attached to channels")       \
  X(upstream_resumed_total, "counter", "Requests with a cursor attached again without asking")     \
  X(upstream_passed_total, "counter", "Answers of applications passed on to clients")              \
  X(upstream_retries_total, "counter",                                                             \
    "Requests sent again because a kept connection had been closed")                               \
  X(upstream_abandoned_total, "counter", "Requests whose client left, or whose time was up")       \
  X(upstream_slow_total, "counter", "Applications that did not answer within upstream_time")       \
  X(upstream_down_total, "counter", "Applications that could not be reached")                      \
  X(upstream_cut_total, "counter", "Answers of applications that broke off")                       \
  X(upstream_nonsense_total, "counter",                                                            \
    "Answers of applications that are not HTTP, or attach to nothing valid")                       \
  X(upstream_too_large_total, "counter", "Answers larger than [limits] upstream_answer_bytes")     \
  X(access_lines_total, "counter", "Lines of the access log")                                      \
  X(access_lines_left_out_total, "counter",                                                        \
    "Lines that the access log lacks: the disk could not keep up")                                 \
  X(hook_posts_total, "counter", "Posts sent to hooks, repetitions included")                      \
  X(hook_events_total, "counter", "Events of channels that hooks have taken")                      \
  X(hook_retries_total, "counter", "Posts to hooks that failed and are repeated")                  \
  X(hook_events_given_up_total, "counter", "Events in posts to hooks that were given up")          \
  X(hook_resets_total, "counter", "Times a hook was told to begin anew")                           \
  X(hook_overflows_total, "counter", "Times more channels waited for a hook than hook_channels")   \
  X(hook_channels_waiting, "gauge", "Channels of which a hook has still to be told")               \
  X(turns_total, "counter", "Turns of the event loop")                                             \
  X(mailbox_messages_total, "counter", "Messages taken from the mailbox")                          \
  X(unserved_bytes, "gauge", "Bytes applied but not yet handed to every caught-up subscriber")

struct Counters {
#define X(name, type, help) std::uint64_t name = 0;
  FANFARE_COUNTERS(X)
#undef X
};

// Why a connection ended. X(name, help)
#define FANFARE_CLOSE_REASONS(X)                                                             \
  X(peer_closed, "the peer closed, or sent QUIT")                                            \
  X(peer_reset, "the peer reset, or its network failed")                                     \
  X(stream_complete, "every channel was finished: a clean end")                              \
  X(not_keep_alive, "the answer was sent on a connection that is not kept alive")            \
  X(bad_request, "malformed HTTP, refused with a status and closed")                         \
  X(head_timeout, "no whole request head, body or TLS handshake in time")                    \
  X(idle_timeout, "a keep-alive connection with no further request")                         \
  X(slow_stalled, "a subscriber accepted no bytes for longer than the stall limit")          \
  X(slow_evicted, "a subscriber fell out of the window (slow = \"disconnect\")")             \
  X(slow_starving, "HTTP/2: a stream not read held the window that others needed")           \
  X(overloaded, "told to come back later")                                                   \
  X(drained, "told to come back because the broker was stopping")                            \
  X(token_expired, "told to come back because the token had expired")                        \
  X(publish_refused, "a publisher over TCP presented no good token")                         \
  X(ingest_protocol, "a publisher used none of the three dialects, or violated its own")     \
  X(ingest_refused, "a publisher's user is not in [listen] ingest_users")                    \
  X(expired, "told to come back because its application's permission expired")               \
  X(upstream_closed, "a connection to an application that ended, or is not needed")          \
  X(front_refused, "the PROXY protocol was malformed, missing, or not from a trusted front") \
  X(lived_out, "told to come back because its longest life (stream_life) was over")          \
  X(h2_violation, "an HTTP/2 client broke the rules of the protocol")                        \
  X(h2_flood, "an HTTP/2 client was told to be calm: it asked for too much of no use")       \
  X(tls_failed, "the TLS handshake failed, or the peer broke the rules of TLS")              \
  X(dismissed, "an operator closed it; a stream's client is told to come back")              \
  X(journal_failed, "a publisher's answer waited for the journal, which cannot be written")  \
  X(handed_over, "nothing ended: the connection goes on in the process that took over")

enum class CloseReason : std::uint8_t {
#define X(name, help) name,
  FANFARE_CLOSE_REASONS(X)
#undef X
};
#define X(name, help) +1  // NOLINT(bugprone-macro-parentheses): a term of a sum
inline constexpr std::size_t kCloseReasonCount = 0 FANFARE_CLOSE_REASONS(X);
#undef X
std::string_view name_of(CloseReason reason);

// Publish-to-send latency: log2 buckets with four even steps each, from 64 us up (64, 80, 96, 112,
// 128, 160, ... us); the value counted is the time from the commit of an event to the submit of the
// sends that carry it, once per delivery.
class LatencyHistogram {
 public:
  static constexpr std::size_t kBuckets = 80;
  void add(Duration latency, std::uint64_t count);
  void merge(const LatencyHistogram& other);
  // What was added after `earlier`, which is an older copy of this histogram.
  LatencyHistogram since(const LatencyHistogram& earlier) const;
  std::uint64_t count() const { return count_; }
  // A double: nanoseconds times deliveries would overflow 64 bits within days of heavy fan-out.
  double sum_seconds() const { return sum_seconds_; }
  // Upper bound of bucket `index`, itself included. The last bucket takes everything above 50 s:
  // its bound is Duration::max().
  static Duration bound(std::size_t index);
  std::uint64_t bucket(std::size_t index) const { return buckets_[index]; }
  // The upper bound of the bucket in which the q-quantile lies (0 < q <= 1); 0 when empty.
  Duration quantile(double q) const;

 private:
  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  double sum_seconds_ = 0;
};

// A connection that ended not long ago, for the live page.
struct RecentClose {
  std::int64_t unix_ms = 0;
  CloseReason reason{};
  std::string peer;
  std::string topics;  // of the subscription, cut to 80 bytes; empty if there was none
  Duration lived{};
};

// Where the time of a shard's loop went, since it began (broker/server/base/loop_time.h).
struct LoopTimes {
  Duration waiting{};      // for the kernel, with nothing to do
  Duration submitting{};   // in the kernel, carrying out sends
  LatencyHistogram turns;  // each turn, with what it submitted; its sum is all but the waiting
  std::uint64_t long_turns_total = 0;
  Duration longest{};  // turn of the last 30 to 60 seconds
};

struct ShardSnapshot {
  Counters counters;
  LoopTimes loop;
  std::array<std::uint64_t, kCloseReasonCount> closes{};       // of connections
  std::array<std::uint64_t, kCloseReasonCount> stream_ends{};  // a connection may outlive several
  LatencyHistogram latency;
  // How far the shard has applied the log, and how far the shards had been told of it at that same
  // moment: heads read at two moments would show a lag where there is none.
  std::uint64_t applied_head = 0, told_head = 0;
  std::uint64_t lag() const { return told_head - applied_head; }
  std::vector<RecentClose> recent_closes;  // newest last, at most 16
};

struct ChannelSnapshot {
  std::string name;
  fanout::Sequencer::ChannelState state;
  std::uint64_t receivers = 0;  // by name or by a pattern
};

// All of the broker at one moment, for the admin floor.
// A disk that takes longer than this to flush is reported as stuck: by /readyz, and by the live
// page, which stands still.
inline constexpr Duration kStuckAfter = 10s;

struct Snapshot {
  std::vector<ShardSnapshot> shards;
  fanout::Sequencer::Counters log;
  Heads heads;
  std::uint64_t channels = 0, segment_bytes = 0;
  fanout::KeysTotals keys;
  std::vector<ChannelSnapshot> busiest;  // at most 50, by events published since the last snapshot
  std::string epoch, backend, version;
  std::uint64_t connections_max = 0;  // [limits] connections, or what the machine gives
  std::uint64_t streams = 0;          // of subscribers, at this very moment
  std::shared_ptr<const Options> options = std::make_shared<const Options>();  // in force
  Duration uptime{};
  // For how long nothing of what waits for the gate has become durable; zero: nothing waits.
  Duration log_stalled{};
  bool stuck() const { return log_stalled >= kStuckAfter; }
  std::string gate_failure;  // why nothing more will ever be durable; empty: it will
  std::optional<journal::Figures> journal;
  bool publishers_paused = false;
  BrokerPhase phase = BrokerPhase::serving;
  // Sums over the shards.
  Counters totals() const;
};

}  // namespace fanfare::server
