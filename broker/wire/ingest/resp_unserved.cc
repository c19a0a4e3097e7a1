#include "broker/wire/ingest/resp_unserved.h"

#include <array>

#include "broker/wire/ingest/text.h"

#include "common/letters.h"

namespace fanfare::ingest {
namespace {

constexpr auto kUnserved = std::to_array<Unserved>({
    {"SUBSCRIBE", "subscribers connect over HTTP: GET /events?channel=..."},
    {"PSUBSCRIBE", "subscribers connect over HTTP, patterns too: GET /events?channel=metrics/**"},
    {"SSUBSCRIBE", "subscribers connect over HTTP: GET /events?channel=..."},
    {"UNSUBSCRIBE", "there are no subscriptions on the ingest socket"},
    {"PUNSUBSCRIBE", "there are no subscriptions on the ingest socket"},
    {"SPUBLISH", "there are no sharded channels: use PUBLISH"},
    {"XREAD", "events are read over HTTP: GET /events?channel=... with Last-Event-ID or replay=N"},
    {"XRANGE", "events are read over HTTP: GET /events?channel=...&lastEventId=earliest"},
    {"XREVRANGE", "events are read over HTTP: GET /events?channel=...&replay=N"},
    {"XREADGROUP", "there are no consumer groups: every subscriber gets every event"},
    {"XGROUP", "there are no consumer groups: every subscriber gets every event"},
    {"XTRIM", "history is bounded by [history] in broker.toml; DEL drops a channel's"},
    {"XDEL", "single events cannot be taken back; DEL drops a channel's history"},
    {"GET", "there are no keys and values, only channels: PUBLISH channel data"},
    {"SET", "there are no keys and values, only channels: PUBLISH channel data"},
    {"KEYS", "channels are listed by PUBSUB CHANNELS [pattern]"},
    {"SCAN", "channels are listed by PUBSUB CHANNELS [pattern]"},
    {"DBSIZE", "INFO reports the number of channels"},
    {"UNLINK", "use DEL"},
    {"MONITOR", "{\"op\":\"watch\"} in NDJSON reports subscribers; [listen] admin shows the rest"},
    {"EVAL_RO", "there is nothing for a read-only script to read: use PUBSUB and XLEN"},
    {"EVALSHA_RO", "there is nothing for a read-only script to read: use PUBSUB and XLEN"},
    {"FCALL", "there are no functions: send PUBLISH, or several of them between MULTI and EXEC"},
    {"FUNCTION", "there are no functions: send PUBLISH, or several of them between MULTI and EXEC"},
    {"FLUSHALL", "DEL drops one channel's history; no command drops all of them"},
    {"FLUSHDB", "DEL drops one channel's history; no command drops all of them"},
    {"SENTINEL", "there is one broker, and no sentinel: connect to its socket directly"},
    {"ROLE", "HELLO reports it: a master without replicas"},
    {"READONLY", "there are no replicas: it is not needed"},
    {"TIME", "the broker uses this machine's clock: read that"},
    {"SHUTDOWN", "SIGTERM stops the broker"},
});

}  // namespace

const Unserved* find_unserved(std::string_view name) {
  for (const Unserved& unserved : kUnserved) {
    if (same_ignoring_case(name, unserved.name)) return &unserved;
  }
  return nullptr;
}

}  // namespace fanfare::ingest
