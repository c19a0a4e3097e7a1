// Item: one thing in a record, which is a Command of the log (broker/fanout/command.h) in a form
// that stands by itself. The Recorder writes items while the log applies the Commands, the Player
// makes Commands of them again, for another life of the log. What differs:
//
//   A log that was made again has other numbers for its channels. So a segment names each channel
//   before the first item about it, and items have the numbers of the life that wrote them.
//   How many receipts leave is written as: those up to this number.
//   If a channel is not to be kept, only that it exists is written. Its events are lost with the
//   life that had them.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker/fanout/command.h"
#include "broker/fanout/log.h"

#include "common/packing.h"

namespace fanfare::journal {

// Thread: the log's.
class Recorder {
 public:
  // `log` outlives it, and is as the journal knows it.
  explicit Recorder(fanout::Log& log);

  // What was written since the last time that the log's changes were taken. Without `weight`, no
  // more than numbers has to outlive the process of what happened since.
  struct Taken {
    std::string items;
    bool weight = false;
  };
  // `spare`: for its memory. `ends_segment`: channels are named anew in what follows.
  Taken take(std::string spare, bool ends_segment);
  // The log's time at the newest Command that has one.
  fanout::LogTime time() const { return time_; }

 private:
  enum class Known : std::uint8_t { no, kept, not_kept };

  void record(const fanout::Command& command);
  void write(const fanout::Appear& appear);
  void write(const fanout::Append& append);
  void write(const fanout::Evict& evict);
  void write(const fanout::Finish& finish);
  void write(const fanout::Erase& erase);
  void write(const fanout::Forget& forget);
  void write(const fanout::OpenSegment& open);
  void write(const fanout::CloseSegment& close);
  void write(const fanout::AddReceipt& add);
  void write(const fanout::DropReceipts& drop);
  template <class Other>
  void write(const Other& other);
  // It is named in this segment, after this; true: it is kept.
  bool kept(fanout::ChannelId channel);
  void know(fanout::ChannelId channel, Known known);
  void pass();

  fanout::Log& log_;
  std::vector<Known> known_;  // by channel, in this segment
  std::string items_;
  bool weight_ = false;
  fanout::Sequence written_ = 0;  // the log's head, as items tell it
  fanout::LogTime time_{};
};

// Applies items to a log, which stands where they begin.
class Player {
 public:
  explicit Player(fanout::Log& log) : log_(log) {}

  // Another segment begins: it names its channels.
  void begin_segment() { channels_.clear(); }
  // False: they are not what a Recorder writes; the log is of no use any more.
  bool play(std::string_view items);
  // The log has come to `head`, whatever became of the events up to there.
  void pass(fanout::Sequence head);
  // What was said of channels that are not kept is lost, up to the log's head.
  void lose_what_was_not_kept();

 private:
  struct Named {
    fanout::ChannelId channel = 0;  // of log_
    bool known = false;
    bool kept = false;
  };

  bool play_one(Unpacker& from);
  bool name(Unpacker& from, bool appears);
  bool append(std::string_view item, Unpacker& from);
  void open_segment(fanout::Source& source, std::uint64_t footprint);
  void forget(Named& named);
  // Null: the segment has not named it.
  Named* named(fanout::ChannelId channel);
  fanout::Source& source(const Named& named) const;
  void lose(fanout::Source& source);

  fanout::Log& log_;
  std::vector<Named> channels_;                  // by the writer's number
  std::set<std::string, std::less<>> not_kept_;  // names
};

}  // namespace fanfare::journal
