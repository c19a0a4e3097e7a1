// AccessBook: the access log of one shard's subscriber listeners: a JSON line for each request that
// has been answered, and for each event stream that has ended ([access] log).
//
//   asked() ─▶ answered() when the answer is known ─▶ the text waits with its exchange, or here
//   with its stream ─▶ finish() when it has ended ─▶ the shard's buffer ─▶ once a turn, the
//   AccessSink
//
// While the log is off it costs a look at the options for each request. While it is on, a stream
// costs its line's text (200 to 1,200 bytes) until it ends. Lines for which the buffer has no room
// are left out; a line says how many.
//
// No line has a token or a ticket in it: query parameters of these names lose their values.
//
// Thread: the shard's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/server/base/access_sink.h"
#include "broker/server/base/counters.h"
#include "broker/server/base/settings.h"
#include "broker/server/sockets/access_line.h"
#include "broker/server/sockets/routes.h"

#include "common/time.h"

namespace fanfare::server {

class AccessBook {
 public:
  using Clock = std::function<std::chrono::sys_time<std::chrono::milliseconds>()>;

  // `sink` may be null: there is no log.
  AccessBook(std::uint32_t shard, const Settings& settings, Counters& counters, AccessSink* sink,
             Clock clock)
      : shard_(shard),
        settings_(settings),
        counters_(counters),
        sink_(sink),
        clock_(std::move(clock)) {}

  void turn_begins(TimePoint now) { now_ = now; }
  bool on() const { return sink_ != nullptr && !settings_->access.log.empty(); }

  // Nothing but when it was asked: at a request's first byte.
  AccessLine asked() const { return {.text = {}, .began = now_}; }
  // What is known of a request when its answer is; status 0: it never will be. Its time counts from
  // asked().
  AccessLine answered(const AccessLine& asked, const Request& request, int status) const;
  // It has ended: `end` is a word. Bytes are those of the answer; 0: not counted.
  void finish(AccessLine line, std::uint64_t bytes, std::string_view end);

  // The same for an event stream, by its subscriber's number.
  void stream_began(std::uint32_t member, AccessLine line, const std::vector<std::string>& topics,
                    std::string_view subject);
  void stream_ended(std::uint32_t member, std::string_view end);
  // The User-Agent of its request; empty if it had none, or the log was off when it began.
  std::string agent_of(std::uint32_t member) const;

  // Once a turn.
  void hand_over();

 private:
  void write(std::string_view line);

  const std::uint32_t shard_;
  const Settings& settings_;
  Counters& counters_;
  AccessSink* const sink_;
  const Clock clock_;
  TimePoint now_{};
  std::string lines_;           // not handed over yet
  std::uint64_t left_out_ = 0;  // lines, since the last that had room
  std::unordered_map<std::uint32_t, AccessLine> streams_;
};

}  // namespace fanfare::server
