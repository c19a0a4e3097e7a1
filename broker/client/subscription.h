// Subscription: a blocking Server-Sent-Events client that behaves like a good browser. It resumes
// by itself after any end, from the last id it was given, when the server's `retry:` (with back-off
// and jitter) has passed; a 204 ends it for good; a silence longer than the heartbeat time-out is a
// dead connection. It never hides a loss: gaps and lost connections are items like events.
//
// One thread. Built on wire/h1 and wire/sse, which know nothing of sockets.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "broker/client/error.h"
#include "broker/client/stop.h"

#include "common/time.h"

namespace fanfare::client {

struct SubscriptionOptions {
  // http://host:port, host:port or the path of a Unix socket; a path in it replaces /events.
  std::string address = "http://127.0.0.1:8080";
  std::vector<std::string> channels = {};  // names and patterns
  std::string last_event_id = {};          // where to begin: an id, "earliest", or empty for now
  std::optional<std::uint32_t> replay = {};
  std::vector<std::pair<std::string, std::string>> fields = {};  // further request fields
  std::string gap_event = "gap";     // how the server calls its gap events; empty: they are events
  Duration heartbeat_timeout = 60s;  // four of the default heartbeats
  Duration connect_timeout = 10s;    // to connect, and again to be answered
  Duration retry = 2s;               // until the server says otherwise
  Duration backoff_max = 30s;
};

struct ReceivedEvent {
  std::string type;  // "message" unless the event named one
  std::string data;
  std::string id;  // the last event id after this event
};

// Some of the events after `after` and up to `resumed` are gone for good.
struct ReceivedGap {
  std::string reason;  // "evicted", "restarted", "unknown", "slow"
  std::string after;
  std::string resumed;
};

struct Opened {
  std::string last_event_id;  // what was presented; empty for a newcomer
};

// The stream ended, or could not be opened; it will be tried again by itself.
struct Lost {
  std::string why;
  Duration retry_in{};
};

// 204: there is nothing more to come, ever.
struct Finished {};

using Item = std::variant<ReceivedEvent, ReceivedGap, Opened, Lost, Finished>;

class Subscription {
 public:
  // `stop` may be null; else it outlives the subscription. Nothing is connected yet.
  explicit Subscription(SubscriptionOptions options, const Stop* stop = nullptr);
  ~Subscription();
  Subscription(Subscription&&) noexcept;
  Subscription& operator=(Subscription&&) noexcept;

  // The next thing that happened. Errors: timeout (nothing happened until the deadline; call
  // again), stopped, address and refused (a 4xx, which another attempt will not change).
  std::expected<Item, Error> next(TimePoint deadline);

  // What a reconnection would present.
  std::string_view last_event_id() const;
  // Drops the connection as a network would; the next call reconnects. For tests.
  void cut();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fanfare::client
