#include "broker/fanout/framing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/fanout/encoder.h"

namespace fanfare::fanout {
namespace {

std::string frames_of(const std::vector<Event>& events) {
  const Encoder encoder(*Epoch::parse("0123abc"));
  std::string frames;
  Sequence sequence = 1;
  for (const Event& event : events) {
    const Encoder::Shape shape = encoder.measure(event, sequence);
    std::string frame(shape.frame_size, '?');
    encoder.encode(shape, event, sequence++, frame);
    frames += frame;
  }
  return frames;
}

std::string reframed(const std::vector<Event>& events, Framing framing) {
  const std::string frames = frames_of(events);
  std::string bytes(reframed_size_max(frames.size()), '?');
  bytes.resize(static_cast<std::size_t>(reframe(bytes.data(), frames, framing) - bytes.data()));
  return bytes;
}

const std::vector<Event> kEvents = {{.type = "t", .data = "one", .retry_ms = 5},
                                    {.type = "", .data = "", .retry_ms = {}},
                                    {.type = "", .data = "two\r\nthree\r", .retry_ms = {}}};

TEST(Framing, ChunkedIsWhatSegmentsHold) {
  EXPECT_EQ(reframed(kEvents, Framing::chunked), frames_of(kEvents));
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

}  // namespace
}  // namespace fanfare::fanout
