// Options of the serving part, as broker.toml fills them. The defaults here are the defaults.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/policy/client_address.h"
#include "broker/policy/digest.h"
#include "broker/wire/sse/format.h"
#include "broker/wire/sse/position.h"

#include "common/time.h"

namespace fanfare::policy {
struct JwtKeys;
}
namespace fanfare::tls {
class Server;
}

namespace fanfare::server {

// What to do with a subscriber that has stopped reading.
enum class SlowPolicy : std::uint8_t {
  disconnect,
  skip,
  latest,  // of each key, the newest value that it missed; where there are no keys, as skip
};
// What a channel keeps: a window of recent events alone, or beside it the latest of each key.
enum class Keep : std::uint8_t { window, latest };
using sse::AnnouncePosition;  // how a new client learns its position
using sse::Format;            // the form in which it gets its events
// When a route asks its application about a client that presents a cursor.
enum class Ask : std::uint8_t {
  always,
  newcomers,  // not about one that it has lately let in
};
enum class Backend : std::uint8_t { automatic, io_uring, epoll };
// Whether a subscriber must present a token. Automatic: if [token] has keys. Optional: one that is
// presented must be good.
enum class TokenNeed : std::uint8_t { automatic, required, optional, none };

// Whether a trusted front says by the PROXY protocol whose connection it carries.
enum class ProxyProtocol : std::uint8_t { off, accept, require };
using policy::ForwardedField;  // where it says whose request it passes on

struct ListenOptions {
  std::vector<std::string> http = {"127.0.0.1:8080"};  // see listen_address.h
  std::uint32_t http_mode = 0660;                      // of the Unix sockets among them
  std::string http_group;                              // empty: left as it is
  bool h2c = true;                                     // HTTP/2 by prior knowledge there, too
  std::vector<std::string> https;                      // the same over TLS; empty: there is none
  std::string
      ingest;  // path; empty: /run/fanfare/ingest.sock for root, else below $XDG_RUNTIME_DIR
  std::uint32_t ingest_mode = 0660;
  std::string ingest_group;  // empty: left as it is
  std::vector<std::string>
      ingest_users;  // user names allowed by peer credentials; empty: all who may open the socket
  std::string admin = "127.0.0.1:9180";  // empty: no admin listener
  std::vector<std::string> hosts;        // names of the subscriber listeners; empty: any
  std::vector<std::string> admin_hosts;  // of the admin listener; addresses and localhost always
  std::string admin_token_file;          // what operators have to show there; empty: nothing

  friend bool operator==(const ListenOptions&, const ListenOptions&) = default;
};

// [[tls.sni]]: the certificate for clients that ask for one of these names.
struct SniRule {
  std::vector<std::string> names;  // hosts, or "*.example.org"
  std::string certificate;
  std::string key;

  friend bool operator==(const SniRule&, const SniRule&) = default;
};

// One thing of the files of [tls] and [publish] that is good until a certain time.
struct TlsExpiry {
  std::string_view kind;  // "certificate", "authority" or "revocations"
  std::string file;
  std::string name;  // hosts that a certificate is for; whose an authority or a list is
  std::int64_t unix_s = 0;

  friend bool operator==(const TlsExpiry&, const TlsExpiry&) = default;
};

// What [listen] https and [publish] listen_tls show; files in PEM.
struct TlsOptions {
  std::string certificate;  // with its chain; for clients that ask for no name, or an unknown one
  std::string key;
  std::vector<SniRule> sni;

  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

// Reverse proxies and balancers in front of the subscriber listeners.
struct FrontOptions {
  std::vector<std::string> trusted;  // addresses, networks, words (broker/policy/client_address.h)
  ProxyProtocol proxy_protocol = ProxyProtocol::off;
  ForwardedField forwarded = ForwardedField::x_forwarded_for;

  friend bool operator==(const FrontOptions&, const FrontOptions&) = default;
};

struct HistoryOptions {
  std::uint32_t events = 1000;
  std::uint64_t bytes = 1U << 20U;
  Duration age = 1h;
  std::uint64_t total_bytes = 256U << 20U;

  friend bool operator==(const HistoryOptions&, const HistoryOptions&) = default;
};

struct DeliveryOptions {
  Duration heartbeat = 15s;
  Duration retry = 2s;  // told to every client with up to +50 % jitter
  SlowPolicy slow = SlowPolicy::disconnect;
  Duration stall = 30s;           // a subscriber that took no byte for this long is slow
  std::string gap_event = "gap";  // empty: no gap events
  std::string
      end_event;  // sent before a clean end, for clients behind proxies that hide it; empty: none
  std::string heartbeat_event;  // what heartbeats are called; empty: programs do not see them
  AnnouncePosition announce_position = AnnouncePosition::automatic;
  Duration coalesce = Duration(0);
  Duration stream_life = Duration(0);  // 0: as long as its client wants
  bool compress = false;               // for clients that accept gzip

  friend bool operator==(const DeliveryOptions&, const DeliveryOptions&) = default;
};

struct LimitOptions {
  std::uint32_t connections = 0;  // 0: what one ring per core can hold
  std::uint32_t channels = 1'000'000;
  std::uint32_t channels_per_subscription = 128;
  std::uint32_t patterns_per_subscription = 128;
  std::uint32_t patterns = 100'000;        // different ones at a time, each shard's own added up
  std::uint64_t event_bytes = 64U << 10U;  // data of one event; hard cap 1 MiB
  std::uint32_t event_name_bytes = 64;
  std::uint64_t head_bytes = 16U << 10U;  // request line and fields
  std::uint32_t head_fields = 100;
  std::uint64_t target_bytes = 8U << 10U;
  std::uint64_t body_bytes = 64U << 10U;     // of a request to the subscriber's side
  std::uint64_t queries_bytes = 64U << 20U;  // kept of a shard's streams, for publishers that watch
  std::uint32_t hook_channels = 100'000;     // whose news waits, for each hook
  Duration presence_time = 2s;               // for all shards to say who subscribes to a channel
  std::uint64_t bodies_bytes = 64U << 20U;  // being received: of all subscribers, of all publishers
  std::uint32_t h2_streams = 250;           // at a time on one HTTP/2 connection
  Duration head_time = 10s;                 // for a whole head, and for a whole body
  Duration idle_time = 60s;                 // between requests of a keep-alive connection
  Duration heartbeat_min = 1s;              // what ?heartbeat= may ask for
  Duration heartbeat_max = 5min;
  Duration wait_max = 1min;                // what ?wait= may ask for
  std::uint64_t poll_bytes = 64U << 10U;   // of events in one answer to ?poll=1
  std::uint32_t replay_channels = 10'000;  // that replay=N&each=channel looks at
  std::uint32_t compressors = 256;         // of each shard: feeds that are compressed
  std::uint32_t heartbeat_events = 32;     // different names of a shard's that clients may add to
  std::uint64_t ingest_pending_bytes = 8U << 20U;  // unserved events before publishers are slowed
  std::uint64_t ingest_batch_bytes = 16U << 20U;   // body of one HTTP publish (NDJSON batch)
  std::uint32_t ingest_connections = 256;
  std::uint32_t publish_connections = 64;    // of publishers over TCP
  std::uint32_t publish_tries = 3;           // bad tokens in a row on one of these
  std::uint32_t idempotency_keys = 100'000;  // remembered at a time
  Duration idempotency_age = 5min;           // and for how long
  std::uint64_t token_bytes = 8U << 10U;     // of one
  std::uint32_t tokens = 4096;               // verified ones that each shard remembers
  std::uint32_t tls_handshakes = 1000;       // of each shard, under way at a time
  std::uint32_t upstream_connections = 64;   // of each shard, to applications that routes ask
  Duration upstream_time = 10s;              // for an application's answer
  std::uint64_t upstream_answer_bytes = 1U << 20U;  // body of one answer
  std::uint64_t approval_bytes = 16U << 20U;        // remembered of what applications allowed
  Duration approval_age = 1h;                       // and for how long
  std::uint32_t tickets = 10'000;                   // that wait to be used
  Duration ticket_age = 10min;                      // how long one may wait at most
  // What one client may have, by its address or by its token; 0 and "unlimited": no limit. Rates
  // are text that parse_rate() reads.
  std::uint32_t connections_per_address = 0;
  std::uint32_t streams_per_address = 0;
  std::string requests_per_address = "unlimited";
  std::uint32_t streams_per_token = 0;
  std::string requests_per_token = "unlimited";
  std::uint32_t clients = 100'000;  // counted at a time, of each of the two kinds
  Duration drain = 5s;              // SIGTERM: subscribers are told to come back over this long

  friend bool operator==(const LimitOptions&, const LimitOptions&) = default;
};

struct CorsOptions {
  std::vector<std::string> origins;  // exact, or "*"
  bool credentials = false;

  friend bool operator==(const CorsOptions&, const CorsOptions&) = default;
};

// The browser module's (broker/server/requests/browser_module.h): never a [[route]].
inline constexpr std::string_view kModulePath = "/fanfare.js";

// What may be subscribed to where the client names the channels.
// Whether /selftest is served: to nobody, to those who may subscribe, to everybody.
enum class Selftest : std::uint8_t { off, token, open };

struct SubscribeOptions {
  bool events = true;                       // /events is served, in addition to the routes
  bool module = true;                       // and /fanfare.js, for pages to import
  Selftest selftest = Selftest::off;        // and /selftest, for people with a browser
  std::vector<std::string> allow = {"**"};  // channels and patterns; one of them has to cover it

  friend bool operator==(const SubscribeOptions&, const SubscribeOptions&) = default;
};

// The tokens that let a client subscribe (broker/policy/jwt.h).
struct TokenOptions {
  std::vector<std::string> keys;  // files: public keys in PEM, or an HMAC secret
  std::string jwks;               // a file; empty: none
  std::vector<std::string> algorithms = {"EdDSA", "ES256", "RS256", "HS256"};
  std::string issuer;              // empty: any
  std::string audience;            // empty: only tokens that name none
  std::string claim = "channels";  // where the grants are; a dotted path
  Duration leeway = 30s;
  std::string cookie = "fanfare_token";   // empty: no token comes in a cookie
  std::string query = "token";            // empty: none in the query
  TokenNeed need = TokenNeed::automatic;  // on /events, and where a route does not say

  bool has_keys() const { return !keys.empty() || !jwks.empty(); }
  // Whether the query parameter is the broker's, and not the page's own.
  bool in_use() const {
    return has_keys() || need == TokenNeed::required || need == TokenNeed::optional;
  }
  friend bool operator==(const TokenOptions&, const TokenOptions&) = default;
};

// [[publish.client]]: what a publisher's certificate with one of these names stands for.
struct PublishClientRule {
  std::vector<std::string> names;     // alternative names or common names; "*": any
  std::vector<std::string> channels;  // names and patterns that it grants

  friend bool operator==(const PublishClientRule&, const PublishClientRule&) = default;
};

// Publishing over TCP, with a token (broker/policy/jwt.h) or a certificate.
struct PublishOptions {
  std::vector<std::string> listen;  // addresses; empty: only the ingest socket is there
  std::vector<std::string> listen_tls = {};
  std::string client_ca = {};   // PEM; empty: clients of listen_tls show no certificate
  std::string client_crl = {};  // PEM; empty: nobody looks whether one was revoked
  std::vector<PublishClientRule> clients = {};
  std::vector<std::string> keys;  // files, as those of subscribers' tokens
  std::string jwks;
  std::vector<std::string> algorithms = {"EdDSA", "ES256", "RS256", "HS256"};
  std::string issuer;             // empty: any
  std::string audience;           // empty: only tokens that name none
  std::string claim = "publish";  // where the channels are that it may publish to
  Duration leeway = 30s;

  bool has_keys() const { return !keys.empty() || !jwks.empty(); }
  friend bool operator==(const PublishOptions&, const PublishOptions&) = default;
};

// The log of requests (broker/server/sockets/access_book.h).
struct AccessOptions {
  std::string log;                   // a path, "stderr" or "stdout"; empty: none
  std::uint64_t buffer = 1U << 20U;  // lines of each shard that wait to be written

  friend bool operator==(const AccessOptions&, const AccessOptions&) = default;
};

// What an ack means: that the event is on the disk, or that it is with the kernel.
enum class JournalLevel : std::uint8_t { always, interval };

// The history on a disk (broker/journal/journal.h).
struct JournalOptions {
  std::string path;  // a folder; empty: there is no journal
  JournalLevel level = JournalLevel::always;
  Duration sync = 200ms;               // at `interval`: how long the disk may be behind
  std::uint64_t rewrite = 64U << 20U;  // written since the last image, at least, before the next

  friend bool operator==(const JournalOptions&, const JournalOptions&) = default;
};

// [[channel]]: overrides for the channels a pattern matches; the first match counts.
struct ChannelRule {
  std::string match;
  std::optional<std::uint32_t> history_events;
  std::optional<std::uint64_t> history_bytes;
  std::optional<Duration> history_age;
  std::optional<Duration> heartbeat;
  std::optional<Duration> retry;
  std::optional<SlowPolicy> slow;
  std::optional<Duration> coalesce;
  std::optional<Keep> keep = {};
  std::optional<std::uint32_t> keys_max = {};
  std::optional<std::uint64_t> keys_bytes = {};
  std::optional<std::uint32_t> rate = {};  // updates of one key in a second; 0: no limit
  std::optional<bool> compress = {};
  std::optional<bool> journal = {};

  friend bool operator==(const ChannelRule&, const ChannelRule&) = default;
};

// [[route]]: a path on the subscribers' side other than /events, with what it fixes.
struct RouteRule {
  std::string path;                                    // a template (server/base/path_template.h)
  std::vector<std::string> methods = {"GET", "POST"};  // HEAD goes with GET
  // Templates (server/base/channel_template.h); empty: taken from the query.
  std::vector<std::string> channels;
  std::optional<AnnouncePosition> announce_position;
  std::optional<Duration> heartbeat;
  std::optional<std::string> heartbeat_event = {};
  std::optional<Duration> retry = {};
  std::optional<Format> format = {};         // for clients that do not say which they want
  std::optional<std::uint32_t> replay = {};  // the same, for newcomers
  std::optional<std::vector<std::string>> parameters = {};  // that clients may use; nothing: all
  std::optional<TokenNeed> token = {};
  std::optional<Duration> stream_life = {};
  std::string upstream = {};  // asked first; empty: nobody is (server/base/upstream_address.h)
  Ask ask = Ask::always;

  friend bool operator==(const RouteRule&, const RouteRule&) = default;
};

// [[hook]]: an application that is told which channels become occupied or vacant
// (server/lead/hook.h).
struct HookRule {
  std::string url;                             // where it is posted to (parse_hook_url)
  std::vector<std::string> channels = {"**"};  // names and patterns; one of them has to match
  std::vector<std::string> events = {"occupied", "vacant"};
  std::string secret;         // signs posts; empty: they are not signed
  Duration settle = 2s;       // a channel is vacant for that long before it is told
  Duration timeout = 5s;      // for the answer to one post
  std::uint32_t retries = 5;  // of one post

  friend bool operator==(const HookRule&, const HookRule&) = default;
};

struct Options {
  ListenOptions listen;
  TlsOptions tls;
  // What the files of `tls` hold: read at the start, at each SIGHUP and when they change, apart
  // from the rest. Null: nothing listens for TLS.
  std::shared_ptr<const tls::Server> tls_server;
  std::shared_ptr<const tls::Server> publish_tls_server;  // the same, for publishers
  std::vector<TlsExpiry> tls_expiries;                    // of what these were made of
  FrontOptions fronts;
  std::uint32_t shards = 0;  // 0: auto
  Backend backend = Backend::automatic;
  HistoryOptions history;
  DeliveryOptions delivery;
  LimitOptions limits;
  CorsOptions cors;
  SubscribeOptions subscribe;
  TokenOptions token;
  // What the files of `token` hold: read at the start and at each SIGHUP, apart from the rest.
  // Null: nothing.
  std::shared_ptr<const policy::JwtKeys> token_keys;
  // What the file of `listen.admin_token_file` holds, likewise: its digest. Nothing: there is none.
  std::optional<policy::Digest> admin_token;
  AccessOptions access;
  JournalOptions journal;
  PublishOptions publish;
  std::shared_ptr<const policy::JwtKeys> publish_keys;  // the same, of `publish`
  std::vector<ChannelRule> channels;
  std::vector<RouteRule> routes;
  std::vector<HookRule> hooks;

  friend bool operator==(const Options&, const Options&) = default;
};

}  // namespace fanfare::server
