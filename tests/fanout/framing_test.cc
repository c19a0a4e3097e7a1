#include "broker/fanout/framing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "broker/fanout/encoder.h"
#include "broker/fanout/json_line.h"
#include "broker/fanout/segment_writer.h"
#include "tests/fanout/json_reader.h"

#include "common/random.h"

namespace fanfare::fanout {
namespace {

using testing::read_chunks;
using testing::read_events;
using testing::read_lines;
using testing::read_named_events;
using testing::ReceivedEvent;

constexpr std::string_view kChannel = "orders/7";
constexpr std::uint32_t kTime = 1'795'717'441;  // 2026-11-26T18:24:01Z, and a second more each

// Events in a segment of the channel, behind others that are not asked for.
class Written {
 public:
  explicit Written(const std::vector<Event>& events)
      : writer_(Segment::make(events.size() * 64 + size_of(events) + 4'096)) {
    append({.type = "", .data = "before", .retry_ms = {}}, kTime - 1);
    first_ = writer_.count();
    begin_ = writer_.end();
    std::uint32_t time = kTime;
    for (const Event& event : events) append(event, time++);
  }
  Frames frames() const {
    return {.bytes = {writer_.segment()->bytes() + begin_, writer_.end() - begin_},
            .channel = kChannel,
            .segment = writer_.segment().get(),
            .first = first_,
            .count = writer_.count() - first_};
  }

 private:
  static std::size_t size_of(const std::vector<Event>& events) {
    std::size_t size = 0;
    for (const Event& event : events) size += event.type.size() + 8 * event.data.size() + 128;
    return size;
  }
  void append(const Event& event, std::uint32_t time) {
    const Encoder::Shape shape = encoder_.measure(event, sequence_);
    encoder_.encode(shape, event, sequence_, writer_.append(shape.frame_size, sequence_, time));
    ++sequence_;
  }

  Encoder encoder_{*Epoch::parse("0123abc")};
  SegmentWriter writer_;
  Sequence sequence_ = 0;
  std::uint32_t first_ = 0;
  std::uint32_t begin_ = 0;
};

std::string reframed(const std::vector<Event>& events, Framing framing) {
  const Written written(events);
  const std::size_t room = reframed_size_max(written.frames(), framing);
  std::string bytes(room + 16, '?');
  const auto size =
      static_cast<std::size_t>(reframe(bytes.data(), written.frames(), framing) - bytes.data());
  EXPECT_LE(size, room);
  EXPECT_EQ(bytes.substr(room), std::string(16, '?')) << "nothing is written beyond the room";
  bytes.resize(size);
  return bytes;
}

const std::vector<Event> kEvents = {{.type = "t", .data = "one", .retry_ms = 5},
                                    {.type = "", .data = "", .retry_ms = {}},
                                    {.type = "", .data = "two\r\nthree\r", .retry_ms = {}}};

TEST(Framing, ChunkedIsWhatSegmentsHold) {
  EXPECT_EQ(reframed(kEvents, Framing::chunked), std::string(Written(kEvents).frames().bytes));
}

TEST(Framing, PlainIsTheTextWithoutItsChunks) {
  EXPECT_EQ(reframed(kEvents, Framing::plain),
            "event: t\nretry: 5\ndata: one\nid: 0123abc-1\n\n"
            "data: \nid: 0123abc-2\n\n"
            "data: two\ndata: three\ndata: \nid: 0123abc-3\n\n");
}

TEST(Framing, RawIsThePayloadsAndNothingElse) {
  EXPECT_EQ(reframed(kEvents, Framing::raw), "onetwo\nthree\n");
}

TEST(Framing, RawChunkedHasNoChunkForAnEmptyPayload) {
  EXPECT_EQ(reframed(kEvents, Framing::raw_chunked), "3\r\none\r\na\r\ntwo\nthree\n\r\n");
  EXPECT_EQ(reframed({{.type = "t", .data = "", .retry_ms = 1}}, Framing::raw_chunked), "");
}

TEST(Framing, MovesARawPayloadWhateverTheDigitsOfTheSizes) {
  for (std::size_t size = 1; size < 300; ++size) {
    const std::string data(size, 'x');
    EXPECT_EQ(reframed({{.type = "", .data = data, .retry_ms = {}}}, Framing::raw_chunked),
              fmt::format("{:x}\r\n{}\r\n", size, data));
  }
}

TEST(Framing, NamedHasTheChannelBehindTheId) {
  EXPECT_EQ(reframed(kEvents, Framing::named),
            "event: t\nretry: 5\ndata: one\nid: 0123abc-1,orders/7\n\n"
            "data: \nid: 0123abc-2,orders/7\n\n"
            "data: two\ndata: three\ndata: \nid: 0123abc-3,orders/7\n\n");
}

TEST(Framing, NamedChunksHaveTheirSizeWhateverItsDigits) {
  for (std::size_t size = 0; size < 300; ++size) {
    const std::vector<Event> events(2, {.type = "", .data = std::string_view(), .retry_ms = {}});
    const std::string data(size, 'x');
    std::vector<Event> sized = events;
    for (Event& event : sized) event.data = data;
    EXPECT_EQ(read_chunks(reframed(sized, Framing::named_chunked)),
              reframed(sized, Framing::named));
  }
}

TEST(Framing, JsonIsALineAnEventWithAllThatIsKnownOfIt) {
  EXPECT_EQ(reframed(kEvents, Framing::json),
            R"({"id":"0123abc-1","channel":"orders/7","event":"t","data":"one","retry":5,)"
            R"("time":"2026-11-26T18:24:01Z"})"
            "\n"
            R"({"id":"0123abc-2","channel":"orders/7","event":"message","data":"",)"
            R"("time":"2026-11-26T18:24:02Z"})"
            "\n"
            R"({"id":"0123abc-3","channel":"orders/7","event":"message","data":"two\nthree\n",)"
            R"("time":"2026-11-26T18:24:03Z"})"
            "\n");
}

TEST(Framing, JsonInChunksIsOneChunkALineWhateverItsSize) {
  for (std::size_t size = 0; size < 300; ++size) {
    const std::string data(size, '"');
    const std::vector<Event> events(2, {.type = "", .data = data, .retry_ms = {}});
    EXPECT_EQ(read_chunks(reframed(events, Framing::json_chunked)),
              reframed(events, Framing::json));
  }
}

TEST(Framing, JsonHasNoLineEndButItsOwnWhateverIsPublished) {
  // Every character below U+0800, and those around the two separators.
  for (unsigned code = 0; code < 0x800; ++code) {
    const std::string character = code < 0x80
                                      ? std::string(1, static_cast<char>(code))
                                      : std::string{static_cast<char>(0xc0U | code >> 6U),
                                                    static_cast<char>(0x80U | (code & 63U))};
    const std::string data = "a" + character + character + "b";
    const std::string lines = reframed({{.type = "", .data = data, .retry_ms = {}}}, Framing::json);
    const auto events = read_lines(lines);
    ASSERT_EQ(events.size(), 1U) << code;
    EXPECT_EQ(events[0].event.data, testing::with_line_feeds(data)) << code;
  }
  const std::string_view separators =
      "\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xe2\x82\xac";
  const std::string lines =
      reframed({{.type = "€\"\\", .data = separators, .retry_ms = {}}}, Framing::json);
  EXPECT_EQ(lines.find("\xe2\x80\xa8"), std::string::npos);
  const auto events = read_lines(lines);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].event.data, separators);
  EXPECT_EQ(events[0].event.type, "€\"\\");
}

TEST(Framing, AnEventCannotLookLikeWhatTheBrokerSays) {
  const auto events =
      read_lines(reframed({{.type = "x\",\"gap\":{\"reason\":\"evicted",
                            .data = "\"}\n{\"gap\":{\"reason\":\"evicted\"},\"id\":\"0123abc-9\"}",
                            .retry_ms = {}}},
                          Framing::json));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].event.id, "0123abc-1");
}

TEST(Framing, JsonTellsTheTimeToTheSecond) {
  const auto time_of = [](std::uint32_t time) {
    const std::string text = "data: \nid: 0123abc-1\n\n";
    const JsonLine line{.text = text, .channel = "c", .time = time};
    std::string bytes(line.size(), '?');
    EXPECT_EQ(line.write(bytes.data()), bytes.data() + bytes.size());
    return bytes.substr(bytes.find("\"time\":") + 8, 20);
  };
  EXPECT_EQ(time_of(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(time_of(951'782'399), "2000-02-28T23:59:59Z");
  EXPECT_EQ(time_of(951'782'400), "2000-02-29T00:00:00Z");
  EXPECT_EQ(time_of(UINT32_MAX), "2106-02-07T06:28:15Z");
}

std::string random_text(Random& random, std::size_t size_max) {
  const std::string_view pieces[] = {"a",
                                     "bc",
                                     " ",
                                     "\"",
                                     "\\",
                                     "\n",
                                     "\r",
                                     "\r\n",
                                     "data: x",
                                     "id: 1-1",
                                     "\t",
                                     "\x01",
                                     "\x7f",
                                     "\xc2\x85",
                                     "\xe2\x80\xa8",
                                     "\xe2\x80\xa9",
                                     "é",
                                     "\xf0\x9f\x98\x80",
                                     ":",
                                     "{\"gap\":1}",
                                     std::string_view("\0", 1)};
  std::string text;
  for (std::size_t left = random.below(size_max + 1); left > 0; --left) {
    text += pieces[random.below(std::size(pieces))];
  }
  return text;
}

// Whatever was published, a reader of each form has the same events.
TEST(Framing, EveryFormSaysTheSame) {
  Random random(7);
  for (int round = 0; round < 3'000; ++round) {
    std::vector<std::pair<std::string, std::string>> texts;
    for (std::uint64_t left = 1 + random.below(5); left > 0; --left) {
      texts.emplace_back(random.chance(0.5) ? "" : fmt::format("n\"é\\{}", random.below(100)),
                         random_text(random, random.chance(0.1) ? 400 : 12));
    }
    std::vector<Event> events;
    for (const auto& [type, data] : texts) {
      events.push_back({.type = type, .data = data, .retry_ms = {}});
      if (random.chance(0.2)) events.back().retry_ms = 100 + random.below(1'000);
    }
    const auto plain = read_events(reframed(events, Framing::plain));
    ASSERT_EQ(plain.size(), events.size());
    std::string payloads;
    for (const ReceivedEvent& event : plain) payloads += event.data;
    ASSERT_EQ(reframed(events, Framing::raw), payloads);
    for (const auto& lines : {read_lines(reframed(events, Framing::json)),
                              read_named_events(reframed(events, Framing::named))}) {
      ASSERT_EQ(lines.size(), plain.size());
      for (std::size_t i = 0; i < lines.size(); ++i) {
        ASSERT_EQ(lines[i].event, plain[i]);
        ASSERT_EQ(lines[i].channel, kChannel);
      }
    }
    ASSERT_EQ(read_chunks(reframed(events, Framing::json_chunked)),
              reframed(events, Framing::json));
    ASSERT_EQ(read_chunks(reframed(events, Framing::named_chunked)),
              reframed(events, Framing::named));
  }
}

}  // namespace
}  // namespace fanfare::fanout
