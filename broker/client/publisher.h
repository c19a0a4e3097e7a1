// Publisher: events into the broker's ingest socket, one NDJSON line each, pipelined: any number
// may be on their way before the first reply is read, and replies come back in order. A refused
// event is a reply, not the end: the connection goes on.
//
// One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/client/error.h"
#include "broker/client/socket.h"
#include "broker/client/stop.h"

#include "common/time.h"

namespace fanfare::client {

struct Publication {
  std::string_view channel;
  std::string_view data;  // UTF-8
  std::string_view event = {};
  std::optional<std::uint32_t> retry_ms = {};
  std::string_view key = {};              // in a channel that keeps the latest of each
  std::string_view idempotency_key = {};  // the same key gives the same id
};

// One reply: the ids of the events, or why they were refused.
struct Reply {
  std::vector<std::string> ids;  // none when refused, or when the line did not publish (finish)
  std::string refusal;           // empty: done
  std::string line;              // as the broker wrote it, without the line feed
  bool duplicate = false;        // published before, under the same key
};

class Publisher {
 public:
  // `path` of the ingest socket. `stop` may be null; else it outlives the publisher.
  static std::expected<Publisher, Error> connect(std::string_view path, TimePoint deadline,
                                                 const Stop* stop = nullptr);

  // Queues; sends when enough is queued for one write to be worth it, taking in whatever replies
  // are there (so that neither side waits for the other).
  std::expected<void, Error> publish(const Publication& publication, TimePoint deadline);
  // The same for a line that is NDJSON already (without its line feed).
  std::expected<void, Error> publish_line(std::string_view line, TimePoint deadline);
  std::expected<void, Error> finish(std::string_view channel, TimePoint deadline);

  // Sends everything queued, then the next reply in order. Precondition: outstanding() > 0.
  std::expected<Reply, Error> next_reply(TimePoint deadline);
  // Lines queued or sent whose reply next_reply() has not given yet.
  std::size_t outstanding() const { return outstanding_; }

 private:
  explicit Publisher(Socket socket) : socket_(std::move(socket)) {}
  std::expected<void, Error> advance(TimePoint deadline);
  void take_in(std::string_view bytes);

  Socket socket_;
  std::string out_;
  std::size_t out_sent_ = 0;
  std::string partial_;  // of a reply line
  std::deque<Reply> replies_;
  std::size_t outstanding_ = 0;
  bool ended_ = false;  // by the broker
};

}  // namespace fanfare::client
