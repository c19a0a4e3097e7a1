#include "broker/fanout/window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/fanout/segments.h"

#include "common/random.h"

namespace fanfare::fanout {
namespace {

using testing::append_event;
using testing::frame_text;

// A window over segments of four events each ("<10>" to "<99>" are four bytes).
class WindowTest : public ::testing::Test {
 protected:
  void publish(Sequence sequence, std::uint32_t committed_s = 0) {
    if (!writer_.fits(4, sequence)) {
      writer_ = SegmentWriter(Segment::make(4 * (4 + sizeof(Segment::Entry))));
    }
    append_event(writer_, sequence, committed_s);
    window_.append(writer_.segment(), writer_.newest(4, sequence));
  }
  void publish_tens(Sequence from, Sequence to) {
    for (Sequence sequence = from; sequence <= to; sequence += 10) publish(sequence);
  }
  std::string read_all(Sequence after, std::size_t bytes_max = 1000) {
    std::string text;
    for (auto position = window_.after(after); position < window_.end();) {
      const Window::Run run = window_.run(position, UINT64_MAX, bytes_max);
      text += std::string_view(run.data, run.size);
      text += '|';
      position = run.next;
    }
    return text;
  }

  SegmentWriter writer_;
  Window window_;
};

TEST_F(WindowTest, IsEmptyAtFirst) {
  EXPECT_TRUE(window_.empty());
  EXPECT_EQ(window_.first(), 0U);
  EXPECT_EQ(window_.last(), 0U);
  EXPECT_EQ(window_.begin(), window_.end());
  EXPECT_EQ(window_.after(0), window_.end());
  EXPECT_EQ(window_.back(window_.end(), 3), window_.begin());
  EXPECT_EQ(window_.evict(7), 0U);
  EXPECT_EQ(window_.evicted_through(), 7U);
}

TEST_F(WindowTest, GivesWhatIsNewerInRunsThatEndWithTheSegment) {
  publish_tens(10, 90);
  EXPECT_EQ(window_.events(), 9U);
  EXPECT_EQ(window_.bytes(), 36U);
  EXPECT_EQ(read_all(0), "<10><20><30><40>|<50><60><70><80>|<90>|");
  EXPECT_EQ(read_all(30), "<40>|<50><60><70><80>|<90>|");
  EXPECT_EQ(read_all(40), "<50><60><70><80>|<90>|");
  EXPECT_EQ(read_all(45), "<50><60><70><80>|<90>|");
  EXPECT_EQ(read_all(90), "");
}

TEST_F(WindowTest, KeepsARunWithinItsBoundsButGivesOneEventAtLeast) {
  publish_tens(10, 40);
  EXPECT_EQ(read_all(0, 8), "<10><20>|<30><40>|");
  EXPECT_EQ(read_all(0, 11), "<10><20>|<30><40>|");
  EXPECT_EQ(read_all(0, 12), "<10><20><30>|<40>|");
  EXPECT_EQ(read_all(0, 1), "<10>|<20>|<30>|<40>|");
  const Window::Run run = window_.run(window_.begin(), 35, 1000);
  EXPECT_EQ(run.events, 3U);
  EXPECT_EQ(run.last, 30U);
}

TEST_F(WindowTest, ReportsWhatItHasLost) {
  publish_tens(10, 90);
  EXPECT_EQ(window_.evict(25), 2U);
  EXPECT_EQ(window_.evicted_through(), 25U);
  EXPECT_EQ(window_.first(), 30U);
  EXPECT_EQ(window_.bytes(), 28U);
  EXPECT_EQ(read_all(0), "<30><40>|<50><60><70><80>|<90>|");
  EXPECT_FALSE(window_.take_dead());
  EXPECT_EQ(window_.evict(20), 0U) << "what is gone stays gone";
  EXPECT_EQ(window_.evicted_through(), 25U);
}

TEST_F(WindowTest, HandsBackPagesThatNobodyNeeds) {
  publish_tens(10, 90);
  window_.evict(80);
  EXPECT_TRUE(window_.take_dead());
  EXPECT_TRUE(window_.take_dead());
  EXPECT_FALSE(window_.take_dead());
  EXPECT_EQ(read_all(0), "<90>|");
  window_.evict(90);
  EXPECT_TRUE(window_.empty());
  EXPECT_EQ(window_.newest_ever(), 90U);
  EXPECT_EQ(window_.take_dead(), writer_.segment());
  EXPECT_EQ(window_.newest_segment(), nullptr);
  EXPECT_EQ(window_.begin(), window_.end());
}

TEST_F(WindowTest, KeepsAPinnedPageAndAllBehindItButNotForReaders) {
  publish_tens(10, 90);
  const Window::Position pinned = window_.after(40);
  window_.pin(pinned.page);
  window_.evict(90);
  EXPECT_EQ(read_all(0), "");
  EXPECT_TRUE(window_.take_dead()) << "the page before the pinned one";
  EXPECT_FALSE(window_.take_dead());
  const Window::Run run = window_.run(pinned, 60, 1000);
  EXPECT_EQ(std::string_view(run.data, run.size), "<50><60>");
  EXPECT_EQ(window_.sequence(run.next), 70U);
  window_.unpin(pinned.page);
  EXPECT_TRUE(window_.take_dead());
  EXPECT_TRUE(window_.take_dead());
  EXPECT_FALSE(window_.take_dead());
}

TEST_F(WindowTest, TakesASegmentBackThatGoesOnAfterItsEventsWereEvicted) {
  publish_tens(10, 20);
  window_.evict(20);
  EXPECT_TRUE(window_.take_dead());
  publish_tens(30, 40);
  EXPECT_EQ(window_.events(), 2U);
  EXPECT_EQ(window_.bytes(), 8U);
  EXPECT_EQ(window_.first(), 30U);
  EXPECT_EQ(read_all(0), "<30><40>|");
}

TEST_F(WindowTest, GoesOnInAPageThatOnlyAPinHasKept) {
  publish_tens(10, 20);
  const Window::Position pinned = window_.begin();
  window_.pin(pinned.page);
  window_.evict(20);
  EXPECT_FALSE(window_.take_dead());
  publish_tens(30, 60);
  EXPECT_EQ(read_all(0), "<30><40>|<50><60>|");
  EXPECT_EQ(window_.first(), 30U);
  EXPECT_EQ(window_.sequence(pinned), 10U);
}

TEST_F(WindowTest, StartsInTheNextSegmentWhenAllBeforeItIsEvicted) {
  publish_tens(10, 40);
  window_.pin(window_.begin().page);
  window_.evict(40);
  publish_tens(50, 60);
  EXPECT_EQ(window_.first(), 50U);
  EXPECT_EQ(window_.events(), 2U);
  EXPECT_EQ(read_all(0), "<50><60>|");
}

TEST_F(WindowTest, LetsTheOldestGoOneByOne) {
  publish_tens(10, 60);
  for (Sequence sequence = 10; sequence <= 60; sequence += 10) {
    EXPECT_EQ(window_.first(), sequence);
    Window::Cut cut = window_.uncut();
    window_.cut_oldest(cut);
    window_.evict(cut);
    EXPECT_EQ(window_.evicted_through(), sequence);
    window_.take_dead();
  }
  EXPECT_TRUE(window_.empty());
  EXPECT_EQ(window_.bytes(), 0U);
}

TEST_F(WindowTest, CountsBackwardsAcrossSegments) {
  publish_tens(10, 90);
  window_.evict(10);
  EXPECT_EQ(window_.back(window_.end(), 0), window_.end());
  for (std::uint64_t count = 1; count <= 8; ++count) {
    EXPECT_EQ(window_.sequence(window_.back(window_.end(), count)), 100 - 10 * count);
  }
  EXPECT_EQ(window_.back(window_.end(), 9), window_.begin());
  EXPECT_EQ(window_.sequence(window_.back(window_.after(50), 3)), 30U);
}

TEST_F(WindowTest, CountsWhatIsLeftFromAnyPlaceOn) {
  EXPECT_EQ(window_.count_from(window_.begin()), 0U);
  publish_tens(10, 90);
  window_.evict(10);
  for (Sequence sequence = 0; sequence <= 100; ++sequence) {
    const std::uint64_t left = 9 - std::clamp<std::uint64_t>(sequence / 10, 1, 9);
    EXPECT_EQ(window_.count_from(window_.after(sequence)), left) << "after " << sequence;
  }
}

TEST_F(WindowTest, FindsTheNewestEventOlderThanASecond) {
  publish(10, 1);
  publish(20, 1);
  publish(30, 3);
  publish(40, 3);
  publish(50, 3);
  publish(60, 7);
  EXPECT_EQ(window_.last_committed_before(1), 0U);
  EXPECT_EQ(window_.last_committed_before(2), 20U);
  EXPECT_EQ(window_.last_committed_before(3), 20U);
  EXPECT_EQ(window_.last_committed_before(4), 50U);
  EXPECT_EQ(window_.last_committed_before(7), 50U);
  EXPECT_EQ(window_.last_committed_before(8), 60U);
  window_.evict(20);
  EXPECT_EQ(window_.oldest_committed_s(), 3U);
  EXPECT_EQ(window_.last_committed_before(3), 20U) << "what was lost before";
}

TEST_F(WindowTest, InheritsWhatItsChannelLostInAnEarlierLife) {
  window_.inherit(25);
  EXPECT_EQ(window_.evicted_through(), 25U);
  publish_tens(30, 40);
  EXPECT_EQ(read_all(0), "<30><40>|");
}

TEST_F(WindowTest, ReadsOnlyEntriesItWasGiven) {
  SegmentWriter writer(Segment::make(200));
  append_event(writer, 10);
  append_event(writer, 20);
  append_event(writer, 30);
  const Ref<Segment>& shared = writer.segment();
  window_.append(shared, {.first = 0, .count = 2, .begin = 0, .end = 8, .last = 20});
  EXPECT_EQ(read_all(0), "<10><20>|");
  EXPECT_EQ(window_.append(shared, writer.newest(4, 30)),
            (Window::Position{.page = 0, .index = 2}));
  EXPECT_EQ(read_all(0), "<10><20><30>|");
}

// Against a plain list of sequences, and segments with room for one to a few events; with a second
// window that is given what the first one did.
TEST(Window, AgreesWithAPlainList) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Random random(seed);
    Window window;
    Window told;
    bool told_segment = false;
    SegmentWriter writer;
    std::vector<Sequence> list;
    Sequence head = 0;
    Sequence evicted = 0;
    for (int step = 0; step < 60; ++step) {
      if (random.chance(0.6)) {
        head += 1 + random.below(5);
        const std::size_t size = frame_text(head).size();
        if (!writer.fits(size, head)) {
          writer = SegmentWriter(Segment::make(20 + random.below(80)));
          told_segment = false;
        }
        append_event(writer, head);
        window.append(writer.segment(), writer.newest(size, head));
        told.append(std::exchange(told_segment, true) ? Ref<Segment>() : writer.segment(),
                    writer.newest(size, head));
        list.push_back(head);
      } else if (random.chance(0.5)) {
        const Sequence through = evicted + random.below(head - evicted + 1);
        const auto gone = std::ranges::upper_bound(list, through);
        const auto count = static_cast<std::uint64_t>(gone - list.begin());
        ASSERT_EQ(window.evict(through), count) << "seed " << seed;
        list.erase(list.begin(), gone);
        evicted = std::max(evicted, through);
        told.evict(through, window.events(), window.bytes());
        if (window.empty()) told_segment = false;
      }
      for (Window* const each : {&window, &told}) {
        while (random.chance(0.5) && each->take_dead()) {
        }
      }
      ASSERT_EQ(told.begin() == told.end(), window.empty()) << "seed " << seed;
      ASSERT_EQ(told.bytes(), window.bytes()) << "seed " << seed;
      ASSERT_EQ(told.first(), window.first()) << "seed " << seed;
      ASSERT_EQ(told.evicted_through(), window.evicted_through()) << "seed " << seed;
      ASSERT_EQ(window.events(), list.size()) << "seed " << seed;
      ASSERT_EQ(window.first(), list.empty() ? 0 : list.front()) << "seed " << seed;
      const Sequence after = random.below(head + 2);
      std::string expected;
      for (const Sequence sequence : list) {
        if (sequence > after) expected += frame_text(sequence);
      }
      std::string text;
      for (auto position = window.after(after); position < window.end();) {
        const Window::Run run = window.run(position, UINT64_MAX, 1 + random.below(50));
        text += std::string_view(run.data, run.size);
        position = run.next;
      }
      ASSERT_EQ(text, expected) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace fanfare::fanout
