// The keys, the part about [limits].

#include <array>

#include "broker/config/key_sections.h"
#include "broker/config/keys.h"
#include "broker/config/member_key.h"

namespace fanfare::config {
namespace {

using server::LimitOptions;
using server::Options;

template <auto kMember>
constexpr Key<Options> limits(Facts facts) {
  return key<Options, &Options::limits, kMember>(facts);
}

constexpr std::uint64_t ns(Duration duration) {
  return static_cast<std::uint64_t>(duration.count());
}
constexpr std::uint64_t kKiB = 1U << 10U;
constexpr std::uint64_t kMiB = 1U << 20U;
constexpr std::uint64_t kTiB = std::uint64_t{1} << 40U;
constexpr Duration kDay = 24h;

constexpr std::array kLimits{
    limits<&LimitOptions::connections>(
        {.name = "connections",
         .at_least = 1,
         .at_most = 100'000'000,
         .zero = "auto",
         .restart = true,
         .help = "Event streams of subscribers that may be open at a time, over all shards (an "
                 "exact limit). Sockets without a stream, publishers and live pages do not count. "
                 "\"auto\": as many as one ring per shard can hold. Beyond the limit a subscriber "
                 "is told to come back later, and /readyz answers 503."}),
    limits<&LimitOptions::channels>(
        {.name = "channels",
         .at_least = 1,
         .at_most = 100'000'000,
         .help = "Channels that may exist at a time; publishing to one more is refused."}),
    limits<&LimitOptions::channels_per_subscription>(
        {.name = "channels_per_subscription",
         .at_least = 1,
         .at_most = 10'000,
         .help = "Channels and patterns one subscription may name."}),
    limits<&LimitOptions::patterns_per_subscription>(
        {.name = "patterns_per_subscription",
         .at_least = 1,
         .at_most = 10'000,
         .help = "How many of these may be patterns."}),
    limits<&LimitOptions::patterns>(
        {.name = "patterns",
         .at_least = 1,
         .at_most = 100'000'000,
         .help = "Different patterns that streams may subscribe to at a time; a pattern counts "
                 "once for each shard that has it. A stream that would add one more is told to "
                 "come back later."}),
    limits<&LimitOptions::event_bytes>(
        {.name = "event_bytes",
         .at_least = 1,
         .at_most = kMiB,
         .help =
             "Data of one event. Many client libraries cannot read a line longer than 64 KiB."}),
    limits<&LimitOptions::event_name_bytes>({.name = "event_name_bytes",
                                             .at_least = 1,
                                             .at_most = 1024,
                                             .help = "Name of an event (its `event:` line)."}),
    limits<&LimitOptions::head_bytes>(
        {.name = "head_bytes",
         .at_least = kKiB,
         .at_most = kMiB,
         .help = "Request line and header fields of a request, on any listener. Larger: 431."}),
    limits<&LimitOptions::head_fields>({.name = "head_fields",
                                        .at_least = 8,
                                        .at_most = 10'000,
                                        .help = "Header fields of a request. More: 431."}),
    limits<&LimitOptions::target_bytes>({.name = "target_bytes",
                                         .at_least = 256,
                                         .at_most = kMiB,
                                         .help = "Path and query of a request. Longer: 414."}),
    limits<&LimitOptions::body_bytes>(
        {.name = "body_bytes",
         .at_least = kKiB,
         .at_most = 16 * kMiB,
         .help = "Body of a request on a subscriber listener. Larger: 413."}),
    limits<&LimitOptions::queries_bytes>(
        {.name = "queries_bytes",
         .at_most = kTiB,
         .help = "Queries of open streams, and subjects of their tokens, that each shard keeps, to "
                 "show them to publishers that watch or list subscribers. Only queries that say "
                 "more than the channels are kept. Beyond the limit, streams are shown with their "
                 "channels only."}),
    limits<&LimitOptions::hook_channels>(
        {.name = "hook_channels",
         .at_least = 100,
         .at_most = 10'000'000,
         .help = "Channels whose news waits, for each [[hook]]: some 200 bytes each. With more, "
                 "the hook begins anew after a minute; it can be kept in step only if no more of "
                 "its channels are occupied."}),
    limits<&LimitOptions::presence_time>(
        {.name = "presence_time",
         .at_least = ns(100ms),
         .at_most = ns(1min),
         .help = "How long a publisher that asks for a channel's subscribers waits until every "
                 "shard has answered. Longer: 504."}),
    limits<&LimitOptions::bodies_bytes>(
        {.name = "bodies_bytes",
         .at_least = kMiB,
         .at_most = kMiB * 64 * 1024,
         .help = "Bytes of all request bodies that are being received at a time: one such "
                 "allowance for publishers, and another for subscribers. Beyond it: 503. A third "
                 "one is for the commands that publishers have queued between MULTI and EXEC."}),
    limits<&LimitOptions::h2_streams>(
        {.name = "h2_streams",
         .at_least = 1,
         .at_most = 10'000,
         .help = "Requests and event streams that a client may have open at a time on one HTTP/2 "
                 "connection. Connections that are open already keep their number."}),
    limits<&LimitOptions::head_time>(
        {.name = "head_time",
         .at_least = ns(100ms),
         .at_most = ns(10min),
         .help = "A request's head must arrive whole within this time, and its body within the "
                 "same time again, however slowly they come. Longer: 408."}),
    limits<&LimitOptions::idle_time>(
        {.name = "idle_time",
         .at_least = ns(1s),
         .at_most = ns(24h),
         .help = "A connection that waits this long between two requests is closed."}),
    limits<&LimitOptions::heartbeat_min>(
        {.name = "heartbeat_min",
         .at_least = ns(1s),
         .at_most = ns(1h),
         .help = "The shortest heartbeat a client may ask for with ?heartbeat=."}),
    limits<&LimitOptions::heartbeat_max>(
        {.name = "heartbeat_max",
         .at_least = ns(1s),
         .at_most = ns(24h),
         .help = "The longest heartbeat a client may ask for with ?heartbeat=."}),
    limits<&LimitOptions::wait_max>(
        {.name = "wait_max",
         .at_least = ns(1s),
         .at_most = ns(1h),
         .help = "The longest that ?poll=1&wait= may wait for an event. Proxies give up on an "
                 "answer after some time, often a minute."}),
    limits<&LimitOptions::poll_bytes>(
        {.name = "poll_bytes",
         .at_least = kKiB,
         .at_most = 16 * kMiB,
         .help = "Bytes of events in one answer to ?poll=1, if it has more than one. The rest "
                 "comes with the next poll."}),
    limits<&LimitOptions::replay_channels>(
        {.name = "replay_channels",
         .at_least = 1,
         .at_most = 1'000'000,
         .help = "Channels of which ?replay=N&each=channel gives the newest events: of more, those "
                 "that had an event last, after a gap event that says so."}),
    limits<&LimitOptions::compressors>(
        {.name = "compressors",
         .at_most = 100'000,
         .help = "How many feeds each shard compresses at a time, of 1024 streams at most with the "
                 "same channels in the same form; each takes some 80 KiB. Streams beyond that are "
                 "not compressed."}),
    limits<&LimitOptions::heartbeat_events>(
        {.name = "heartbeat_events",
         .at_most = 100,
         .help = "Different names of heartbeats that the streams of a shard have at a time. Beyond "
                 "that, a client that asks for a further one with ?heartbeat_event= is told to "
                 "come back; names from the configuration are always used."}),
    limits<&LimitOptions::ingest_pending_bytes>(
        {.name = "ingest_pending_bytes",
         .at_least = 64 * kKiB,
         .at_most = kMiB * 64 * 1024,
         .help = "Events that are published but not yet sent to all caught-up subscribers. Beyond "
                 "this, publishers' sockets are not read until the shards have caught up."}),
    limits<&LimitOptions::ingest_batch_bytes>(
        {.name = "ingest_batch_bytes",
         .at_least = 64 * kKiB,
         .at_most = 1024 * kMiB,
         .help = "Body of one publish request over HTTP (a batch of NDJSON). Larger: 413. The same "
                 "limit holds for one transaction over RESP (MULTI ... EXEC). Larger: EXECABORT."}),
    limits<&LimitOptions::ingest_connections>(
        {.name = "ingest_connections",
         .at_least = 1,
         .at_most = 20'000,
         .help = "Publishers that may be connected at a time. Another one gets the reason and is "
                 "disconnected. The lead shard keeps room for as many as "
                 "were allowed at the start; more than that compete with subscribers for room."}),
    limits<&LimitOptions::publish_connections>(
        {.name = "publish_connections",
         .at_least = 1,
         .at_most = 20'000,
         .help = "Publishers that may be connected over TCP ([publish] listen) at a time, apart "
                 "from those on the ingest socket. Another one gets the reason and is "
                 "disconnected. The lead shard keeps room for as many as were allowed at the "
                 "start. One that presents no good token is disconnected after head_time."}),
    limits<&LimitOptions::publish_tries>(
        {.name = "publish_tries",
         .at_least = 1,
         .at_most = 1000,
         .help = "After so many bad tokens in a row a publisher over TCP is disconnected. Over "
                 "HTTP each bad one ends its connection."}),
    limits<&LimitOptions::idempotency_keys>(
        {.name = "idempotency_keys",
         .at_least = 1,
         .at_most = 100'000'000,
         .help = "Idempotency keys of publishes that are remembered at a time. To make room for "
                 "one more, "
                 "the oldest is forgotten early: an event with it is then published again."}),
    limits<&LimitOptions::idempotency_age>(
        {.name = "idempotency_age",
         .at_least = ns(1s),
         .at_most = ns(kDay),
         .help =
             "How long after its first publish a key is remembered; within this time a repeat is "
             "answered and not published. Choose it longer than any publisher keeps trying."}),
    limits<&LimitOptions::token_bytes>({.name = "token_bytes",
                                        .at_least = 256,
                                        .at_most = kMiB,
                                        .help = "Size of a subscriber's token. Larger: 401."}),
    limits<&LimitOptions::tokens>(
        {.name = "tokens",
         .at_least = 2,
         .at_most = 10'000'000,
         .help = "Tokens that each shard remembers once it has verified them, so that a client "
                 "that comes back with the same one costs no signature. The oldest are forgotten "
                 "first, and verified again."}),
    limits<&LimitOptions::tls_handshakes>(
        {.name = "tls_handshakes",
         .at_least = 1,
         .at_most = 1'000'000,
         .help = "TLS handshakes that each shard may have under way, at 50 KB each. A connection "
                 "beyond that is closed before its handshake; `fanfare_tls_refused_total` counts "
                 "them."}),
    limits<&LimitOptions::upstream_connections>(
        {.name = "upstream_connections",
         .at_least = 1,
         .at_most = 10'000,
         .help = "Connections that each shard may have to the applications that routes ask, all of "
                 "them together. A request that finds none free waits for one. Room for them is "
                 "kept where a route asks an application when the broker starts."}),
    limits<&LimitOptions::upstream_time>(
        {.name = "upstream_time",
         .at_least = ns(100ms),
         .at_most = ns(10min),
         .help = "How long a route waits for its application's whole answer. Longer: a client that "
                 "opens an event stream is told to come back later, any other gets a 504."}),
    limits<&LimitOptions::upstream_answer_bytes>(
        {.name = "upstream_answer_bytes",
         .at_least = kKiB,
         .at_most = 64 * kMiB,
         .help = "Body of one answer of an application. Larger: as if it had not answered; 502."}),
    limits<&LimitOptions::approval_bytes>(
        {.name = "approval_bytes",
         .at_most = kMiB * 64 * 1024,
         .help = "Memory for requests that applications have lately let in, over all shards, for "
                 "routes with ask = \"newcomers\". The oldest are forgotten first: they are asked "
                 "about again."}),
    limits<&LimitOptions::approval_age>(
        {.name = "approval_age",
         .at_least = ns(1s),
         .at_most = ns(24h),
         .help = "How long after its application has let it in a request may resume without "
                 "asking. An application can shorten it with Fanfare-Expires."}),
    limits<&LimitOptions::tickets>(
        {.name = "tickets",
         .at_most = 10'000'000,
         .help =
             "Tickets that are issued and not used yet. Beyond it no more are issued until some "
             "are used or too old."}),
    limits<&LimitOptions::ticket_age>(
        {.name = "ticket_age",
         .at_least = ns(1s),
         .at_most = ns(kDay),
         .help = "The longest time for which a ticket may be asked."}),
    limits<&LimitOptions::connections_per_address>(
        {.name = "connections_per_address",
         .at_least = 1,
         .at_most = 1'000'000,
         .zero = "unlimited",
         .help = "Connections that one client address may have at a time, over all shards; of IPv6 "
                 "its first 64 bits. One more is closed at once. Connections of [fronts] trusted "
                 "are not counted, unless they say by the PROXY protocol whose they are."}),
    limits<&LimitOptions::streams_per_address>(
        {.name = "streams_per_address",
         .at_least = 1,
         .at_most = 1'000'000,
         .zero = "unlimited",
         .help = "Event streams that one client address may have open at a time. One more is told "
                 "to come back later. Behind a proxy that is not in [fronts] trusted, all clients "
                 "are one."}),
    limits<&LimitOptions::requests_per_address>(
        {.name = "requests_per_address",
         .at_most = 64,
         .help =
             "How often one client address may ask, for whatever it is: \"20/s\", \"600/min\" or "
             "\"1000/h\", the whole number of which may come at once, or as many as \"20/s burst "
             "50\" says. A client that opens an event stream is then told to come back, any "
             "other gets a 429 with Retry-After."}),
    limits<&LimitOptions::streams_per_token>(
        {.name = "streams_per_token",
         .at_least = 1,
         .at_most = 1'000'000,
         .zero = "unlimited",
         .help =
             "The same as streams_per_address, for the bearer of a token: its issuer and subject, "
             "or, where it has no subject, the token itself. Tickets count by their subject."}),
    limits<&LimitOptions::requests_per_token>(
        {.name = "requests_per_token",
         .at_most = 64,
         .help = "The same as requests_per_address, for the bearer of a token."}),
    limits<&LimitOptions::clients>(
        {.name = "clients",
         .at_least = 1,
         .at_most = 10'000'000,
         .help = "Addresses, and bearers of tokens, that are counted at a time for these limits. "
                 "Those that hold nothing make room for others. Where all of them do hold "
                 "something, one more is not counted, and so not limited."}),
    limits<&LimitOptions::drain>({.name = "drain",
                                  .at_most = ns(1h),
                                  .help = "When the broker is told to stop, it tells its "
                                          "subscribers to come back, one by one over this time."}),
};

}  // namespace

Section<Options> limits_section() {
  return {.name = "limits",
          .help = "Bounds on what clients and publishers can make the broker hold.",
          .keys = kLimits};
}

}  // namespace fanfare::config
