// A journal on a disk that fails in every way that disks have, under a Sequencer that publishes.
#include "broker/journal/journal.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "broker/fanout/log_image.h"
#include "broker/fanout/sequencer.h"
#include "tests/journal/frail_disk.h"

namespace fanfare::journal {
namespace {

using fanout::Sequence;

constexpr TimePoint kNow{1'000'000'000'000};
constexpr fanout::WallTime kWall{Duration(1'700'000'000'000'000'000)};

// All that clients and publishers can ask a log, in words.
std::string picture(const fanout::Log& log) {
  std::map<std::string, std::string> channels;
  for (const auto& source : log.sources().all()) {
    if (!source) continue;
    std::string& text = channels[source->name];
    text = fmt::format("newest {} published {} finished {} lost {}:", source->newest,
                       source->published, source->finished, source->window.evicted_through());
    std::string frames;  // however they lie in segments
    source->window.for_each_segment([&](const fanout::Segment& segment, std::uint32_t first,
                                        std::uint32_t count, std::uint32_t begin,
                                        std::uint32_t end) {
      for (std::uint32_t i = first; i < count; ++i) text += fmt::format(" {}", segment.sequence(i));
      frames += std::string_view(segment.bytes() + begin, end - begin);
    });
    text += " " + frames;
    if (!source->keys) continue;
    source->keys->for_each_kept(
        [&](const fanout::Segment::Entry&, Sequence sequence, std::string_view frame) {
          text += fmt::format(" kept {} {}", sequence, frame);
        });
  }
  std::string all = fmt::format("{} {}\n", log.epoch().text(), log.head());
  for (const auto& [name, text] : channels) all += name + " " + text + "\n";
  log.receipts().for_each([&](std::string_view key, Sequence sequence, fanout::LogTime) {
    all += fmt::format("receipt {} {}\n", key, sequence);
  });
  log.tombstones().for_each([&](std::string_view name, Sequence through) {
    all += fmt::format("gone {} {}\n", name, through);
  });
  return all;
}

// One life of a broker.
class Life {
 public:
  explicit Life(const std::shared_ptr<Platter>& platter, Options options = {}) {
    auto frail = std::make_unique<FrailDisk>(platter);
    disk = frail.get();
    if (options.boot.empty()) options.boot = "boot";
    static std::uint64_t lives = 0;
    options.seed = ++lives;
    auto opened = Journal::open(std::move(frail), std::move(options), kNow, kWall,
                                [](std::uint64_t, std::uint64_t) { return true; });
    if (!opened) {
      problem = opened.error();
      return;
    }
    sentence = opened->sentence;
    journal = std::move(opened->journal);
    epoch = std::string(opened->log->epoch().text());
    found = picture(*opened->log);
    clock = fanout::LogClock(opened->clock, kNow, kWall);
    const fanout::SequencerOptions sequencer_options{
        .epoch = opened->log->epoch(),
        .history =
            [](std::string_view name) {
              return fanout::HistoryLimits{.events = 8,
                                           .keep_latest = name.starts_with("key"),
                                           .journal = !name.starts_with("-")};
            },
        .idle_forgotten_after = 2s,
        .clock = clock};
    sequencer.emplace(sequencer_options, std::move(opened->log));
    auto begun = journal->begin([this] {
      const std::lock_guard lock(mutex);
      changed.notify_all();
    });
    if (!begun) problem = begun.error();
  }
  ~Life() {
    journal.reset();  // before what it wakes
  }

  void publish(std::string_view channel, std::string_view data, std::string_view idempotency = {},
               std::string_view key = {}) {
    const auto published = sequencer->publish(
        channel, {.type = {}, .data = data, .retry_ms = {}, .key = key}, idempotency, now);
    ASSERT_TRUE(published.has_value());
  }
  void seal() {
    if (!sequencer->seal(now)) return;
    journal->commit();
    ++batches;
  }
  // True: all that was sealed is durable; false: the journal has failed.
  bool settle() {
    seal();
    std::unique_lock lock(mutex);
    const bool in_time = changed.wait_for(lock, std::chrono::seconds(20), [this] {
      return journal->durable() == batches || journal->failed();
    });
    EXPECT_TRUE(in_time);
    return journal->durable() == batches;
  }
  std::string now_holds() const { return picture(sequencer->log()); }
  void stop() { journal->end(clock.mark(now, kWall)); }

  std::mutex mutex;
  std::condition_variable changed;
  FrailDisk* disk = nullptr;
  std::optional<Problem> problem;
  std::unique_ptr<Journal> journal;
  std::string sentence, epoch, found;
  fanout::LogClock clock;
  std::optional<fanout::Sequencer> sequencer;
  TimePoint now = kNow;
  std::uint64_t batches = 0;
};

// A little of everything that can happen to a log.
void live(Life& life, Random& random, int steps, std::vector<std::string>* pictures = nullptr,
          double settles = 0) {
  for (int step = 0; step < steps; ++step) {
    const std::string channel = fmt::format("c{}", random.below(6));
    const std::string data = std::string(random.below(300), 'x') + fmt::format("{}", step);
    const std::string key = fmt::format("k{}", random.below(5));
    switch (random.below(12)) {
      case 0:
        life.publish(channel + "/" + key, data, fmt::format("once-{}", random.below(50)));
        break;
      case 1:
        life.sequencer->erase(channel, life.now);
        break;
      case 2:
        static_cast<void>(life.sequencer->finish(fmt::format("f{}", step), life.now));
        break;
      case 3:
        life.now = life.now + 700ms;
        life.sequencer->expire(life.now);
        break;
      case 4:
        life.publish("keyed", random.chance(0.3) ? "" : data, {}, key);
        break;
      default:
        life.publish(channel, data);
    }
    if (!random.chance(0.4)) continue;
    life.seal();
    if (settles > 0 && random.chance(settles)) life.settle();
    if (pictures == nullptr) continue;
    // One for each batch, in order.
    pictures->resize(life.batches + 1);
    pictures->back() = life.now_holds();
  }
}

TEST(Journal, BringsBackAllThatTheLogHeld) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto platter = std::make_shared<Platter>();
    Random random(seed);
    std::string before;
    for (int restart = 0; restart < 4; ++restart) {
      Life life(platter, {.rewrite_bytes = 20'000});
      ASSERT_FALSE(life.problem) << life.problem->sentence;
      if (restart > 0) {
        ASSERT_EQ(life.found, before) << seed;
      }
      live(life, random, 400);
      ASSERT_TRUE(life.settle());
      before = life.now_holds();
      if (random.chance(0.5)) life.stop();
      platter->cut_power(random);
    }
  }
}

// What is found is the log as it was after one of its batches, and not before the last that was
// said to be durable.
void expect_one_of(const std::vector<std::string>& pictures, std::uint64_t durable,
                   const std::string& found, std::uint64_t seed) {
  const auto begin = pictures.begin() + static_cast<std::ptrdiff_t>(durable);
  EXPECT_NE(std::find(begin, pictures.end(), found), pictures.end())
      << "seed " << seed << ": " << durable << " of " << pictures.size() - 1 << " batches, found\n"
      << found.substr(0, 500);
}

TEST(Journal, LosesNothingThatWasDurableWhenThePowerIsCut) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const auto platter = std::make_shared<Platter>();
    Random random(seed);
    std::vector<std::string> pictures;
    std::uint64_t durable = 0;
    {
      Life life(platter, {.rewrite_bytes = 5'000});
      pictures.push_back(life.found);
      live(life, random, 150, &pictures, seed % 2 == 0 ? 0.5 : 0);
      // In the middle of what is under way.
      life.disk->fail_after(0, EIO);
      durable = life.journal->durable();
    }
    platter->cut_power(random);
    const Life next(platter);
    ASSERT_FALSE(next.problem) << "seed " << seed << ": " << next.problem->sentence;
    expect_one_of(pictures, durable, next.found, seed);
  }
}

TEST(Journal, GivesNoAckThatIsNotDurableOnceAnyCallHasFailed) {
  int failures = 0;
  for (std::uint64_t call = 0; call < 200; ++call) {
    const auto platter = std::make_shared<Platter>();
    Random random(call + 1);
    std::vector<std::string> pictures;
    std::uint64_t durable = 0;
    {
      Life life(platter, {.rewrite_bytes = 5'000});
      pictures.push_back(life.found);
      life.disk->fail_after(call, EIO);
      live(life, random, 150, &pictures, 1);
      failures += life.settle() ? 0 : 1;
      pictures.resize(life.batches + 1);
      pictures.back() = life.now_holds();
      durable = life.journal->durable();
      EXPECT_EQ(life.journal->failed(), !life.journal->failure().empty());
      EXPECT_EQ(life.journal->figures().failed, life.journal->failed());
    }
    platter->cut_power(random);
    const Life next(platter);
    ASSERT_FALSE(next.problem) << "call " << call << ": " << next.problem->sentence;
    expect_one_of(pictures, durable, next.found, call);
  }
  EXPECT_GT(failures, 100);
}

TEST(Journal, WaitsForRoomOnAFullDisk) {
  const auto platter = std::make_shared<Platter>();
  Life life(platter, {.rewrite_bytes = 2'000});
  Random random(1);
  live(life, random, 20);
  ASSERT_TRUE(life.settle());
  life.disk->fail_after(0, ENOSPC);
  live(life, random, 100);
  life.seal();
  const std::uint64_t durable = life.journal->durable();
  while (!life.journal->figures().full) std::this_thread::yield();
  EXPECT_EQ(life.journal->durable(), durable);
  EXPECT_FALSE(life.journal->failed());
  life.disk->fail_after(0, 0);
  ASSERT_TRUE(life.settle());
  EXPECT_FALSE(life.journal->figures().full);
  const std::string before = life.now_holds();
  life.stop();
  EXPECT_EQ(Life(platter).found, before);
}

TEST(Journal, IsWrittenAnewInsteadOfGrowing) {
  const auto platter = std::make_shared<Platter>();
  std::string before;
  std::uint64_t written = 0;
  {
    Life life(platter, {.rewrite_bytes = 10'000});
    Random random(3);
    while (life.journal->figures().rewrites < 4) {
      live(life, random, 50);
      ASSERT_TRUE(life.settle());
    }
    written = life.journal->figures().written_bytes;
    before = life.now_holds();
    life.stop();
  }
  Random random(4);
  platter->cut_power(random);
  std::uint64_t size = 0;
  for (const auto& [name, content] : platter->names) size += content->written.size();
  EXPECT_LT(size, written) << "what has left the history is not there any more";
  EXPECT_EQ(platter->names.count("segment-00000001"), 0U);
  EXPECT_EQ(Life(platter).found, before);
}

TEST(Journal, KeepsTheEpochUnlessSomethingMayBeMissing) {
  struct Case {
    Level level;
    bool clean, same_boot, same_epoch;
  };
  for (const Case is : {Case{Level::always, false, false, true},
                        {Level::interval, true, false, true},
                        {Level::interval, false, true, true},
                        {Level::interval, false, false, false}}) {
    const auto platter = std::make_shared<Platter>();
    std::string epoch, before;
    {
      Life life(platter, {.level = is.level, .sync = 1h, .boot = "first"});
      epoch = life.epoch;
      life.publish("a", "one");
      ASSERT_TRUE(life.settle());
      before = life.now_holds();
      if (is.clean) life.stop();
    }
    const Life next(platter, {.level = Level::interval, .boot = is.same_boot ? "first" : "second"});
    EXPECT_EQ(next.epoch == epoch, is.same_epoch);
    if (is.same_epoch) {
      EXPECT_EQ(next.found, before);
      continue;
    }
    // The same event under a new id, in an image as well.
    EXPECT_NE(next.found.find("id: " + next.epoch + "-1"), std::string::npos) << next.found;
    EXPECT_EQ(next.found.find(epoch), std::string::npos);
  }
}

TEST(Journal, GivesOldFramesTheNewEpoch) {
  const auto platter = std::make_shared<Platter>();
  std::string epoch;
  {
    Life life(platter, {.level = Level::interval, .rewrite_bytes = 2'000, .boot = "first"});
    epoch = life.epoch;
    Random random(5);
    while (life.journal->figures().rewrites == 0) {
      live(life, random, 20);
      ASSERT_TRUE(life.settle());
    }
  }
  const Life next(platter, {.level = Level::interval, .boot = "second"});
  ASSERT_FALSE(next.problem);
  EXPECT_EQ(next.found.find(epoch), std::string::npos);
  EXPECT_NE(next.found.find("id: " + next.epoch + "-"), std::string::npos);
}

TEST(Journal, LosesWhatIsNotKeptAndGivesNoNumberTwice) {
  for (const bool clean : {false, true}) {
    const auto platter = std::make_shared<Platter>();
    Sequence told = 0;
    {
      Life life(platter);
      life.publish("kept", "one");
      life.publish("-live", "two");
      ASSERT_TRUE(life.settle());
      const std::uint64_t writes = life.journal->figures().writes;
      for (int i = 0; i < 100; ++i) {
        life.publish("-live", "more");
        ASSERT_TRUE(life.settle());
      }
      EXPECT_LE(life.journal->figures().writes, writes + 1) << "they cost no write";
      told = life.sequencer->head();
      if (clean) life.stop();
    }
    Random random(1);
    platter->cut_power(random);
    Life next(platter);
    ASSERT_FALSE(next.problem);
    EXPECT_GE(next.sequencer->head(), told);
    const auto live = next.sequencer->find("-live");
    ASSERT_TRUE(live.has_value());
    EXPECT_EQ(live->events, 0U);
    EXPECT_GE(live->evicted_through, told) << "whoever has seen one is sent a gap";
    EXPECT_EQ(next.sequencer->find("kept")->events, 1U);
  }
}

// Small, so that every byte can be tried.
struct Small {
  std::shared_ptr<Platter> platter = std::make_shared<Platter>();
  std::vector<std::string> pictures;

  Small() {
    Life life(platter);
    pictures.push_back(life.found);
    for (int i = 0; i < 6; ++i) {
      life.publish("a", fmt::format("event {}", i));
      EXPECT_TRUE(life.settle());
      pictures.push_back(life.now_holds());
    }
  }
  std::string& segment() { return platter->names.at("segment-00000001")->written; }
  // As it is now; what a start does to it is undone.
  Life restart() const {
    const auto copy = std::make_shared<Platter>();
    for (const auto& [name, content] : platter->names) {
      copy->names[name] = std::make_shared<Platter::Content>(*content);
    }
    return Life(copy);
  }
};

TEST(Journal, TakesAnyCutForTheEndOfWhatWasWritten) {
  Small small;
  const std::string whole = small.segment();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    small.segment() = whole.substr(0, size);
    const Life life = small.restart();
    ASSERT_FALSE(life.problem) << size << ": " << life.problem->sentence;
    expect_one_of(small.pictures, 0, life.found, size);
  }
}

TEST(Journal, NeverTakesAFlippedBitForHistory) {
  Small small;
  const std::string whole = small.segment();
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    small.segment()[at] = static_cast<char>(whole[at] ^ (1 << at % 8));
    const Life life = small.restart();
    if (life.problem) {
      EXPECT_TRUE(life.problem->damage) << life.problem->sentence;
      ++refused;
    } else {
      expect_one_of(small.pictures, 0, life.found, at);
    }
    small.segment()[at] = whole[at];
  }
  EXPECT_GT(refused, static_cast<int>(whole.size()) / 2) << "most of it was on the disk for long";
}

}  // namespace
}  // namespace fanfare::journal
