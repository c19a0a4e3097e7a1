// Subscription: one stream of a client, whatever carries it: asks for it, checks every byte, writes
// down what came, and asks again with the last id it has whenever it is cut off, until the stream
// is complete or the world ends. How its request and its bytes travel is its owner's business.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/sim/client.h"
#include "tests/sim/guest.h"
#include "tests/sim/reader_plan.h"
#include "tests/sim/stream_reader.h"
#include "tests/sim/transcript.h"
#include "tests/wire/gunzip.h"

namespace fanfare::sim {

class Subscription {
 public:
  Subscription(Town& town, std::string name, ReaderPlan plan);
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  const std::string& name() const { return name_; }
  const ReaderPlan& plan() const { return plan_; }

  // Makes up its mind what to ask for next…
  void decide();
  // …and says it, as HTTP/1.1 would.
  std::string request();
  enum class Verdict : std::uint8_t {
    streams,
    again,  // it was too slow
    over,   // nothing will follow; or the answer is wrong
  };
  Verdict take_head(int status, std::string_view content_type, std::string_view content_coding);
  // How often it has asked for a stream.
  std::uint32_t streams() const { return streams_; }
  // Where its route asks an application; else null.
  Guest* guest() { return guest_ ? &*guest_ : nullptr; }
  void take_body(std::string_view body);
  void ends(bool complete);
  // A part of an event has come, and not the rest.
  bool in_event() const;
  // After how long it asks again; none: it does not, from now on.
  std::optional<Duration> comes_back();
  // For good. False: it has left before.
  bool leave();

  // From now on a client that never cuts itself off.
  void behave();
  // From now on nothing is published: heartbeats are all that should come. And then: that is over.
  void begin_calm();
  void end_calm();
  // To be called at the end of the world: the current transcript counts as live if it streams.
  void close_books();

  // A stream is open: the head of a 200 was received.
  bool streaming() const { return streaming_; }
  TimePoint dialled() const { return dialled_; }
  bool gone() const { return gone_; }
  // One for each logical subscription; the last one is the current one.
  const std::deque<Transcript>& transcripts() const { return transcripts_; }
  std::uint64_t events() const { return events_; }
  std::uint64_t gaps() const { return gaps_; }
  // Something is wrong with what was received, whatever else was.
  void complain(std::string_view problem, std::string_view checker = "bytes");

 private:
  template <class... Args>
  void trace(fmt::format_string<Args...> format, Args&&... args) {
    Report& report = town_.kernel.report();
    if (report.tracing())
      report.trace(town_.kernel.now(), "{}: {}", name_,
                   fmt::format(format, std::forward<Args>(args)...));
  }
  Random& random() { return town_.kernel.random(); }
  std::string tag() const;
  void begin_transcript();
  bool accepts_gzip() const { return town_.packs && plan_.replay % 2 == 0; }
  void take_text(std::string_view text);
  void take_raw(std::string_view body);
  Pulse::Interval heartbeat() const;
  void take_message(const StreamReader::Message& message);
  void take_gap(const StreamReader::Message& message);
  void take_removal(const StreamReader::Message& message, Position place);
  void note_event(std::uint32_t number, Position place, std::string_view id);
  std::string suffix_of(const Publication& publication) const;
  void note(Heard heard);
  void arrive(const Heard& heard);

  Town& town_;
  std::string name_;
  ReaderPlan plan_;
  std::optional<Guest> guest_;
  std::deque<Transcript> transcripts_;
  std::unique_ptr<gzip_test::Gunzip> gunzip_;  // of a stream that is compressed
  StreamReader stream_;
  std::string raw_;  // of a raw stream: not yet a whole event
  bool streaming_ = false;
  bool gone_ = false;
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
