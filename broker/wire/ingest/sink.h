// Sink: what publishing means, seen from the dialects. The server implements it over the sequencer;
// tests implement it over a list. One Sink stands behind all three dialects, so that an event
// published by curl, by a Redis library or by a log shipper is checked, numbered and refused alike.
//
// Synchronous, called from the lead shard's thread only. The Sink validates everything (channel
// names, UTF-8, sizes, event names): a dialect only takes its own syntax apart. publish() is the
// hot path: neither side allocates unless it refuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/time.h"

namespace fanfare::ingest {

// The views need to live only for the call.
struct Publish {
  std::string_view channel = {};
  std::string_view type = {};                  // `event:`; empty: none
  std::string_view data = {};                  // bytes as published; not yet known to be UTF-8
  std::optional<std::uint32_t> retry_ms = {};  // `retry:`
  // What this is the latest value of, in a channel that keeps the latest of each key; empty: none
  // is named. Without data it removes the key.
  std::string_view key = {};
  // Empty: none. It belongs to this channel: on another channel it names another event.
  std::string_view idempotency_key = {};
  bool wants_id = true;         // false: its dialect has no place for it
  bool wants_receivers = true;  // the same
};

struct Published {
  // "<epoch>-<sequence>"; valid until the next call of the Sink. May be empty if not wanted.
  std::string_view id = {};
  // Streams that this event goes to, each counted once. 0 if not wanted.
  std::uint64_t receivers = 0;
  bool duplicate = false;  // nothing was published: the id is that of the key's first event
  bool evicted = false;    // and that event has left the history since
};

// Why something was refused; each dialect has its own word for it.
enum class Refusal : std::uint8_t {
  invalid,          // the request breaks a rule: 400, -ERR
  finished,         // the channel was finished: 409, -FINISHED
  too_large,        // over a size limit: 413, -ERR
  unavailable,      // a limit of the broker is reached, or it is stopping: 503, -UNAVAILABLE
  unauthenticated,  // no good token was presented: 401, -NOAUTH
  forbidden,        // the token does not grant it: 403, -NOPERM
};

struct Refused {
  Refusal kind = Refusal::invalid;
  std::string message = {};  // one sentence: what is wrong, where, and what would be right
};

// A change to the log that is considered, not yet made.
struct Change {
  enum class Kind : std::uint8_t {
    publish,
    publish_if_there,  // does nothing if the channel does not exist
    finish,            // for these two, only event.channel counts
    erase,
  };
  Kind kind = Kind::publish;
  Publish event = {};
};

// Changes that are to be made together, tried one after another on a picture of the log: the answer
// that each would get after those before it. Nothing is changed, so a batch that must be whole can
// be refused whole. Valid until the Sink is called again.
class Rehearsal {
 public:
  virtual ~Rehearsal() = default;
  // Why `change` would be refused, if it would. Its views live as long as the rehearsal.
  virtual std::optional<Refused> add(const Change& change) = 0;
  // Whether its key was published before: it is answered with the first one's id.
  virtual bool repeats(const Publish& /*event*/) const { return false; }
};

struct ChannelState {
  std::uint64_t events = 0;           // in the window
  std::uint64_t bytes = 0;            // of the window
  std::uint64_t published_total = 0;  // since the channel appeared
  std::uint64_t receivers = 0;
  std::string first, last;  // ids of the window's oldest and newest event; empty: none
  bool finished = false;
  bool published = true;  // false: it has subscribers only, the log knows nothing of it
};

// A ticket that an application asks for, to pass it on to a client: it opens one event stream,
// once.
struct TicketRequest {
  std::vector<std::string_view> channels = {};  // names and patterns
  std::string_view subject = {};                // who the client is; empty: not said
  std::string_view expires = {};                // a duration within which it is used; empty: 60s
  std::string_view life = {};                   // of the stream that it opens; empty: no end
};

struct Ticket {
  std::string text;
  Duration expires{};
};

using FactValue = std::variant<std::uint64_t, std::string_view>;

class Sink {
 public:
  virtual ~Sink() = default;

  virtual std::expected<Published, Refused> publish(const Publish& event) = 0;
  // Publishes several, one after another. Each is answered before the next is published.
  using Answer = std::function<void(const std::expected<Published, Refused>&)>;
  virtual void publish_all(std::span<const Publish> events, const Answer& answer) {
    for (const Publish& event : events) answer(publish(event));
  }
  // Why `change` would be refused whatever is in the log: its names, its size, its bytes, or
  // because the broker is stopping.
  virtual std::optional<Refused> check(const Change& /*change*/) { return std::nullopt; }
  // Never null. By default only check() refuses.
  virtual std::unique_ptr<Rehearsal> rehearse();
  // No more events; subscribers get what is left and a clean end. Idempotent.
  virtual std::expected<void, Refused> finish(std::string_view channel) = 0;
  // Drops the history and the finished mark. False: there is no such channel.
  virtual std::expected<bool, Refused> erase(std::string_view channel) = 0;

  // The id of now: of the newest event in the log. Everything published until now has it or a
  // smaller one, everything published from now on a larger one. Valid until the next call of the
  // Sink; empty: there are no ids here.
  virtual std::string_view position() { return {}; }

  // Not a change to the log: nothing is acked later than others for it.
  virtual std::expected<Ticket, Refused> issue_ticket(const TicketRequest& /*request*/) {
    return std::unexpected(
        Refused{.kind = Refusal::unavailable, .message = "there are no tickets here"});
  }

  // Why this publisher may not watch who subscribes (which shows all channels); none: it may.
  virtual std::optional<Refused> watch_problem() { return std::nullopt; }
  // Why no channel of a publisher can have this name, or why it may not know; none: one can.
  virtual std::optional<Refused> name_problem(std::string_view /*channel*/) { return std::nullopt; }
  // A channel that has a history, or whose events would reach a subscriber.
  virtual std::optional<ChannelState> find(std::string_view channel) = 0;
  // Every channel of publishers (not the broker's own `~…`), and every name that has subscribers,
  // until `visit` returns false.
  using ChannelVisitor = std::function<bool(std::string_view name, const ChannelState&)>;
  virtual void for_each_channel(const ChannelVisitor& visit) = 0;
  // Subscribers of exactly this name, without patterns; 0 for a name nobody subscribes to, valid or
  // not.
  virtual std::uint64_t subscribers(std::string_view channel) = 0;
  // Different patterns that somebody subscribes to.
  virtual std::uint64_t pattern_count() = 0;
  // What the broker reports about itself (version, epoch, uptime, counters), in a fixed order;
  // names are lower_case words, values are numbers or short texts without control characters.
  using FactVisitor = std::function<void(std::string_view name, FactValue value)>;
  virtual void for_each_fact(const FactVisitor& visit) = 0;
};

}  // namespace fanfare::ingest
