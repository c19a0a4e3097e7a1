// Reader: a subscriber's client. Opens a stream, checks every byte of it, writes down what came,
// and comes back with the last id it has whenever it is cut off, until it is told that the stream
// is complete or the world ends.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/client.h"
#include "tests/sim/response_reader.h"
#include "tests/sim/stream_reader.h"
#include "tests/sim/transcript.h"

namespace fanfare::sim {

// What kind of client it is, for its whole life.
struct ReaderPlan {
  enum class Cursor : std::uint8_t { header, query, body };
  enum class Before : std::uint8_t { nothing, head, options, not_found };  // on the same connection

  std::vector<std::string> topics;
  std::string path = "/events";
  bool http10 = false;
  bool post = false;
  bool raw = false;
  bool browser = false;  // sends what a native EventSource sends
  Cursor cursor_by = Cursor::header;
  Asked first = Asked::now;
  std::uint32_t replay = 0;
  std::optional<std::uint32_t> heartbeat_s;
  Before before = Before::nothing;
  bool half_closes = false;      // sends FIN behind its request
  double cuts = 0;               // per piece read: hangs up and comes back
  double forgets = 0;            // per reconnection: a new EventSource, without an id
  double sleeps = 0;             // per piece read: stops reading for a long time
  double presents_nonsense = 0;  // per reconnection: an id that is nobody's
  Duration comes_back_after = 200ms;

  static ReaderPlan drawn(const std::vector<std::string>& channels, Random& random);
};

class Reader final : public Client {
 public:
  Reader(Town& town, std::string name, ReaderPlan plan, Pace pace);

  void start(Duration after);
  // Hangs up for good.
  void leave();
  // From now on a prompt client that never cuts itself off.
  void behave();

  // From now on nothing is published: heartbeats are all that should come. And then: that is over.
  void begin_calm();
  void end_calm();

  // A stream is open: the head of a 200 was received.
  bool streaming() const { return streaming_; }
  bool gone() const { return gone_; }
  // One for each logical subscription; the last one is the current one.
  const std::deque<Transcript>& transcripts() const { return transcripts_; }
  std::uint64_t events() const { return events_; }
  std::uint64_t gaps() const { return gaps_; }
  // To be called at the end of the world: the current subscription counts as live if it streams.
  void close_books();

 protected:
  void heard(std::string_view bytes) override;
  void lost(bool clean) override;
  void rang(std::uint32_t alarm) override;

 private:
  void begin_subscription();
  void connect();
  std::string request();
  void say_before();
  void stream_begins();
  void take_body(std::string_view body);
  void take_raw(std::string_view body);
  Pulse::Interval heartbeat() const;
  void take_message(const StreamReader::Message& message);
  void take_gap(const StreamReader::Message& message);
  void note(Heard heard);
  void arrive();
  bool in_event() const;
  void stream_ends(bool complete);
  void come_back();

  ReaderPlan plan_;
  std::deque<Transcript> transcripts_;
  ResponseReader response_;
  StreamReader stream_;
  std::string raw_;                // of a raw stream: not yet a whole event
  std::uint32_t answers_due_ = 0;  // of the requests before the one that subscribes
  bool streaming_ = false;
  bool gone_ = false;
  bool stopped_ = false;   // 204 or a complete stream
  bool told_end_ = false;  // by an event, which nothing may follow
  bool calm_ = false;
  bool arrived_ = false;  // this stream has brought something
  std::uint32_t streams_ = 0;
  TimePoint dialled_{};
  TimePoint behaves_since_{};
  TimePoint news_{};  // when the stream last brought anything
  Pulse pulse_;
  Asked asked_ = Asked::now;
  std::optional<Position> cursor_;
  std::string presented_;  // the id that was sent
  std::uint64_t events_ = 0;
  std::uint64_t gaps_ = 0;
};

}  // namespace fanfare::sim
