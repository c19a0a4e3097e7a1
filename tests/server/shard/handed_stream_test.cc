#include "broker/server/shard/handed_stream.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace fanfare::server {
namespace {

HandedStream some_stream() {
  HandedStream stream{.topics = {"news", "sport/*"},
                      .framing = fanout::Framing::json_chunked,
                      .spacing = 200ms,
                      .at = 77,
                      .keep_alive = true,
                      .peer = {},
                      .carried_for = PackedAddress{.address = {}, .port = 9},
                      .heartbeat = 150,
                      .heartbeat_event = "ping",
                      .query = "channel=news&channel=sport/*",
                      .subject = "somebody"};
  stream.expires = 1'800'000'000;
  stream.ends = 12;
  stream.ends_complete = true;
  return stream;
}

std::string packed(const HandedStream& stream) {
  std::string bytes;
  Packer packer(bytes);
  stream.pack(packer);
  return bytes;
}

TEST(HandedStreams, AreReadAsTheyWereWritten) {
  const std::string bytes = packed(some_stream());
  Unpacker from(bytes);
  const auto read = HandedStream::unpack(from);
  ASSERT_TRUE(read);
  EXPECT_TRUE(from.rest().empty());
  EXPECT_EQ(packed(*read), bytes);
  EXPECT_EQ(read->topics, some_stream().topics);
  EXPECT_EQ(read->carried_for->port, 9);
  EXPECT_EQ(read->heartbeat_event, "ping");
  EXPECT_EQ(read->spacing, 200ms);
  EXPECT_EQ(read->at, 77U);
}

TEST(HandedStreams, ThatAreCutShortOrOfAnUnknownFormAreNone) {
  std::string bytes = packed(some_stream());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Unpacker from(std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(HandedStream::unpack(from)) << size;
  }
  HandedStream unknown = some_stream();
  unknown.framing = static_cast<fanout::Framing>(fanout::kFramings);
  bytes = packed(unknown);
  Unpacker from(bytes);
  EXPECT_FALSE(HandedStream::unpack(from));
}

}  // namespace
}  // namespace fanfare::server
