// What a stream of JSON lines says besides events: each is one line that parses, and none can be
// taken for an event's.
#include "broker/wire/sse/json_control.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>

namespace fanfare::sse {
namespace {

constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(1'795'717'441)};

TEST(JsonControl, SaysEachThingOnALineOfItsOwn) {
  EXPECT_EQ(json_position("abc-7"), "{\"position\":\"abc-7\",\"id\":\"abc-7\"}\n");
  EXPECT_EQ(
      json_gap({.reason = GapReason::evicted, .after = "abc-1", .resumed = "abc-9", .id = "abc-7"}),
      R"({"gap":{"reason":"evicted","after":"abc-1","resumed":"abc-9"},"id":"abc-7"})"
      "\n");
  EXPECT_EQ(json_end(), "{\"end\":true}\n");
  EXPECT_EQ(json_come_back(1500ms, {}, {}), "{\"come_back\":{\"retry\":1500}}\n");
  EXPECT_EQ(json_come_back(2s, "too \"many\"", "abc-7"),
            R"({"come_back":{"retry":2000,"reason":"too \"many\""},"id":"abc-7"})"
            "\n");
  EXPECT_EQ(json_heartbeat_seen("ping", kNow),
            "{\"heartbeat\":\"ping\",\"time\":\"2026-11-26T18:24:01Z\"}\n");
}

TEST(JsonControl, NamesAHeartbeatWhateverTheNameIs) {
  EXPECT_EQ(json_heartbeat_seen("é\"\\", kNow),
            "{\"heartbeat\":\"é\\\"\\\\\",\"time\":\"2026-11-26T18:24:01Z\"}\n");
}

// The cursor is whatever the client sent.
TEST(JsonControl, AHostileCursorWritesNoLineOfItsOwn) {
  const std::string line = json_gap({.reason = GapReason::unknown,
                                     .after = "a\"}\n{\"channel\":\"b\"\\\xe2\x80\xa8",
                                     .resumed = "k3-9",
                                     .id = "k3-9"});
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  ASSERT_EQ(parser.parse(line).get(object), simdjson::SUCCESS);
  EXPECT_EQ(object["channel"].error(), simdjson::NO_SUCH_FIELD);
}

TEST(JsonControl, AHeartbeatIsABlankInFrontOfTheNextLine) {
  EXPECT_EQ(json_heartbeat(Wrap::bare), " ");
  std::string chunk;
  append_wrapped(chunk, Wrap::chunk, " ");
  EXPECT_EQ(json_heartbeat(Wrap::chunk), chunk);
  simdjson::dom::parser parser;
  EXPECT_EQ(parser.parse("   " + json_end()).error(), simdjson::SUCCESS);
}

}  // namespace
}  // namespace fanfare::sse
