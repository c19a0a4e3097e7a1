// Journal: the log on disk, for one life of the broker. It makes the log of what the lives before
// left, and from then on writes down what happens to it: on a thread of its own, everything that
// came while the write before was under way, in one write. When the segments have grown larger than
// the history, a second thread makes an image of the history of them, in their place.
//
// Once something cannot be written, but for want of room, nothing is any more: no batch after that
// becomes durable. While there is no room it is tried again each second.
//
// Thread: the lead's, unless it says another.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "broker/fanout/log.h"
#include "broker/fanout/past.h"
#include "broker/journal/disk.h"
#include "broker/journal/figures.h"
#include "broker/journal/item.h"
#include "broker/journal/manifest.h"
#include "broker/journal/rebuild.h"
#include "broker/journal/writer.h"

#include "common/time.h"

namespace fanfare::journal {

struct Options {
  Level level = Level::always;
  Duration sync = 200ms;                     // at `interval`: how long the disk may be behind
  std::uint64_t rewrite_bytes = 64U << 20U;  // of segments, at least, before they become an image
  std::string boot = {};                     // of the machine (boot_id)
  std::uint64_t seed = 0;
};

class Journal {
 public:
  // The log as the lives before have left it, or an empty one.
  struct Opened {
    std::unique_ptr<Journal> journal = {};
    std::unique_ptr<fanout::Log> log = {};
    fanout::LogClock::Mark clock{};
    fanout::Past past;          // by the clock that shows `now`
    std::string sentence = {};  // for the operator: what was found
  };
  static std::expected<Opened, Problem> open(std::unique_ptr<Disk> disk, Options options,
                                             TimePoint now, fanout::WallTime wall,
                                             const Progress& progress);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Before the first commit: begins to write. `wake` is called, on another thread, when durable()
  // has grown or failure() has become true.
  std::expected<void, Problem> begin(std::function<void()> wake);
  // The log was sealed, as its batch number 1, 2, 3, ….
  void commit();
  // So many of the batches are as safe as the level says. Any thread.
  std::uint64_t durable() const { return durable_.load(std::memory_order_acquire); }
  // Why nothing is written any more, for as long as this lives; empty: all is well. Any thread.
  std::string_view failure() const {
    return failed() ? std::string_view(failure_) : std::string_view();
  }
  bool failed() const { return failed_.load(std::memory_order_acquire); }
  Figures figures() const;
  // Any thread, after the last commit: writes what is left, and that the broker was stopped.
  void end(fanout::LogClock::Mark clock);

 private:
  struct Rewritten {
    std::uint64_t number = 0;
    Result<std::uint64_t> size;  // of the image
  };

  Journal(std::unique_ptr<Disk> disk, Options options, Manifest manifest, fanout::Log& log);

  void start_from(const Figures& figures);
  void run();
  void write(std::vector<Entry>& entries);
  void write_down(std::uint64_t batches, bool at_once);
  void begin_segment();
  // Until it succeeds, or can never: then false, and nothing is written any more.
  template <class Work>
  bool insist(const Work& work);
  void flush_if_due();
  bool flush();
  void fail(const Fault& fault);
  void rewrite(Manifest manifest, std::uint64_t through);
  void adopt(const Rewritten& rewritten);
  template <class Change>
  void count(const Change& change);

  const std::unique_ptr<Disk> disk_;
  const Options options_;
  fanout::Log& log_;  // the lead's
  const fanout::Sequence head_read_;
  std::uint64_t committed_ = 0;  // batches
  Recorder recorder_;
  Writer writer_;  // the thread's, once it runs
  std::function<void()> wake_;
  std::atomic<std::uint64_t> durable_{0};
  std::atomic<bool> failed_{false};
  std::string failure_;                      // written once, before that
  std::atomic<bool> segment_wanted_{false};  // the next commit is the last of its segment
  TimePoint flush_due_{};                    // at `interval`, while not all is on the disk
  // The thread's: how large the segments have to be for the next image; what of them goes into the
  // one that is being made.
  std::uint64_t rewrite_at_ = 0;
  std::uint64_t rewriting_bytes_ = 0;
  bool rewriting_ = false;

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  std::vector<Entry> queue_;
  std::vector<std::string> spare_;
  std::optional<Rewritten> rewritten_;
  bool stopping_ = false;
  Figures figures_;

  std::atomic<bool> giving_up_{false};  // the rewriting
  std::thread rewriter_;
  std::thread thread_;
};

}  // namespace fanfare::journal
