#include "broker/config/keys.h"

#include <array>

#include "broker/config/member_key.h"

namespace fanfare::config {
namespace {

using server::ChannelRule;
using server::CorsOptions;
using server::DeliveryOptions;
using server::HistoryOptions;
using server::LimitOptions;
using server::ListenOptions;
using server::Options;
using server::RouteRule;
using server::SubscribeOptions;
using server::TokenOptions;

template <auto kMember>
constexpr Key<Options> listen(Facts facts) {
  facts.restart = true;
  return key<Options, &Options::listen, kMember>(facts);
}
template <auto kMember>
constexpr Key<Options> broker(Facts facts) {
  facts.restart = true;
  return key<Options, kMember>(facts);
}
template <auto kMember>
constexpr Key<Options> history(Facts facts) {
  return key<Options, &Options::history, kMember>(facts);
}
template <auto kMember>
constexpr Key<Options> delivery(Facts facts) {
  return key<Options, &Options::delivery, kMember>(facts);
}
template <auto kMember>
constexpr Key<Options> limits(Facts facts) {
  return key<Options, &Options::limits, kMember>(facts);
}
template <auto kMember>
constexpr Key<Options> cors(Facts facts) {
  return key<Options, &Options::cors, kMember>(facts);
}
template <auto kMember>
constexpr Key<Options> subscribe(Facts facts) {
  return key<Options, &Options::subscribe, kMember>(facts);
}
template <auto kMember>
constexpr Key<Options> token(Facts facts) {
  return key<Options, &Options::token, kMember>(facts);
}
template <auto kMember>
constexpr Key<ChannelRule> channel(Facts facts) {
  return key<ChannelRule, kMember>(facts);
}
template <auto kMember>
constexpr Key<RouteRule> route(Facts facts) {
  return key<RouteRule, kMember>(facts);
}

constexpr std::uint64_t ns(Duration duration) {
  return static_cast<std::uint64_t>(duration.count());
}
constexpr std::uint64_t kKiB = 1U << 10U;
constexpr std::uint64_t kMiB = 1U << 20U;
constexpr std::uint64_t kTiB = std::uint64_t{1} << 40U;
constexpr Duration kDay = 24h;

// ---- The table.

constexpr std::array kListen{
    listen<&ListenOptions::http>(
        {.name = "http",
         .at_least = 1,
         .at_most = 64,
         .help = "Where subscribers connect, over HTTP/1.1: addresses with a port, "
                 "\"127.0.0.1:8080\" or \"[::]:8080\". Port 0 lets the kernel choose."}),
    listen<&ListenOptions::ingest>(
        {.name = "ingest",
         .help = "The Unix socket on which applications publish. Empty: /run/fanfare/ingest.sock "
                 "for root, $XDG_RUNTIME_DIR/fanfare/ingest.sock for other users."}),
    listen<&ListenOptions::ingest_mode>(
        {.name = "ingest_mode",
         .kind = Kind::mode,
         .at_most = 0777,
         .help = "Permissions of the ingest socket: every user who may write to it may publish."}),
    listen<&ListenOptions::ingest_group>(
        {.name = "ingest_group",
         .help = "The group that owns the ingest socket. Empty: the broker's own."}),
    listen<&ListenOptions::ingest_users>(
        {.name = "ingest_users",
         .at_most = 1024,
         .help = "Users whose processes may publish; the kernel tells the broker which user a "
                 "process belongs to. Empty: every user who may open the socket."}),
    listen<&ListenOptions::admin>(
        {.name = "admin",
         .help =
             "Where /healthz, /readyz, /metrics and the live pages are served. They show to anyone "
             "who asks what the broker is doing: keep them on loopback. Empty: nowhere."}),
    key<Options, &Options::listen, &ListenOptions::hosts>(
        {.name = "hosts",
         .at_most = 1000,
         .help = "Names that subscribers may use for this server: \"app.example.com\", or "
                 "\"*.example.com\" for all names below it. Any other Host is answered 421; IP "
                 "addresses and localhost are always accepted. Empty: any name, since a proxy may "
                 "pass its own."}),
    key<Options, &Options::listen, &ListenOptions::admin_hosts>(
        {.name = "admin_hosts",
         .at_most = 1000,
         .help = "The same for the admin listener. Empty: on loopback only IP addresses and "
                 "localhost, so that no web page can make its own name lead here (DNS rebinding); "
                 "elsewhere any name. \"*\": any name."}),
};

constexpr std::array kServer{
    broker<&Options::shards>(
        {.name = "shards",
         .at_least = 1,
         .at_most = 1024,
         .zero = "auto",
         .help = "Threads, each with its own ring and its own replica of the log. \"auto\": one "
                 "per core, or more if limits.connections needs more rings."}),
    broker<&Options::backend>(
        {.name = "backend",
         .help =
             "Which kernel interface is used. \"auto\": io_uring where it is allowed (containers "
             "forbid it by default), otherwise epoll; start-up logs which one is used, and why."}),
};

constexpr std::array kHistory{
    history<&HistoryOptions::events>(
        {.name = "events",
         .at_most = 100'000'000,
         .help = "Events a channel keeps for clients that reconnect. 0: none, live only."}),
    history<&HistoryOptions::bytes>(
        {.name = "bytes",
         .at_least = kKiB,
         .at_most = kTiB,
         .help = "Bytes of events a channel keeps, in their encoded form."}),
    history<&HistoryOptions::age>(
        {.name = "age",
         .at_most = ns(3650 * kDay),
         .help = "How long a channel keeps an event. \"0s\": for as long as there is room."}),
    history<&HistoryOptions::total_bytes>(
        {.name = "total_bytes",
         .at_least = kMiB,
         .at_most = kTiB,
         .help = "Memory of all channels' events together. When it is used up, the oldest events "
                 "are evicted first, whichever channel they are in."}),
};

constexpr std::array kDelivery{
    delivery<&DeliveryOptions::heartbeat>(
        {.name = "heartbeat",
         .at_least = ns(1s),
         .at_most = ns(1h),
         .help = "A comment is sent to a stream that has been silent for this long, so that "
                 "proxies do not cut it (many do after 30 or 60 s) and dead peers are found. "
                 "Streams that are already open keep their interval."}),
    delivery<&DeliveryOptions::retry>(
        {.name = "retry",
         .at_least = ns(100ms),
         .at_most = ns(1h),
         .help = "How long a client waits before it reconnects. Each client is given this time "
                 "plus up to half as much again, at random, so that they do not all come back at "
                 "once. It is sent once, when a stream begins."}),
    delivery<&DeliveryOptions::slow>(
        {.name = "slow",
         .help = "What happens to a subscriber that stops reading until what it needs has left the "
                 "history. \"disconnect\": it is disconnected, and comes back with its last id. "
                 "\"skip\": it stays connected, and is sent a gap event."}),
    delivery<&DeliveryOptions::stall>(
        {.name = "stall",
         .at_least = ns(1s),
         .at_most = ns(1h),
         .help =
             "A subscriber that accepts no bytes for this long is disconnected. (If a connection "
             "acknowledges nothing, the kernel gives it up after twice this time, and not before "
             "30 s; the value is the one in force when the connection was accepted.)"}),
    delivery<&DeliveryOptions::gap_event>(
        {.name = "gap_event",
         .help = "Name of the event that tells a client which events are no longer available to "
                 "it. Empty: no such event is sent."}),
    delivery<&DeliveryOptions::end_event>(
        {.name = "end_event",
         .help = "Name of an event sent before the clean end of a finished channel, for clients "
                 "behind proxies that make every end look clean (HAProxy and Caddy, with HTTP/2). "
                 "Empty: none."}),
    delivery<&DeliveryOptions::announce_position>(
        {.name = "announce_position",
         .help =
             "How a stream gives a new client its position in the log, so that a client whose "
             "connection breaks before its first event resumes exactly. \"auto\": in the form that "
             "the client keeps and does not dispatch, which is an event named ~position for an "
             "EventSource, and an id line that the first event ends for others. \"always\": the "
             "event, for every client. \"never\": only the Last-Event-ID field of the response."}),
    delivery<&DeliveryOptions::coalesce>(
        {.name = "coalesce",
         .at_most = ns(10s),
         .help = "Events may wait this long to be sent together: fewer, larger sends for data "
                 "screens. \"0s\": they are sent at once."}),
};

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
         .help = "Queries of open streams that each shard keeps, to show them to publishers that "
                 "begin to watch. Only queries that say more than the channels are kept. Beyond "
                 "the limit, streams are shown with their channels only."}),
    limits<&LimitOptions::bodies_bytes>(
        {.name = "bodies_bytes",
         .at_least = kMiB,
         .at_most = kMiB * 64 * 1024,
         .help = "Bytes of all request bodies that are being received at a time: one such "
                 "allowance for publishers, and another for subscribers. Beyond it: 503. A third "
                 "one is for the commands that publishers have queued between MULTI and EXEC."}),
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
    limits<&LimitOptions::drain>({.name = "drain",
                                  .at_most = ns(1h),
                                  .help = "When the broker is told to stop, it tells its "
                                          "subscribers to come back, one by one over this time."}),
};

constexpr std::array kCors{
    cors<&CorsOptions::origins>(
        {.name = "origins",
         .at_most = 10'000,
         .help = "Web origins whose pages may subscribe: \"https://app.example.com\", or \"*\" for "
                 "all. A page served from the broker's own origin needs no entry. \"null\" is the "
                 "origin of sandboxed frames and files: as open as \"*\"."}),
    cors<&CorsOptions::credentials>(
        {.name = "credentials",
         .help = "Whether requests of those pages may carry cookies (withCredentials). Not "
                 "together with \"*\" or \"null\"."}),
};

constexpr std::array kSubscribe{
    subscribe<&SubscribeOptions::events>(
        {.name = "events",
         .help = "Whether /events is served. If not, there are only the paths of [[route]]."}),
    subscribe<&SubscribeOptions::allow>(
        {.name = "allow",
         .at_least = 1,
         .at_most = 10'000,
         .help = "The channels and patterns that clients may name. A pattern is allowed if one of "
                 "these covers everything it can match. The channels that a [[route]] fixes need "
                 "not be among them."}),
};

constexpr std::array kToken{
    token<&TokenOptions::need>(
        {.name = "need",
         .help = "Whether a subscriber needs a token, on /events and where a [[route]] does not "
                 "say. \"required\": one that grants every channel of the stream. \"optional\": "
                 "none, but one that is presented must be good, and ends the stream when it "
                 "expires. \"none\": tokens are not looked at. \"auto\": required if there are "
                 "keys."}),
    token<&TokenOptions::keys>(
        {.name = "keys",
         .at_most = 32,
         .help =
             "Files with the keys that tokens are signed with: public keys in PEM (Ed25519, EC "
             "P-256, RSA of 2048 bits or more), or the raw bytes of an HMAC secret, 32 or more. "
             "Absolute paths. They are read at the start and at each SIGHUP; if one is bad then, "
             "the keys before it stay in force."}),
    token<&TokenOptions::jwks>(
        {.name = "jwks",
         .help = "A file with a JSON Web Key Set (RFC 7517), read like keys. Its keys that are "
                 "for something else are left out, which the log says. Empty: none."}),
    token<&TokenOptions::algorithms>(
        {.name = "algorithms",
         .at_least = 1,
         .at_most = 4,
         .help =
             "The algorithms that tokens may be signed with. A key is used with the one "
             "algorithm of its kind: \"EdDSA\" (Ed25519), \"ES256\" (EC P-256), \"RS256\" (RSA), "
             "\"HS256\" (a secret)."}),
    token<&TokenOptions::issuer>({.name = "issuer",
                                  .at_most = 1024,
                                  .help = "What the claim iss of a token must be. Empty: it does "
                                          "not count."}),
    token<&TokenOptions::audience>(
        {.name = "audience",
         .at_most = 1024,
         .help = "What the claim aud of a token must be, or hold. Empty: tokens that have one are "
                 "for somebody else and are refused."}),
    token<&TokenOptions::claim>(
        {.name = "claim",
         .at_least = 1,
         .at_most = 255,
         .help = "The claim that lists the channels and patterns that a token grants: its name, or "
                 "a path to it inside others, as in \"fanfare.subscribe\"."}),
    token<&TokenOptions::leeway>(
        {.name = "leeway",
         .at_most = ns(10min),
         .help = "How far the issuer's clock may differ from this one: tokens count this much "
                 "longer, and this much earlier."}),
    token<&TokenOptions::cookie>(
        {.name = "cookie",
         .at_most = 64,
         .help = "The cookie in which a token may come, besides the Authorization field. Empty: in "
                 "none."}),
    token<&TokenOptions::query>(
        {.name = "query",
         .at_most = 64,
         .help = "The query parameter in which a token may come. A URL is seen in more places than "
                 "a header field: the broker shows it nowhere, proxies may. Empty: in none."}),
};

constexpr std::array kChannel{
    channel<&ChannelRule::match>(
        {.name = "match",
         .at_least = 1,
         .help = "The channels to which this rule applies: a name, or a pattern. `*` stands for "
                 "one or more characters within one segment, `**` for one or more whole segments. "
                 "Required; the first rule that matches a channel counts."}),
    channel<&ChannelRule::history_events>(
        {.name = "history_events", .at_most = 100'000'000, .help = "Replaces history.events."}),
    channel<&ChannelRule::history_bytes>({.name = "history_bytes",
                                          .at_least = kKiB,
                                          .at_most = kTiB,
                                          .help = "Replaces history.bytes."}),
    channel<&ChannelRule::history_age>(
        {.name = "history_age", .at_most = ns(3650 * kDay), .help = "Replaces history.age."}),
    channel<&ChannelRule::heartbeat>({.name = "heartbeat",
                                      .at_least = ns(1s),
                                      .at_most = ns(1h),
                                      .help = "Replaces delivery.heartbeat."}),
    channel<&ChannelRule::retry>({.name = "retry",
                                  .at_least = ns(100ms),
                                  .at_most = ns(1h),
                                  .help = "Replaces delivery.retry."}),
    channel<&ChannelRule::slow>({.name = "slow", .help = "Replaces delivery.slow."}),
    channel<&ChannelRule::coalesce>(
        {.name = "coalesce", .at_most = ns(10s), .help = "Replaces delivery.coalesce."}),
};

constexpr std::array kRoute{
    route<&RouteRule::path>({.name = "path",
                             .at_least = 1,
                             .help = "The path, exactly, without a query. Required; /events is "
                                     "served as well, unless subscribe.events is false."}),
    route<&RouteRule::channels>(
        {.name = "channels",
         .at_most = 10'000,
         .help = "The channels and patterns of its streams, whatever the query says. Empty: the "
                 "query names them, as on /events."}),
    route<&RouteRule::announce_position>(
        {.name = "announce_position", .help = "Replaces delivery.announce_position."}),
    route<&RouteRule::heartbeat>({.name = "heartbeat",
                                  .at_least = ns(1s),
                                  .at_most = ns(1h),
                                  .help = "Replaces delivery.heartbeat."}),
    route<&RouteRule::token>({.name = "token", .help = "Replaces token.need."}),
    route<&RouteRule::upstream>(
        {.name = "upstream",
         .help = "The application that is asked about each request, which lets the client in, on "
                 "channels that it names, or answers it itself: \"unix:/run/app.sock\", or "
                 "\"http://127.0.0.1:3000\" (an address, or localhost, which is 127.0.0.1). Not "
                 "together with channels. Empty: nobody is asked."}),
    route<&RouteRule::ask>(
        {.name = "ask",
         .help = "Whether it is asked \"always\", or only about \"newcomers\": a client that "
                 "repeats a request that was let in, with the id of the last event it got, is let "
                 "in again for limits.approval_age."}),
};

constexpr std::array<Section<Options>, 8> kSections{{
    {.name = "listen", .help = "The addresses on which the broker listens.", .keys = kListen},
    {.name = "server", .help = "How the broker runs.", .keys = kServer},
    {.name = "history",
     .help = "What each channel keeps, so that a client that was away gets what it missed. An "
             "event is evicted as soon as one of the limits is exceeded.",
     .keys = kHistory},
    {.name = "delivery", .help = "How events reach their subscribers.", .keys = kDelivery},
    {.name = "limits",
     .help = "Bounds on what clients and publishers can make the broker hold.",
     .keys = kLimits},
    {.name = "cors", .help = "Which web pages from other origins may subscribe.", .keys = kCors},
    {.name = "subscribe",
     .help = "What clients may subscribe to when they name the channels themselves.",
     .keys = kSubscribe},
    {.name = "token",
     .help =
         "The tokens that let a client subscribe (JWT, RFC 7519): signed with one of these keys, "
         "each for the channels that it grants. Without keys, everybody may subscribe. "
         "docs/PROTOCOL.md describes the tokens.",
     .keys = kToken},
}};
constexpr Section<ChannelRule> kChannelSection{
    .name = "channel",
    .help = "Exceptions for some channels; any number of them.",
    .keys = kChannel};
constexpr Section<RouteRule> kRouteSection{
    .name = "route",
    .help = "Further paths on which event streams are served; any number of them.",
    .keys = kRoute};

}  // namespace

std::span<const Section<Options>> sections() {
  return kSections;
}

const Section<ChannelRule>& channel_section() {
  return kChannelSection;
}

const Section<RouteRule>& route_section() {
  return kRouteSection;
}

}  // namespace fanfare::config
