// What JsonWriter writes, simdjson reads back.
#include "broker/admin/json.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <cmath>
#include <limits>
#include <string>

namespace fanfare::admin {
namespace {

std::string as_string(std::string_view text) {
  JsonWriter json;
  return json.string(text).take();
}

std::string_view read_back(simdjson::dom::parser& parser, std::string_view json) {
  return parser.parse(json.data(), json.size()).get_string().value();
}

TEST(JsonWriter, PutsCommasBetweenValuesOnly) {
  JsonWriter json;
  json.begin_object().member("a", std::uint64_t{1}).key("b").begin_array();
  json.begin_object().end_object().begin_array().end_array().null().boolean(true).end_array();
  json.member("c", "x").end_object();
  EXPECT_EQ(json.take(), R"({"a":1,"b":[{},[],null,true],"c":"x"})");
}

TEST(JsonWriter, EscapesEveryAsciiCharacterSoThatItComesBack) {
  std::string text;
  for (char c = 0; c < 127; ++c) text += c;
  text += '\x7f';
  simdjson::dom::parser parser;
  const std::string json = as_string(text);
  EXPECT_EQ(read_back(parser, json), text);
  // Nothing that would end a string, a line of the stream, or a script element.
  EXPECT_EQ(json.find_first_of("\r\n<>&"), std::string::npos);
}

TEST(JsonWriter, ReplacesWhatIsNotAscii) {
  simdjson::dom::parser parser;
  EXPECT_EQ(read_back(parser, as_string("a\xff\xc3z")), "a\ufffd\ufffdz");
}

TEST(JsonWriter, WritesNumbersThatAreExactOrRoundedToAThousandth) {
  JsonWriter json;
  json.begin_array();
  json.number(std::numeric_limits<std::uint64_t>::max());
  json.number(std::numeric_limits<std::int64_t>::min());
  json.number(0.0).number(1234567.25).number(0.12345).number(1e300);
  json.number(std::numeric_limits<double>::infinity()).number(std::nan("")).end_array();
  const std::string text = json.take();
  EXPECT_EQ(text.substr(0, text.find("1e+300")),
            "[18446744073709551615,-9223372036854775808,0,1234567.25,0.123,");
  EXPECT_TRUE(text.ends_with("null,null]"));
  simdjson::dom::parser parser;
  EXPECT_EQ(parser.parse(text).error(), simdjson::SUCCESS);
}

TEST(JsonWriterDeathTest, RefusesATextThatIsNotClosed) {
  JsonWriter json;
  json.begin_object();
  EXPECT_DEATH(static_cast<void>(json.take()), "closed");
}

}  // namespace
}  // namespace fanfare::admin
