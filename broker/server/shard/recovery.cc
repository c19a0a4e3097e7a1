#include "broker/server/shard/recovery.h"

#include <chrono>
#include <fstream>
#include <string>
#include <utility>

#include "broker/journal/folder.h"

#include "common/log.h"
#include "common/random.h"
#include "common/time.h"

namespace fanfare::server {
namespace {

// A new one whenever the machine starts.
std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

fanout::WallTime wall_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

std::expected<journal::Journal::Opened, journal::Problem> open_journal(
    const JournalOptions& options) {
  auto folder = journal::Folder::open(options.path);
  if (!folder) {
    return std::unexpected(journal::Problem{"[journal] path: " + folder.error().sentence});
  }
  const bool always = options.level == JournalLevel::always;
  const TimePoint begun = monotonic_now();
  log::Limit limit;
  limit.admit(begun);  // a short one needs no progress
  auto opened = journal::Journal::open(
      *std::move(folder),
      {.level = always ? journal::Level::always : journal::Level::interval,
       .sync = options.sync,
       .rewrite_bytes = options.rewrite,
       .boot = boot_id(),
       .seed = random_seed()},
      begun, wall_now(), [&limit](std::uint64_t done, std::uint64_t all) {
        if (limit.admit(monotonic_now()) >= 0) {
          log::info("reading the journal: {} of {} MB", done / 1'000'000, all / 1'000'000);
        }
        return true;
      });
  if (opened) {
    log::info("{}; read in {:.1f} s", opened->sentence,
              fractional_seconds(monotonic_now() - begun));
  }
  return opened;
}

}  // namespace

std::expected<std::shared_ptr<RecoveredLog>, journal::Problem> Recovery::recover(
    const JournalOptions& options, const TakeOver* from) {
  if (from != nullptr) {
    if (!options.path.empty()) {
      return std::unexpected(journal::Problem{
          .sentence = "a broker with a journal cannot take over from another: stop that one first",
          .damage = false});
    }
    const fanout::LogImage& image = from->image();
    auto log = image.make({.epoch = image.epoch()});
    if (!log) {
      return std::unexpected(journal::Problem{
          .sentence = "the image of the log that was handed over is damaged", .damage = false});
    }
    return std::make_shared<RecoveredLog>(
        RecoveredLog{.log = std::move(log), .clock = image.clock(), .past = image.past()});
  }
  if (options.path.empty()) return nullptr;
  auto opened = open_journal(options);
  if (!opened) return std::unexpected(opened.error());
  journal_ = std::move(opened->journal);
  gate_.emplace(*journal_);
  clock_ = fanout::LogClock(opened->clock, monotonic_now(), wall_now());
  return std::make_shared<RecoveredLog>(RecoveredLog{
      .log = std::move(opened->log), .clock = opened->clock, .past = std::move(opened->past)});
}

std::optional<std::string> Recovery::hand_over_problem() const {
  if (!journal_) return std::nullopt;
  return "a broker with a journal cannot hand over: stop it and start it again";
}

std::expected<void, journal::Problem> Recovery::begin(const std::function<void()>& wake) {
  if (!journal_) return {};
  return journal_->begin(wake);
}

void Recovery::end() {
  if (journal_) journal_->end(clock_.mark(monotonic_now(), wall_now()));
}

}  // namespace fanfare::server
