// The keys, the part about how the broker runs, what it keeps and how it delivers.

#include <array>

#include "broker/config/key_sections.h"
#include "broker/config/keys.h"
#include "broker/config/member_key.h"

namespace fanfare::config {
namespace {

using server::DeliveryOptions;
using server::HistoryOptions;
using server::ListenOptions;
using server::Options;

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

constexpr std::uint64_t ns(Duration duration) {
  return static_cast<std::uint64_t>(duration.count());
}
constexpr std::uint64_t kKiB = 1U << 10U;
constexpr std::uint64_t kMiB = 1U << 20U;
constexpr std::uint64_t kTiB = std::uint64_t{1} << 40U;
constexpr Duration kDay = 24h;

constexpr std::array kListen{
    listen<&ListenOptions::http>(
        {.name = "http",
         .at_least = 1,
         .at_most = 64,
         .help =
             "Where subscribers connect, over HTTP/1.1 or HTTP/2: addresses with a port, "
             "\"127.0.0.1:8080\" or \"[::]:8080\", and Unix sockets for a front on this machine, "
             "\"unix:/run/fanfare/http.sock\". Port 0 lets the kernel choose."}),
    listen<&ListenOptions::http_mode>(
        {.name = "http_mode",
         .kind = Kind::mode,
         .at_most = 0777,
         .help = "Permissions of the Unix sockets in http: every user who may write to one may "
                 "subscribe there."}),
    listen<&ListenOptions::http_group>(
        {.name = "http_group",
         .help = "The group that owns them: that of the front, like \"www-data\". Empty: the "
                 "broker's own."}),
    key<Options, &Options::listen, &ListenOptions::h2c>(
        {.name = "h2c",
         .help = "Whether connections to these addresses may speak HTTP/2 without TLS, by prior "
                 "knowledge, as proxies do that speak HTTP/2 to the broker. Browsers do not."}),
    listen<&ListenOptions::https>(
        {.name = "https",
         .at_most = 64,
         .help = "Where subscribers connect over TLS, with the certificates of [tls]: addresses "
                 "like those of http, \"0.0.0.0:8443\". Empty: nowhere."}),
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
    key<Options, &Options::listen, &ListenOptions::admin_token_file>(
        {.name = "admin_token_file",
         .help = "A file with one line, of 16 characters or more: what operators have to show to "
                 "the admin listener, as a bearer token or as a password (of any user name), for "
                 "everything but /healthz and /readyz. It is read again on SIGHUP. Empty: nothing "
                 "has to be shown, and who is connected (/api) is then shown, and closed, on "
                 "loopback only."}),
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
                 "\"skip\": it stays connected, and is sent a gap event. \"latest\": in channels "
                 "that keep the latest event of each key, it is sent the newest of each that it "
                 "missed; in all others, as \"skip\"."}),
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
    delivery<&DeliveryOptions::heartbeat_event>(
        {.name = "heartbeat_event",
         .help = "Name of the event that a heartbeat is, so that pages can notice that a stream is "
                 "silent. Choose one that no publisher uses. Empty: a comment, which programs do "
                 "not see. A client may choose for itself, with ?heartbeat_event=. Streams that "
                 "are already open keep theirs."}),
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
    delivery<&DeliveryOptions::compress>(
        {.name = "compress",
         .help =
             "Streams are compressed with gzip, for clients that accept it (browsers do). It is "
             "done once for all streams of the same channels, so that it costs next to nothing "
             "where they are many. Not for channels that carry secrets besides what strangers "
             "may publish: the size of what was compressed together tells of both. It holds for "
             "streams that begin from then on."}),
    delivery<&DeliveryOptions::stream_life>(
        {.name = "stream_life",
         .at_most = ns(365 * kDay),
         .help = "A stream that has been open for this long, or for up to a quarter less, at "
                 "random, is told to come back: so clients spread over brokers again, and what was "
                 "decided about one is decided anew. It holds for streams that begin from then on. "
                 "\"0s\": as long as its client wants."}),
};

}  // namespace

Section<Options> listen_section() {
  return {.name = "listen", .help = "The addresses on which the broker listens.", .keys = kListen};
}

Section<Options> server_section() {
  return {.name = "server", .help = "How the broker runs.", .keys = kServer};
}

Section<Options> history_section() {
  return {.name = "history",
          .help =
              "What each channel keeps, so that a client that was away gets what it missed. An "
              "event is evicted as soon as one of the limits is exceeded.",
          .keys = kHistory};
}

Section<Options> delivery_section() {
  return {.name = "delivery", .help = "How events reach their subscribers.", .keys = kDelivery};
}

}  // namespace fanfare::config
