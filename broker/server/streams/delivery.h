// Delivery: everything that is sent on event streams, for one shard. It drives the Replica's rounds
// through the Outlets, and looks after the subscribers that cannot simply be handed the next span:
//
//      open() ──▶ behind ──(opening, backlog, gap sent)──▶ joined ◀── rounds: send(span) to each
//                  ▲  │ blocked: one poll for writable                    │
//                  │  ▼                                                   │
//                  └── rest of a span that did not fit whole ◀────────────┘
//
// A joined subscriber costs nothing here. One that is behind has a record, for as long as that
// lasts. A subscriber is offered something at most once in a batch: it is in one slice, or once in
// the queue of those behind. An event is never cut: what was begun is sent to its end first.
//
// How much of what it offers is taken, and by what, is up to the outlet: Delivery knows no sockets.
//
// Members of a feed that is compressed get the same, compressed once (gzip_feeds.h). A subscriber
// that has caught up may have to wait until it can join one: it is behind by nothing then, and gets
// each round as the members do, but for itself.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/fanout/replica.h"
#include "broker/io/ring.h"
#include "broker/server/base/counters.h"
#include "broker/server/base/settings.h"
#include "broker/server/sockets/response.h"
#include "broker/server/streams/gzip_feeds.h"
#include "broker/server/streams/heartbeats.h"
#include "broker/server/streams/outlets.h"
#include "broker/server/streams/stream_end.h"
#include "broker/server/streams/subscriber.h"

#include "common/random.h"

namespace fanfare::server {

class Delivery {
 public:
  struct Parts {
    Subscribers& subscribers;
    Outlets& outlets;
    fanout::Replica& replica;
    Counters& counters;
    LatencyHistogram& latency;
    const Settings& settings;
    Random& random;
    Heartbeats& heartbeats;
  };
  explicit Delivery(const Parts& parts);

  // Begins a stream; its silence counts from `tick` on. `live_page`: an operator's.
  Member open(StreamStart start, Outlet outlet, bool live_page, Tick tick);
  // Forgets it, whatever it still had to send.
  void close(Member subscriber, Ending ending);

  // One batch: at most one slice-batch of rounds and some members that are behind. New completions
  // that are not about sends are appended to `completions`, streams that are to end now to `ends`.
  void pump(Tick tick, std::vector<io::Completion>& completions, std::vector<StreamEnd>& ends);
  bool work_waiting() const { return replica_.feeds_waiting() > 0 || !ready_.empty(); }
  // After Replica::apply(), or a round: members that were ahead of their feed may go on.
  void applied();

  // Its outlet has room again (or is broken: the next offer will show).
  void room(Member subscriber);
  // Heartbeats for these. Those that are behind get none, since their bytes are on the way, nor do
  // those that have gone.
  void heartbeats(std::span<const Member> subscribers, Tick tick,
                  std::vector<io::Completion>& completions, std::vector<StreamEnd>& ends);
  // Tells the client when to come back, then ends the stream uncleanly with `reason`. Without
  // `retry` that is when [delivery] retry says; `words` are for people.
  void farewell(Member subscriber, CloseReason reason, std::optional<Duration> retry = {},
                std::string_view words = {});
  // The reason of a farewell that has not been read yet; nothing if there was none.
  std::optional<CloseReason> farewell_reason(Member subscriber) const;
  // Ends the stream cleanly where it stands. False: it is behind, and not complete there.
  bool finish(Member subscriber, std::vector<StreamEnd>& ends);

  // Where it stands, between two events; from there it may be continued elsewhere. Nothing: there
  // is something of its own to be said first. (A member of a feed that is due leaves it.)
  std::optional<fanout::Sequence> stands_at(Member subscriber);
  // All that are behind, as if they had room.
  void look_again();
  // Some bytes of an event (or of a line) are out and the rest is not.
  bool in_mid_event(Member subscriber) const;
  // Blocked for how long without taking a byte; 0 if not blocked.
  Tick stalled_for(Member subscriber, Tick tick) const;
  // How it stands, for operators.
  struct Standing {
    fanout::Sequence at = 0;  // it was handed everything up to here…
    std::size_t queued = 0;   // …of which its outlet has not taken so many bytes
    bool blocked = false;     // the outlet takes nothing
    Tick blocked_since = kNever;
  };
  Standing standing(Member subscriber) const;
  // Subscribers that are behind; live pages are not counted, nor are those that only wait to join.
  std::size_t behind_count() const { return behind_count_; }
  // Since when it has been sent nothing that its feed's members were not sent too; none: its bytes
  // are on the way.
  std::optional<Tick> quiet_since(Member subscriber) const;
  // The feeds that are compressed, for those that begin streams.
  GzipFeeds& gzip() { return gzip_; }

 private:
  // One subscriber that is not joined. `rest` is what must go out first.
  struct Behind {
    fanout::Cursor cursor;       // where it stands once the rest is out
    fanout::Newest newest = {};  // what it wants of the history
    Ref<fanout::Segment> keeps;  // holds the rest, unless `owned` does
    std::string opening;         // still to be sent before any event
    std::string owned;
    std::string_view rest;
    Member subscriber = 0;
    Tick quiet_since = 0;           // the subscriber's, as long as it is behind
    Tick blocked_since = kNever;    // since when it took no byte
    CloseReason end_reason{};       // of the stream, if the rest is its `last`
    std::uint32_t waiting = kNone;  // caught up: its place among those that wait to join the feed
    bool in_use = false;
    bool queued = false;  // stands in ready_; the record is reused only after it was taken out
    bool blocked = false;
    bool begun = false;   // of the rest, something is out already
    bool failed = false;  // in the current batch
    bool fresh = true;    // has not caught up yet since it began
    bool last = false;    // the rest is the last of the stream
  };
  struct SentSpan {
    const fanout::Feed* feed = nullptr;
    fanout::Span span;
    TimePoint committed;
    std::uint64_t members = 0;
  };

  void send_rounds();
  void end_members(const fanout::Round& round);
  void send_behind(std::vector<StreamEnd>& ends);
  bool prepare_rest(std::uint32_t index, std::vector<StreamEnd>& ends);
  bool read_on(Behind& behind, fanout::Read& read);
  void count(const fanout::Read& read);
  void flush(Tick tick, std::vector<io::Completion>& completions, std::vector<StreamEnd>& ends);
  void cut_short(const Outlets::Cut& cut, Tick tick, std::vector<StreamEnd>& ends);
  void round_cut(const Outlets::Cut& cut, Tick tick);
  void say_end(Behind& behind, const fanout::Feed* feed, std::vector<StreamEnd>& ends);
  void rest_sent(std::uint32_t index, std::vector<StreamEnd>& ends);
  void join_or_wait(std::uint32_t index);
  void block(std::uint32_t index);
  void make_ready(std::uint32_t index);
  fanout::Feed* feed_of(Member subscriber) const {
    return replica_.feed(subscribers_[subscriber].feed);
  }
  std::uint32_t add_behind(Member subscriber, fanout::Cursor cursor);
  void remove_behind(std::uint32_t index);
  fanout::Sequence leave(fanout::Feed* feed, Member subscriber);

  // ---- compressed feeds (delivery_gzip.cc)
  bool is_gzipped(Member subscriber) const {
    return fanout::is_gzipped(replica_.framing(feed_of(subscriber)));
  }
  void pack(fanout::Round& round);
  bool waits_to_join(std::uint32_t index, const fanout::Feed* feed);
  void stop_waiting(std::uint32_t index);
  void join_waiting(fanout::Feed* feed);
  void append_text(std::string& out, Member subscriber, std::string_view text);
  bool own_heartbeat(Member subscriber, Tick tick);

  Subscribers& subscribers_;
  Outlets& outlets_;
  fanout::Replica& replica_;
  Counters& counters_;
  LatencyHistogram& latency_;
  const Settings& settings_;
  Random& random_;
  Heartbeats& texts_;  // of heartbeats

  GzipFeeds gzip_;
  Tick tick_ = 0;  // of the last batch

  std::deque<Behind> behind_;  // addresses must not move: `rest` may point into `owned`
  std::vector<std::uint32_t> behind_free_;
  std::size_t behind_count_ = 0;
  std::deque<std::uint32_t> ready_;   // want service; may hold stale entries (not in_use)
  std::vector<std::uint32_t> ahead_;  // wait for apply(); may hold stale entries, like ready_
  // For the current batch:
  std::vector<SentSpan> spans_;
  std::vector<std::uint32_t> sent_behind_;
  std::vector<Outlets::Cut> cuts_;
  bool heartbeats_only_ = false;
};

}  // namespace fanfare::server
