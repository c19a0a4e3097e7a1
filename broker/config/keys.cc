#include "broker/config/keys.h"

#include <array>
#include <type_traits>
#include <utility>

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

// ---- From a pointer to a member to a key that reads and writes it.

template <class Enum>
constexpr std::array<std::string_view, 0> kWords{};
template <>
constexpr std::array<std::string_view, 2> kWords<server::SlowPolicy>{"disconnect", "skip"};
template <>
constexpr std::array<std::string_view, 3> kWords<server::AnnouncePosition>{"auto", "always",
                                                                           "never"};
template <>
constexpr std::array<std::string_view, 3> kWords<server::Backend>{"auto", "io_uring", "epoll"};

template <class T>
constexpr Kind kKindOf = Kind::texts;
template <>
constexpr Kind kKindOf<bool> = Kind::flag;
template <>
constexpr Kind kKindOf<std::uint32_t> = Kind::count;
template <>
constexpr Kind kKindOf<std::uint64_t> = Kind::size;
template <>
constexpr Kind kKindOf<Duration> = Kind::duration;
template <>
constexpr Kind kKindOf<std::string> = Kind::text;
template <>
constexpr Kind kKindOf<server::SlowPolicy> = Kind::word;
template <>
constexpr Kind kKindOf<server::AnnouncePosition> = Kind::word;
template <>
constexpr Kind kKindOf<server::Backend> = Kind::word;

template <class T>
struct Plain {
  using Type = T;
};
template <class T>
struct Plain<std::optional<T>> {
  using Type = T;
};

template <class T>
Value to_value(const T& option) {
  if constexpr (std::is_enum_v<T> || std::is_same_v<T, std::uint32_t>) {
    return static_cast<std::uint64_t>(option);
  } else {
    return option;
  }
}

template <class T>
T from_value(const Value& value) {
  if constexpr (std::is_enum_v<T> || std::is_same_v<T, std::uint32_t>) {
    return static_cast<T>(std::get<std::uint64_t>(value));
  } else {
    return std::get<T>(value);
  }
}

// record.*first.*second…
template <auto... kPath, class Record>
constexpr auto& reach(Record& record) {
  return (record.*....*kPath);
}

// The key that fills the option at kPath, its kind taken from the option's type.
template <class Record, auto... kPath>
constexpr Key<Record> key(Facts facts) {
  using Option = std::remove_reference_t<decltype(reach<kPath...>(std::declval<Record&>()))>;
  using Type = typename Plain<Option>::Type;
  if (facts.kind != Kind::mode) facts.kind = kKindOf<Type>;  // permissions are a count by type
  if constexpr (std::is_enum_v<Type>) facts.words = kWords<Type>;
  return {.facts = facts,
          .read = [](const Record& record) -> std::optional<Value> {
            const auto& option = reach<kPath...>(record);
            if constexpr (std::is_same_v<Option, Type>) {
              return to_value(option);
            } else {
              return option ? std::optional<Value>(to_value(*option)) : std::nullopt;
            }
          },
          .write = [](Record& record,
                      const Value& value) { reach<kPath...>(record) = from_value<Type>(value); }};
}

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
         .help =
             "Where subscribers connect, over HTTP/1.1: addresses with a port, \"127.0.0.1:8080\" "
             "or \"[::]:8080\". Port 0 lets the kernel choose."}),
    listen<&ListenOptions::ingest>(
        {.name = "ingest",
         .help = "The Unix socket on which applications publish. Empty: /run/fanfare/ingest.sock "
                 "for root, $XDG_RUNTIME_DIR/fanfare/ingest.sock for anybody else."}),
    listen<&ListenOptions::ingest_mode>(
        {.name = "ingest_mode",
         .kind = Kind::mode,
         .at_most = 0777,
         .help = "Permissions of the ingest socket: who may write to it may publish."}),
    listen<&ListenOptions::ingest_group>(
        {.name = "ingest_group",
         .help = "The group that owns the ingest socket. Empty: the broker's own."}),
    listen<&ListenOptions::ingest_users>(
        {.name = "ingest_users",
         .at_most = 1024,
         .help = "Users whose processes may publish; the kernel tells the broker whose they are. "
                 "Empty: whoever may open the socket."}),
    listen<&ListenOptions::admin>(
        {.name = "admin",
         .help = "Where /healthz, /readyz, /metrics and the live pages are served. They tell what "
                 "goes on to whoever asks: keep it on loopback. Empty: nowhere."}),
    key<Options, &Options::listen, &ListenOptions::hosts>(
        {.name = "hosts",
         .at_most = 1000,
         .help =
             "Names by which the subscriber listeners may be called: \"app.example.com\", or "
             "\"*.example.com\" for all below it. Another Host is answered 421; IP addresses and "
             "localhost are always taken. Empty: any name, since a front passes its own."}),
    key<Options, &Options::listen, &ListenOptions::admin_hosts>(
        {.name = "admin_hosts",
         .at_most = 1000,
         .help = "The same for the admin listener. Empty: on loopback none but IP addresses and "
                 "localhost, so that no web page can have its own name lead here (DNS rebinding); "
                 "elsewhere any name. \"*\": any name."}),
};

constexpr std::array kServer{
    broker<&Options::shards>(
        {.name = "shards",
         .at_least = 1,
         .at_most = 1024,
         .zero = "auto",
         .help = "Threads, each with a ring and a replica of the log of its own. \"auto\": one a "
                 "core, or more where limits.connections needs more rings."}),
    broker<&Options::backend>(
        {.name = "backend",
         .help = "How the kernel is spoken to. \"auto\": io_uring where it is allowed (containers "
                 "forbid it by default), else epoll; start-up says which one runs and why."}),
};

constexpr std::array kHistory{
    history<&HistoryOptions::events>(
        {.name = "events",
         .at_most = 100'000'000,
         .help = "Events a channel keeps for those who come back. 0: none, live only."}),
    history<&HistoryOptions::bytes>(
        {.name = "bytes",
         .at_least = kKiB,
         .at_most = kTiB,
         .help = "Bytes of events a channel keeps, in their encoded form."}),
    history<&HistoryOptions::age>(
        {.name = "age",
         .at_most = ns(3650 * kDay),
         .help = "How long a channel keeps an event. \"0s\": as long as it fits."}),
    history<&HistoryOptions::total_bytes>(
        {.name = "total_bytes",
         .at_least = kMiB,
         .at_most = kTiB,
         .help = "Memory of all channels' events together. When it is used up, the oldest events "
                 "go first, wherever they are."}),
};

constexpr std::array kDelivery{
    delivery<&DeliveryOptions::heartbeat>(
        {.name = "heartbeat",
         .at_least = ns(1s),
         .at_most = ns(1h),
         .help =
             "A comment is sent to a stream that has been silent for this long, so that proxies "
             "do not cut it (many do after 30 or 60 s) and dead peers are found. Streams that are "
             "open keep theirs."}),
    delivery<&DeliveryOptions::retry>(
        {.name = "retry",
         .at_least = ns(100ms),
         .at_most = ns(1h),
         .help = "How long a client waits before it reconnects. Each is told up to half as much "
                 "again, at random, so that they do not all come back at once. A stream says it "
                 "once, when "
                 "it begins."}),
    delivery<&DeliveryOptions::slow>(
        {.name = "slow",
         .help = "What becomes of a subscriber that stops reading until what it needs has left the "
                 "history: \"disconnect\", and it comes back with its last id; or \"skip\", and it "
                 "is sent a gap event in place."}),
    delivery<&DeliveryOptions::stall>(
        {.name = "stall",
         .at_least = ns(1s),
         .at_most = ns(1h),
         .help = "A subscriber that takes no byte for this long is disconnected. (The kernel gives "
                 "up a connection that acknowledges nothing after twice this time, and 30 s at "
                 "least, as it was when that was accepted.)"}),
    delivery<&DeliveryOptions::gap_event>(
        {.name = "gap_event",
         .help = "Name of the event that tells a client which events it can no longer have. Empty: "
                 "clients are not told."}),
    delivery<&DeliveryOptions::end_event>(
        {.name = "end_event",
         .help = "Name of an event sent before the clean end of a finished channel, for clients "
                 "behind proxies that make every end look clean (HAProxy's and Caddy's HTTP/2). "
                 "Empty: none."}),
    delivery<&DeliveryOptions::announce_position>(
        {.name = "announce_position",
         .help =
             "How a stream tells a newcomer its place in the log, so that a client that is cut "
             "before its first event resumes exactly. \"auto\": each client in the way that it "
             "keeps and does not dispatch: an EventSource by an event named ~position, others by "
             "an id line that the first event ends. \"always\": the event, whoever asks. "
             "\"never\": in the answer's Last-Event-ID field alone."}),
    delivery<&DeliveryOptions::coalesce>(
        {.name = "coalesce",
         .at_most = ns(10s),
         .help = "Events may wait this long to be sent together: fewer, larger sends for data "
                 "screens. \"0s\": they go out at once."}),
};

constexpr std::array kLimits{
    limits<&LimitOptions::connections>(
        {.name = "connections",
         .at_least = 1,
         .at_most = 100'000'000,
         .zero = "auto",
         .restart = true,
         .help = "Event streams of subscribers held at most, over all shards, to the one. A socket "
                 "that carries no stream, a publisher and a live page do not count. \"auto\": what "
                 "one ring a shard can hold. Beyond it, a subscriber is told to come back later, "
                 "and /readyz says so with 503."}),
    limits<&LimitOptions::channels>(
        {.name = "channels",
         .at_least = 1,
         .at_most = 100'000'000,
         .help = "Channels that exist at a time; publishing to one more is refused."}),
    limits<&LimitOptions::channels_per_subscription>(
        {.name = "channels_per_subscription",
         .at_least = 1,
         .at_most = 10'000,
         .help = "Channels and patterns one subscription may name."}),
    limits<&LimitOptions::patterns_per_subscription>(
        {.name = "patterns_per_subscription",
         .at_least = 1,
         .at_most = 10'000,
         .help = "Of these, how many may be patterns."}),
    limits<&LimitOptions::patterns>(
        {.name = "patterns",
         .at_least = 1,
         .at_most = 100'000'000,
         .help = "Different patterns that streams subscribe to at a time; one that streams on two "
                 "shards have counts twice. A stream that would bring one more is told to come "
                 "back later."}),
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
         .help =
             "Request line and header fields of a request, to whichever listener. Larger: 431."}),
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
         .help = "Body of a request on the subscribers' side. Larger: 413."}),
    limits<&LimitOptions::queries_bytes>(
        {.name = "queries_bytes",
         .at_most = kTiB,
         .help =
             "Queries of streams that a shard keeps, so that publishers that begin to watch are "
             "shown them. Kept are those that say more than the channels. Beyond it, streams "
             "are shown with their channels only."}),
    limits<&LimitOptions::bodies_bytes>(
        {.name = "bodies_bytes",
         .at_least = kMiB,
         .at_most = kMiB * 64 * 1024,
         .help = "Bodies of all requests that are being received at a time: those of "
                 "all publishers, and as much again those of all subscribers. Beyond it: 503. As "
                 "much again for "
                 "the commands that all publishers have queued between MULTI and EXEC."}),
    limits<&LimitOptions::head_time>(
        {.name = "head_time",
         .at_least = ns(100ms),
         .at_most = ns(10min),
         .help =
             "A request's head has to arrive whole within this time, and its body within as much "
             "again, however they trickle. Longer: 408."}),
    limits<&LimitOptions::idle_time>(
        {.name = "idle_time",
         .at_least = ns(1s),
         .at_most = ns(24h),
         .help = "A connection between two requests is closed after this long."}),
    limits<&LimitOptions::heartbeat_min>(
        {.name = "heartbeat_min",
         .at_least = ns(1s),
         .at_most = ns(1h),
         .help = "The shortest heartbeat a client may ask for with ?heartbeat=."}),
    limits<&LimitOptions::heartbeat_max>({.name = "heartbeat_max",
                                          .at_least = ns(1s),
                                          .at_most = ns(24h),
                                          .help = "The longest one."}),
    limits<&LimitOptions::ingest_pending_bytes>(
        {.name = "ingest_pending_bytes",
         .at_least = 64 * kKiB,
         .at_most = kMiB * 64 * 1024,
         .help = "Events published but not yet handed to all who are caught up. Beyond it, "
                 "publishers' sockets are not read until the shards have caught up."}),
    limits<&LimitOptions::ingest_batch_bytes>(
        {.name = "ingest_batch_bytes",
         .at_least = 64 * kKiB,
         .at_most = 1024 * kMiB,
         .help = "Body of one publish request over HTTP (a batch of NDJSON). Larger: 413. "
                 "Also of one transaction over RESP (MULTI ... EXEC). Larger: EXECABORT."}),
    limits<&LimitOptions::ingest_connections>(
        {.name = "ingest_connections",
         .at_least = 1,
         .at_most = 20'000,
         .help = "Publishers connected at a time; one more is answered so, and disconnected. The "
                 "lead shard keeps room for as "
                 "many as were allowed at the start; more compete with subscribers for it."}),
    limits<&LimitOptions::idempotency_keys>(
        {.name = "idempotency_keys",
         .at_least = 1,
         .at_most = 100'000'000,
         .help = "Idempotency keys of publishes remembered at a time. For one more, the oldest is "
                 "forgotten before its time: repeated, it is published anew."}),
    limits<&LimitOptions::idempotency_age>(
        {.name = "idempotency_age",
         .at_least = ns(1s),
         .at_most = ns(kDay),
         .help = "How long after its first publish a key is remembered, and a repeat answered "
                 "instead of published. Longer than any publisher goes on trying."}),
    limits<&LimitOptions::drain>(
        {.name = "drain",
         .at_most = ns(1h),
         .help = "When the broker is told to stop, its subscribers are told to come back over this "
                 "long, each with its own moment."}),
};

constexpr std::array kCors{
    cors<&CorsOptions::origins>(
        {.name = "origins",
         .at_most = 10'000,
         .help = "Web origins whose pages may subscribe: \"https://app.example.com\", or \"*\" for "
                 "all. A page served from the broker's own origin needs none. \"null\" is the "
                 "origin of "
                 "sandboxed frames and files: as open as \"*\"."}),
    cors<&CorsOptions::credentials>(
        {.name = "credentials",
         .help = "Whether those pages may send cookies (withCredentials). Not together with "
                 "\"*\" or \"null\"."}),
};

constexpr std::array kSubscribe{
    subscribe<&SubscribeOptions::events>(
        {.name = "events",
         .help = "Whether /events is served. Without it there are only the paths of [[route]]."}),
    subscribe<&SubscribeOptions::allow>(
        {.name = "allow",
         .at_least = 1,
         .at_most = 10'000,
         .help = "The channels and patterns that clients may name. A pattern is allowed if one of "
                 "these covers all that it can match. The channels that a [[route]] fixes need not "
                 "be among them."}),
};

constexpr std::array kChannel{
    channel<&ChannelRule::match>(
        {.name = "match",
         .at_least = 1,
         .help = "The channels it speaks of: a name, or a pattern. `*` stands for one or more "
                 "characters within "
                 "one segment, `**` for one or more whole segments. Required; the first rule that "
                 "matches a channel counts."}),
    channel<&ChannelRule::history_events>(
        {.name = "history_events", .at_most = 100'000'000, .help = "In place of history.events."}),
    channel<&ChannelRule::history_bytes>({.name = "history_bytes",
                                          .at_least = kKiB,
                                          .at_most = kTiB,
                                          .help = "In place of history.bytes."}),
    channel<&ChannelRule::history_age>(
        {.name = "history_age", .at_most = ns(3650 * kDay), .help = "In place of history.age."}),
    channel<&ChannelRule::heartbeat>({.name = "heartbeat",
                                      .at_least = ns(1s),
                                      .at_most = ns(1h),
                                      .help = "In place of delivery.heartbeat."}),
    channel<&ChannelRule::retry>({.name = "retry",
                                  .at_least = ns(100ms),
                                  .at_most = ns(1h),
                                  .help = "In place of delivery.retry."}),
    channel<&ChannelRule::slow>({.name = "slow", .help = "In place of delivery.slow."}),
    channel<&ChannelRule::coalesce>(
        {.name = "coalesce", .at_most = ns(10s), .help = "In place of delivery.coalesce."}),
};

constexpr std::array kRoute{
    route<&RouteRule::path>(
        {.name = "path",
         .at_least = 1,
         .help = "The path, exactly, without a query. Required; /events is there besides, unless "
                 "subscribe.events is false."}),
    route<&RouteRule::channels>(
        {.name = "channels",
         .at_most = 10'000,
         .help =
             "The channels and patterns its streams consist of, whatever the query says. Empty: "
             "the query names them, as on /events."}),
    route<&RouteRule::announce_position>(
        {.name = "announce_position", .help = "In place of delivery.announce_position."}),
    route<&RouteRule::heartbeat>({.name = "heartbeat",
                                  .at_least = ns(1s),
                                  .at_most = ns(1h),
                                  .help = "In place of delivery.heartbeat."}),
};

constexpr std::array<Section<Options>, 7> kSections{{
    {.name = "listen", .help = "Where the broker can be reached.", .keys = kListen},
    {.name = "server", .help = "How it runs.", .keys = kServer},
    {.name = "history",
     .help = "What a channel remembers, so that a client that was away gets what it missed. An "
             "event leaves as soon as one of the limits is exceeded.",
     .keys = kHistory},
    {.name = "delivery", .help = "How events reach their subscribers.", .keys = kDelivery},
    {.name = "limits",
     .help = "Bounds on what clients and publishers can make the broker hold.",
     .keys = kLimits},
    {.name = "cors", .help = "Which web pages of other origins may subscribe.", .keys = kCors},
    {.name = "subscribe",
     .help = "What may be subscribed to by clients that name their channels themselves.",
     .keys = kSubscribe},
}};
constexpr Section<ChannelRule> kChannelSection{
    .name = "channel",
    .help = "Exceptions for some channels; any number of them.",
    .keys = kChannel};
constexpr Section<RouteRule> kRouteSection{
    .name = "route",
    .help = "Paths besides /events on which event streams are served; any number of them.",
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
