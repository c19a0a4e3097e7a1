// Polls: requests that ask for what there is, instead of for a stream (poll=1): a whole answer, and
// the next cursor. For scripts, and for networks that cut streams. One that brings a cursor which
// nothing follows yet may wait for it (wait=25s): then the answer comes later, with the first
// events, or empty when its time is up.
//
// What waits has a seat, as a stream has, and its feed, but is no member of it: the replica says
// once that the feed's channels had an event (Replica::await). It costs nothing until then. An
// answer is made in one piece, of at most [limits] poll_bytes or one event, and a turn makes only
// so many bytes of them: the rest of those who ask waits for the next turn.
//
// Thread: the shard's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/fanout/replica.h"
#include "broker/server/base/counters.h"
#include "broker/server/base/seats.h"
#include "broker/server/base/settings.h"
#include "broker/server/sockets/routes.h"
#include "broker/server/streams/streams.h"
#include "broker/wire/sse/subscribe_request.h"

#include "common/random.h"

namespace fanfare::server {

class Polls {
 public:
  struct Parts {
    const Settings& settings;
    fanout::Replica& replica;
    Streams& streams;
    Seats& seats;
    Counters& counters;
    Random& random;
  };
  explicit Polls(const Parts& parts) : parts_(parts) {}

  void turn_begins() { spent_ = 0; }
  void tell_date(std::chrono::sys_seconds date) { date_ = date; }

  // As Streams::open(): the topics are valid and allowed. The answer is whole, or comes later.
  void open(const Request& request, const sse::SubscribeRequest& asked, const Streams::Terms& terms,
            Response& response);
  // The time of a later answer is up: here it is. False: it is none of these.
  bool time_is_up(const Request& request, Response& response);
  // Nobody waits for this answer any more.
  void forget(ExchangeId exchange);

  // Once a turn, when the log has gone by: who of those that wait has something to be told now.
  // Then, one by one and as far as this turn has room, whose answer is to be made: answer()
  // follows.
  void look_around();
  std::optional<ExchangeId> next_due();
  void answer(const Request& request, Response& response);
  // The broker is stopping: nobody waits any longer.
  void answer_all();
  bool work_waiting() const { return !due_.empty(); }

 private:
  // A request that has begun and has no answer yet.
  struct Poll {
    fanout::Feed* feed = nullptr;
    Streams::Beginning beginning;
    Duration retry{};
    http::FieldList fields;  // further ones of its answer
    ExchangeId exchange;
    std::uint32_t place = 0;  // among those of its feed
    AnnouncePosition announce{};
    fanout::Framing framing{};
    bool seated = false;
    bool due = false;
  };
  struct Found {
    std::string text;
    std::uint64_t events = 0;
    bool more = false;  // there was no room for all
    bool over = false;  // nothing will ever follow
  };
  using Key = std::uint64_t;  // of an exchange

  static Key key_of(ExchangeId exchange) {
    return std::uint64_t{exchange.generation} << 32U | exchange.index;
  }
  Poll begin(const sse::SubscribeRequest& asked, const Streams::Terms& terms);
  void turn_away(Poll& poll, const Options& options);
  bool has_news(const Poll& poll) const;
  void begin_again(Poll& poll);
  Found collect(Poll& poll);
  void write(const Request& request, Poll& poll, Response& response);
  void put_off(ExchangeId exchange, Poll&& poll, Duration patience, Response& response);
  void make_due(Poll& poll, Key key);
  void end(Poll& poll);
  void remove(std::unordered_map<Key, Poll>::iterator found);

  Parts parts_;
  std::unordered_map<Key, Poll> waiting_;
  std::unordered_map<std::uint32_t, std::vector<Key>> by_feed_;
  std::vector<std::uint32_t> stirred_;  // feeds with news, some of it perhaps not for all yet
  std::deque<Key> due_;                 // may hold some that have gone
  std::size_t spent_ = 0;               // bytes of answers in this turn
  std::chrono::sys_seconds date_{};
};

}  // namespace fanfare::server
