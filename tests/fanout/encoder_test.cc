#include "broker/fanout/encoder.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/fanout/sse_reader.h"

namespace fanfare::fanout {
namespace {

using testing::read_chunks;
using testing::read_events;
using testing::with_line_feeds;

const Epoch kEpoch = *Epoch::parse("0123abc");

std::string frame_of(const Event& event, Sequence sequence = 7) {
  const Encoder encoder(kEpoch);
  const Encoder::Shape shape = encoder.measure(event, sequence);
  std::string frame(shape.frame_size, '?');
  encoder.encode(shape, event, sequence, frame);
  return frame;
}

std::string frame_of_data(std::string_view data, Sequence sequence = 7) {
  return frame_of({.type = "", .data = data, .retry_ms = {}}, sequence);
}

TEST(Encoder, WritesOneChunkWithTheIdLast) {
  EXPECT_EQ(frame_of({.type = "tick", .data = "hello", .retry_ms = 1500}, 42),
            "34\r\nevent: tick\nretry: 1500\ndata: hello\nid: 0123abc-42\n\n\r\n");
}

TEST(Encoder, LeavesOutWhatAnEventDoesNotHave) {
  EXPECT_EQ(frame_of_data("x"), "17\r\ndata: x\nid: 0123abc-7\n\n\r\n");
}

TEST(Encoder, GivesAnEmptyPayloadOneEmptyDataLine) {
  EXPECT_EQ(read_chunks(frame_of_data({})), "data: \nid: 0123abc-7\n\n");
}

TEST(Encoder, SplitsDataAtEveryKindOfLineEnd) {
  EXPECT_EQ(read_chunks(frame_of_data("a\rb\nc\r\nd\n\re\r")),
            "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\ndata: \nid: 0123abc-7\n\n");
}

TEST(Encoder, StopsAPublisherFromInjectingAField) {
  const auto events = read_events(read_chunks(frame_of_data("x\rid: evil\r\rdata: y")));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].id, "0123abc-7");
  EXPECT_EQ(events[0].data, "x\nid: evil\n\ndata: y");
}

TEST(Encoder, KnowsTheSizeOfEveryNumber) {
  std::vector<Sequence> sequences = {UINT64_MAX};
  for (Sequence power = 10; power < UINT64_MAX / 10; power *= 10) {
    sequences.insert(sequences.end(), {power - 1, power, power + 1});
  }
  for (const Sequence sequence : sequences) {
    const auto events = read_events(read_chunks(frame_of_data("d", sequence)));
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].id, EventId(kEpoch, sequence).text());
  }
  for (const std::uint32_t retry : {0U, 9U, 10U, 9'999U, 10'000U, UINT32_MAX}) {
    const auto events =
        read_events(read_chunks(frame_of({.type = "", .data = "d", .retry_ms = retry})));
    EXPECT_EQ(events.at(0).retry_ms, retry);
  }
}

TEST(Encoder, CountsHexadecimalDigits) {
  for (const std::size_t size : {1U, 15U, 16U, 255U, 256U, 4095U, 4096U, 1U << 20U}) {
    const auto events = read_events(read_chunks(frame_of_data(std::string(size, 'x'))));
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].data.size(), size);
  }
}

TEST(Encoder, ScansALargeTextOfOneKindOfLineEndOnce) {
  // Quadratic work would be 10^12 steps here.
  const std::string data(1U << 20U, '\n');
  EXPECT_EQ(read_events(read_chunks(frame_of_data(data))).at(0).data, data);
}

// Fragments that have broken encoders and parsers elsewhere; among them a byte order mark, U+2028,
// U+0085 and a NUL.
const std::vector<std::string> kFragments = {"\r",
                                             "\n",
                                             "\r\n",
                                             " ",
                                             "  ",
                                             ":",
                                             "data: ",
                                             "id: 9",
                                             "event: gap",
                                             "0\r\n\r\n",
                                             "\t",
                                             "\xEF\xBB\xBF",
                                             "\xE2\x80\xA8",
                                             "\xC2\x85",
                                             std::string(1, '\0'),
                                             "\xE4\xBD\xA0",
                                             "\xF0\x9F\x98\x80",
                                             "a"};

std::string random_text(Random& random) {
  std::string text;
  for (std::uint64_t left = random.below(12); left > 0; --left) {
    if (random.chance(0.2)) {
      text.append(random.below(300), 'x');
    } else {
      text += kFragments[random.below(kFragments.size())];
    }
  }
  return text;
}

TEST(Encoder, IsUndoneByAParser) {
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    Random random(seed);
    const std::string data = random_text(random);
    const std::string type = random.chance(0.5) ? "" : "t " + std::to_string(random.below(999));
    std::optional<std::uint32_t> retry;
    if (random.chance(0.3)) retry = static_cast<std::uint32_t>(random.next());
    const Sequence sequence = 1 + random.below(UINT64_MAX >> random.below(64));
    const auto events = read_events(
        read_chunks(frame_of({.type = type, .data = data, .retry_ms = retry}, sequence)));
    ASSERT_EQ(events.size(), 1U) << "seed " << seed;
    EXPECT_EQ(events[0].type, type) << "seed " << seed;
    EXPECT_EQ(events[0].data, with_line_feeds(data)) << "seed " << seed;
    EXPECT_EQ(events[0].id, EventId(kEpoch, sequence).text()) << "seed " << seed;
    EXPECT_EQ(events[0].retry_ms, retry) << "seed " << seed;
  }
}

}  // namespace
}  // namespace fanfare::fanout
