#include "broker/journal/journal.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "broker/fanout/log_image.h"

#include "common/log.h"
#include "common/random.h"

namespace fanfare::journal {
namespace {

// About the most that one record gets; a batch is not divided.
constexpr std::size_t kRecordBytes = 4U << 20U;
constexpr Duration kRoomTime = 1s;
constexpr std::size_t kSpares = 16;
constexpr int kRewriteNiceness = 10;

fanout::WallTime wall_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

// For the operator.
std::string found(const Manifest& manifest, const Rebuilt& rebuilt, bool doubtful) {
  std::string sentence = fmt::format(
      "the journal has {} channels, and comes to event {}; the broker before this one {}",
      rebuilt.log->sources().count(), rebuilt.log->head(),
      manifest.clean ? "was stopped" : "ended without stopping");
  if (rebuilt.torn_bytes > 0) {
    sentence +=
        fmt::format("; {} bytes of a write that was cut off were removed", rebuilt.torn_bytes);
  }
  if (doubtful) {
    sentence +=
        "; the machine was started since, and what it did not write to its disk in time is "
        "missing: "
        "the history has a new epoch";
  }
  return sentence;
}

// Whether anything but a beginning that was cut off is there.
Result<bool> holds_history(Disk& disk) {
  const auto names = disk.names();
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    if (name.starts_with("image-")) return true;
    if (!name.starts_with("segment-")) continue;
    const auto file = open_file(disk, name, /*make=*/false);
    if (!file) return std::unexpected(file.error());
    const auto size = disk.size(file->number());
    if (!size) return std::unexpected(size.error());
    if (*size > RecordHead::kSize) return true;
  }
  return false;
}

// Nothing: there is no journal yet.
std::expected<std::optional<Manifest>, Problem> read_manifest(Disk& disk) {
  const auto text = read_file(disk, Manifest::kName);
  if (text) {
    if (auto manifest = Manifest::parse(*text)) return manifest;
  } else if (text.error().error != ENOENT) {
    return std::unexpected(Problem{.sentence = text.error().sentence, .damage = false});
  } else {
    const auto holds = holds_history(disk);
    if (!holds) return std::unexpected(Problem{.sentence = holds.error().sentence});
    if (!*holds) return std::nullopt;
  }
  return std::unexpected(Problem{
      .sentence =
          fmt::format("the journal is damaged: {} is not what was written. Put a copy of the "
                      "folder in its place, or move it away to begin with an empty history",
                      disk.path(Manifest::kName)),
      .damage = true});
}

// The same log, with everything in it still to be sealed: its first batch brings it to all shards.
std::unique_ptr<fanout::Log> unsealed(Rebuilt& rebuilt) {
  std::string image;
  write_log_image(*rebuilt.log, rebuilt.clock, rebuilt.past, [&image](std::string_view piece) {
    image += piece;
    return true;
  });
  const fanout::LogOptions options{.epoch = rebuilt.log->epoch()};
  rebuilt.log.reset();
  return fanout::LogImage::open(image)->make(options);
}

}  // namespace

std::expected<Journal::Opened, Problem> Journal::open(std::unique_ptr<Disk> disk, Options options,
                                                      TimePoint now, fanout::WallTime wall,
                                                      const Progress& progress) {
  auto read = read_manifest(*disk);
  if (!read) return std::unexpected(read.error());
  Random random(options.seed);
  Opened opened{.past = fanout::Past(now)};
  if (!*read) {
    Manifest manifest{.epoch = fanout::Epoch::from(random), .level = options.level};
    manifest.boot = options.boot;
    manifest.last = 0;
    opened.clock = manifest.clock = {.log = {wall.time_since_epoch().count()}, .wall = wall};
    opened.log = std::make_unique<fanout::Log>(fanout::LogOptions{.epoch = manifest.epoch});
    opened.sentence = fmt::format("the journal begins, in {}", disk->path({}));
    opened.journal.reset(
        new Journal(std::move(disk), std::move(options), std::move(manifest), *opened.log));
    opened.journal->start_from({});
    return opened;
  }
  Manifest manifest = **std::move(read);
  // What was acked may be missing, and it cannot be known: what clients hold must not come to mean
  // something else.
  const bool doubtful =
      !manifest.clean && manifest.level == Level::interval && manifest.boot != options.boot;
  const fanout::Epoch epoch = doubtful ? fanout::Epoch::from(random) : manifest.epoch;
  auto rebuilt = rebuild(*disk, manifest, manifest.last, epoch, progress);
  if (!rebuilt) return std::unexpected(rebuilt.error());
  opened.sentence = found(manifest, *rebuilt, doubtful);
  Figures figures;
  figures.segment_bytes = rebuilt->segment_bytes;
  figures.image_bytes = rebuilt->image_bytes;
  manifest.epoch = epoch;
  manifest.level = options.level;
  manifest.boot = options.boot;
  opened.clock = manifest.clock = rebuilt->clock;
  const Duration away = std::max(wall - opened.clock.wall, Duration(0));
  opened.past = rebuilt->past.moved(now - away - TimePoint{opened.clock.log.nanoseconds});
  opened.log = unsealed(*rebuilt);
  opened.journal.reset(
      new Journal(std::move(disk), std::move(options), std::move(manifest), *opened.log));
  opened.journal->start_from(figures);
  return opened;
}

void Journal::start_from(const Figures& figures) {
  figures_ = figures;
  rewrite_at_ = std::max(options_.rewrite_bytes, figures.image_bytes);
}

Journal::Journal(std::unique_ptr<Disk> disk, Options options, Manifest manifest, fanout::Log& log)
    : disk_(std::move(disk)),
      options_(std::move(options)),
      log_(log),
      head_read_(log.head()),
      recorder_(log),
      writer_(*disk_, std::move(manifest), log.head(), options_.seed) {}

Journal::~Journal() {
  giving_up_ = true;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (rewriter_.joinable()) rewriter_.join();
}

std::expected<void, Problem> Journal::begin(std::function<void()> wake) {
  wake_ = std::move(wake);
  // As if the time since the last life had not passed: it is still to be made up for.
  const fanout::WallTime wall = writer_.manifest().clock.wall;
  if (auto begun = writer_.begin_segment(wall); !begun) {
    return std::unexpected(Problem{.sentence = begun.error().sentence, .damage = false});
  }
  thread_ = std::thread([this] { run(); });
  return {};
}

void Journal::commit() {
  const bool ends = segment_wanted_.load(std::memory_order_relaxed) &&
                    segment_wanted_.exchange(false, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    std::string spare;
    if (!spare_.empty()) {
      spare = std::move(spare_.back());
      spare_.pop_back();
    }
    Recorder::Taken taken = recorder_.take(std::move(spare), ends);
    const std::uint64_t before = committed_++;
    // What was read from the disk is brought to the shards, and is there already.
    if (log_.head() == head_read_ && taken.items.empty() && !ends && durable() == before) {
      durable_.fetch_add(1, std::memory_order_release);
      return;
    }
    queue_.push_back({.items = std::move(taken.items),
                      .weight = taken.weight,
                      .ends_segment = ends,
                      .head = log_.head(),
                      .time = recorder_.time()});
  }
  changed_.notify_one();
}

Figures Journal::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

template <class Change>
void Journal::count(const Change& change) {
  const std::lock_guard lock(mutex_);
  change(figures_);
}

void Journal::run() {
  ::pthread_setname_np(::pthread_self(), "journal");
  std::vector<Entry> entries;
  std::unique_lock lock(mutex_);
  while (true) {
    const auto woken = [this] { return !queue_.empty() || stopping_ || rewritten_; };
    if (flush_due_ == TimePoint{}) {
      changed_.wait(lock, woken);
    } else {
      changed_.wait_for(lock, flush_due_ - monotonic_now(), woken);
    }
    if (queue_.empty() && stopping_) return;
    std::swap(entries, queue_);
    const auto rewritten = std::exchange(rewritten_, std::nullopt);
    lock.unlock();
    write(entries);
    if (rewritten) adopt(*rewritten);
    flush_if_due();
    lock.lock();
    for (Entry& entry : entries) {
      if (spare_.size() < kSpares) spare_.push_back(std::move(entry.items));
    }
    entries.clear();
  }
}

void Journal::write(std::vector<Entry>& entries) {
  if (entries.empty() || failed()) return;
  std::uint64_t batches = 0;
  for (const Entry& entry : entries) {
    writer_.add(entry);
    ++batches;
    if (writer_.added_bytes() < kRecordBytes && !entry.ends_segment) continue;
    write_down(std::exchange(batches, 0), entry.ends_segment);
    if (entry.ends_segment) begin_segment();
  }
  write_down(batches, /*at_once=*/false);
}

void Journal::write_down(std::uint64_t batches, bool at_once) {
  if (batches == 0 || failed()) return;
  if (writer_.due() || at_once) {
    const std::uint64_t before = writer_.segment_bytes();
    if (!insist([this] { return writer_.write(wall_now()); })) return;
    count([&](Figures& figures) {
      ++figures.writes;
      figures.written_bytes += writer_.segment_bytes() - before;
      figures.segment_bytes += writer_.segment_bytes() - before;
    });
    if (options_.level == Level::always) {
      if (!flush()) return;
    } else if (flush_due_ == TimePoint{}) {
      flush_due_ = monotonic_now() + options_.sync;
    }
  }
  durable_.fetch_add(batches, std::memory_order_release);
  wake_();
  if (!rewriting_ && figures().segment_bytes > rewrite_at_) {
    segment_wanted_.store(true, std::memory_order_relaxed);
  }
}

template <class Work>
bool Journal::insist(const Work& work) {
  while (true) {
    const Result<> done = work();
    if (done || !done.error().full()) {
      if (!done) fail(done.error());
      count([](Figures& figures) {
        if (std::exchange(figures.full, false)) log::info("the journal has room again");
      });
      return done.has_value();
    }
    std::unique_lock lock(mutex_);
    if (!std::exchange(figures_.full, true)) {
      log::error("journal: {}; publishers wait until there is room", done.error().sentence);
    }
    if (changed_.wait_for(lock, kRoomTime, [this] { return stopping_; })) {
      lock.unlock();
      fail(done.error());
      return false;
    }
  }
}

bool Journal::flush() {
  flush_due_ = {};
  if (writer_.flushed()) return true;
  const TimePoint begun = monotonic_now();
  if (const auto flushed = writer_.flush(); !flushed) {
    fail(flushed.error());
    return false;
  }
  const double seconds = fractional_seconds(monotonic_now() - begun);
  count([seconds](Figures& figures) {
    ++figures.flushes;
    figures.flush_seconds += seconds;
  });
  return true;
}

void Journal::flush_if_due() {
  if (flush_due_ == TimePoint{} || failed() || monotonic_now() < flush_due_) return;
  flush();
}

void Journal::fail(const Fault& fault) {
  log::error(
      "journal: {}. Nothing is acknowledged any more; subscribers are served what they may see. "
      "Restart the broker once the disk is well",
      fault.sentence);
  count([](Figures& figures) { figures.failed = true; });
  failure_ = fault.sentence;
  failed_.store(true, std::memory_order_release);
  wake_();
}

void Journal::begin_segment() {
  if (failed() || rewriting_) return;
  flush_due_ = {};
  const std::uint64_t through = writer_.manifest().last;
  if (!insist([&] { return writer_.begin_segment(wall_now()); })) return;
  rewriting_bytes_ = figures().segment_bytes;
  rewriting_ = true;
  if (rewriter_.joinable()) rewriter_.join();
  rewriter_ =
      std::thread([this, through, manifest = writer_.manifest()] { rewrite(manifest, through); });
}

// On a thread of its own, which takes what time is left on the machine.
void Journal::rewrite(Manifest manifest, std::uint64_t through) {
  ::pthread_setname_np(::pthread_self(), "rewriter");
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kRewriteNiceness);
  Rewritten done{.number = manifest.last, .size = {}};
  auto rebuilt = rebuild(*disk_, manifest, through, manifest.epoch,
                         [this](std::uint64_t, std::uint64_t) { return !giving_up_.load(); });
  if (rebuilt) {
    done.size = write_image(*disk_, done.number, *rebuilt);
  } else {
    done.size = std::unexpected(Fault{EIO, rebuilt.error().sentence});
  }
  // What there is of it needs room.
  if (!done.size) static_cast<void>(disk_->remove(image_name(done.number)));
  {
    const std::lock_guard lock(mutex_);
    rewritten_ = std::move(done);
  }
  changed_.notify_one();
}

void Journal::adopt(const Rewritten& rewritten) {
  rewriting_ = false;
  if (giving_up_ || failed()) return;
  const Figures before = figures();
  if (!rewritten.size) {
    rewrite_at_ = before.segment_bytes + std::max(options_.rewrite_bytes, before.image_bytes);
    log::error("journal: it cannot be written anew, and goes on growing: {}",
               rewritten.size.error().sentence);
    return;
  }
  if (!insist([&] { return writer_.adopt_image(rewritten.number); })) return;
  rewrite_at_ = std::max(options_.rewrite_bytes, *rewritten.size);
  count([&](Figures& figures) {
    ++figures.rewrites;
    figures.segment_bytes -= rewriting_bytes_;
    figures.image_bytes = *rewritten.size;
  });
}

void Journal::end(fanout::LogClock::Mark clock) {
  giving_up_ = true;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopping_, true)) return;
  }
  changed_.notify_all();
  if (!thread_.joinable()) return;  // it was never begun
  thread_.join();
  if (rewriter_.joinable()) rewriter_.join();
  if (failed()) return;
  Recorder::Taken rest = recorder_.take({}, /*ends_segment=*/false);
  writer_.add({.items = std::move(rest.items), .head = log_.head(), .time = recorder_.time()});
  if (const auto ended = writer_.end(log_.head(), clock); !ended) {
    log::error("journal: {}", ended.error().sentence);
  }
}

}  // namespace fanfare::journal
