// The keys, the part about [[channel]] and [[route]].

#include <array>

#include "broker/config/key_sections.h"
#include "broker/config/keys.h"
#include "broker/config/member_key.h"

namespace fanfare::config {
namespace {

using server::ChannelRule;
using server::HookRule;
using server::RouteRule;

template <auto kMember>
constexpr Key<ChannelRule> channel(Facts facts) {
  return key<ChannelRule, kMember>(facts);
}

template <auto kMember>
constexpr Key<RouteRule> route(Facts facts) {
  return key<RouteRule, kMember>(facts);
}

template <auto kMember>
constexpr Key<HookRule> hook(Facts facts) {
  return key<HookRule, kMember>(facts);
}

constexpr std::uint64_t ns(Duration duration) {
  return static_cast<std::uint64_t>(duration.count());
}
constexpr std::uint64_t kKiB = 1U << 10U;
constexpr std::uint64_t kTiB = std::uint64_t{1} << 40U;
constexpr Duration kDay = 24h;

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
    channel<&ChannelRule::keep>(
        {.name = "keep",
         .help = "\"window\": recent events, as [history] says. \"latest\": beside them the latest "
                 "event of each key, however old; a new client is sent these first, and an event "
                 "without data removes its key. A channel goes by what this said when its first "
                 "event came, until it is deleted. Default: \"window\"."}),
    channel<&ChannelRule::keys_max>(
        {.name = "keys_max",
         .at_least = 1,
         .at_most = 100'000'000,
         .help = "With keep = \"latest\": how many keys one channel may have. An event with "
                 "another key is refused. Default: 100000."}),
    channel<&ChannelRule::keys_bytes>(
        {.name = "keys_bytes",
         .at_least = kKiB,
         .at_most = kTiB,
         .help = "With keep = \"latest\": how many bytes the latest events of one channel's keys "
                 "may have. An event that would exceed that is refused; so is one that would make "
                 "those of all channels exceed a quarter of history.total_bytes. Default: "
                 "\"64MiB\"."}),
    channel<&ChannelRule::rate>(
        {.name = "rate",
         .at_most = 1'000,
         .help = "With keep = \"latest\": how many updates of one key a subscriber is sent in a "
                 "second, at most; it is the newest that is sent, and none is held back for good. "
                 "A subscriber of several channels is sent all of them at the slowest of their "
                 "rates. A client may ask for less, with ?max_rate=. 0: every event."}),
    channel<&ChannelRule::compress>(
        {.name = "compress",
         .help =
             "Replaces delivery.compress. A stream of several channels is compressed if that is "
             "allowed for all of them."}),
    channel<&ChannelRule::journal>(
        {.name = "journal",
         .help = "Whether its events are written to the journal, where there is one ([journal] "
                 "path). What is not written is lost with the process, and clients are sent a gap. "
                 "Default: true."}),
};

constexpr std::array kRoute{
    route<&RouteRule::path>(
        {.name = "path",
         .at_least = 1,
         .help = "The path, without a query: \"/prices\", or with variables, \"/ai/chat/{room}\", "
                 "each of which stands for one character or more of one segment. Required. A path "
                 "without variables goes before one with them, and text before variables, from the "
                 "left; /events is served as well, unless subscribe.events is false."}),
    route<&RouteRule::methods>(
        {.name = "methods",
         .at_least = 1,
         .at_most = 2,
         .help = "\"GET\", with which goes HEAD, and \"POST\". The answer to any other is 405."}),
    route<&RouteRule::channels>(
        {.name = "channels",
         .at_most = 10'000,
         .help =
             "The channels and patterns of its streams, whatever the query says. They may hold "
             "variables, whose values are a segment of a name or part of one: those of the path, "
             "{query.NAME}, {token.CLAIM}, and {connection}, a name that no other request has "
             "and that the answer's field Fanfare-Connection tells the client. "
             "{query.NAME:sha256} is a digest, of any text. Empty: the query names the "
             "channels, as on /events."}),
    route<&RouteRule::parameters>(
        {.name = "parameters",
         .at_most = 32,
         .help =
             "The broker's parameters that clients may use here, in the query and in a body: "
             "[\"last_event_id\", \"heartbeat\"]. All others are the page's own. Absent: all may "
             "be used."}),
    route<&RouteRule::format>(
        {.name = "format",
         .help = "The form of its events for a client that does not say which it wants, with "
                 "format= or by its Accept: an \"event-stream\", \"json\", a "
                 "line for each, or \"raw\", the data alone."}),
    route<&RouteRule::replay>(
        {.name = "replay",
         .at_most = 10'000'000,
         .help = "A client that presents no id, and asks for no history itself, begins with this "
                 "many of the newest events."}),
    route<&RouteRule::retry>({.name = "retry",
                              .at_least = ns(100ms),
                              .at_most = ns(1h),
                              .help = "Replaces delivery.retry."}),
    route<&RouteRule::announce_position>(
        {.name = "announce_position", .help = "Replaces delivery.announce_position."}),
    route<&RouteRule::heartbeat>({.name = "heartbeat",
                                  .at_least = ns(1s),
                                  .at_most = ns(1h),
                                  .help = "Replaces delivery.heartbeat."}),
    route<&RouteRule::heartbeat_event>(
        {.name = "heartbeat_event", .help = "Replaces delivery.heartbeat_event."}),
    route<&RouteRule::token>({.name = "token", .help = "Replaces token.need."}),
    route<&RouteRule::stream_life>({.name = "stream_life",
                                    .at_most = ns(365 * kDay),
                                    .help = "Replaces delivery.stream_life."}),
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

constexpr std::array kHook{
    hook<&HookRule::url>(
        {.name = "url",
         .at_least = 1,
         .help = "Where news is posted to: \"http://127.0.0.1:3000/hooks\" (an address, or "
                 "localhost), or \"unix:/run/app.sock:/hooks\". Required."}),
    hook<&HookRule::channels>(
        {.name = "channels",
         .at_least = 1,
         .at_most = 1'000,
         .help = "The channels it is told of: names and patterns. Subscribers count that name the "
                 "channel, not those whose pattern matches it."}),
    hook<&HookRule::events>({.name = "events",
                             .at_least = 1,
                             .at_most = 2,
                             .help = "What it is told of: \"occupied\" (a channel has its first "
                                     "subscriber, over all shards), \"vacant\" (its last has "
                                     "gone)."}),
    hook<&HookRule::secret>(
        {.name = "secret",
         .help = "Signs every post: Fanfare-Signature is the HMAC-SHA256, by this key, of "
                 "Fanfare-Timestamp, a full stop and the body. Empty: posts are not signed."}),
    hook<&HookRule::settle>(
        {.name = "settle",
         .at_most = ns(1h),
         .help = "How long a channel must be vacant before that is told, so that a page which is "
                 "loaded anew tells nothing."}),
    hook<&HookRule::timeout>(
        {.name = "timeout",
         .at_least = ns(100ms),
         .at_most = ns(1min),
         .help = "How long the answer to one post is waited for. Anything but 2xx is a failure."}),
    hook<&HookRule::retries>(
        {.name = "retries",
         .at_most = 100,
         .help = "How often a post that failed is repeated, after 1 s, 2 s, 4 s and so on up to "
                 "30 s (less by up to a half, at random). Then it is given up; after a minute the "
                 "hook begins anew with a reset and the channels that are occupied."}),
};

constexpr Section<ChannelRule> kChannelSection{
    .name = "channel",
    .help = "Exceptions for some channels; any number of them.",
    .keys = kChannel};
constexpr Section<RouteRule> kRouteSection{
    .name = "route",
    .help = "Further paths on which event streams are served; any number of them.",
    .keys = kRoute};
constexpr Section<HookRule> kHookSection{
    .name = "hook",
    .help = "Applications that are told when channels become occupied or vacant; up to 16 of them.",
    .keys = kHook};

}  // namespace

const Section<ChannelRule>& channel_section() {
  return kChannelSection;
}

const Section<RouteRule>& route_section() {
  return kRouteSection;
}

const Section<HookRule>& hook_section() {
  return kHookSection;
}

}  // namespace fanfare::config
