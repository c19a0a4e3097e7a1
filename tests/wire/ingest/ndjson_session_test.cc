// NDJSON: a line in, a line out, whatever netcat, jq and log shippers write.
#include "broker/wire/ingest/ndjson_session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/wire/ingest/conversation.h"

namespace fanfare::ingest_test {
namespace {

using ingest::Dialect;
using Calls = std::vector<std::string>;

// Reply lines. `rest`: further members, as in ,"ref":1
std::string accepted(int event, std::string_view rest = "") {
  return fmt::format("{{\"ok\":true,\"id\":\"ep-{}\"{}}}\n", event, rest);
}
// `sentence` as JSON writes it.
std::string refused(std::string_view sentence, int line, std::string_view rest = "") {
  return fmt::format("{{\"ok\":false,\"error\":\"{}\",\"line\":{}{}}}\n", sentence, line, rest);
}

Outcome ndjson(std::string_view input) {
  return converse_in_every_split(Dialect::ndjson, input);
}
std::string reply(const std::string& line) {
  return ndjson(line + "\n").replies;
}
// What is wrong with a line, as the publisher reads it.
std::string error(const std::string& line) {
  const std::string text = reply(line);
  const std::string before = R"({"ok":false,"error":")";
  const std::string after = R"(","line":1})"
                            "\n";
  EXPECT_TRUE(text.starts_with(before) && text.ends_with(after)) << text;
  return text.substr(before.size(), text.size() - before.size() - after.size());
}
// The data that is published for this JSON text of it.
std::string data(const std::string& json) {
  const Outcome outcome = ndjson(R"({"channel":"c","data":)" + json + "}\n");
  if (outcome.calls.size() != 1) return outcome.replies;
  return outcome.calls[0].substr(std::string("publish c [] data=").size());
}

TEST(Ndjson, PublishesALine) {
  const auto [replies, calls, closed] = ndjson(
      "{\"channel\":\"news\",\"event\":\"tick\",\"data\":\"hello\",\"retry\":2500,\"id\":\"k\"}\n");
  EXPECT_EQ(replies, accepted(1));
  EXPECT_EQ(calls, Calls{"publish news [tick] data=hello retry=2500 id=k"});
}

TEST(Ndjson, AKeyIsPassedOnAndNeedsNoData) {
  const auto [replies, calls, closed] = ndjson(R"({"channel":"board","key":"oven 3","data":181}
{"channel":"board","key":"oven 3","id":"once"}
{"channel":["board","wall"],"key":"oven 3"}
)");
  EXPECT_EQ(
      calls,
      (Calls{"publish board [] data=181 key=oven 3", "publish board [] data= key=oven 3 id=once",
             "publish board [] data= key=oven 3", "publish wall [] data= key=oven 3"}));
}

TEST(Ndjson, EchoesTheReferenceAsItWasWritten) {
  EXPECT_EQ(reply(R"({"ref":17,"channel":"c","data":""})"), accepted(1, R"(,"ref":17)"));
  EXPECT_EQ(reply(R"({"channel":"c","data":"","ref" : "\u00e9\"" })"),
            accepted(1, R"(,"ref":"\u00e9\"")"));
  EXPECT_EQ(
      reply(R"({"chanel":"c","data":"","ref":-1.5e3})"),
      refused(
          R"--(unknown field \"chanel\": the fields are channel, data, event, retry, id, key, ref, )--"
          "op (column 2)",
          1, R"(,"ref":-1.5e3)"));
}

TEST(Ndjson, TakesTheLastLineWithoutItsLineFeed) {
  EXPECT_EQ(ndjson(R"({"channel":"c","data":"x"})").calls, Calls{"publish c [] data=x"});
}

TEST(Ndjson, IgnoresBlankLinesButCountsThem) {
  EXPECT_EQ(ndjson("\n \t\r\n{}\r\n\n").replies, refused(R"(\"channel\" is missing)", 3));
  EXPECT_EQ(ndjson("\n\n").replies, "");
  EXPECT_EQ(ndjson("  ").replies, "");
}

TEST(Ndjson, AnswersEveryLineInOrder) {
  const auto [replies, calls, closed] = ndjson(
      "{\"channel\":\"a\",\"data\":\"1\"}\n{oops}\n{\"channel\":\"closed\",\"data\":\"2\"}\r\n"
      "{\"channel\":\"b\",\"data\":\"3\"}\n");
  EXPECT_EQ(replies, accepted(1) +
                         refused("not a JSON object: this is not allowed here (column 2)", 2) +
                         refused("the channel is finished", 3) + accepted(2));
  EXPECT_EQ(calls, (Calls{"publish a [] data=1", "publish b [] data=3"}));
}

// ---- data

TEST(NdjsonData, IsTheStringItself) {
  EXPECT_EQ(data(R"("hello")"), "hello");
  EXPECT_EQ(data(R"("")"), "");
  EXPECT_EQ(data(R"("a\nb\t\"\\\/\u00e9\ud83d\ude00\r")"), "a\nb\t\"\\/é😀\r");
  EXPECT_EQ(data("\"é😀\xe2\x80\xa8\""), "é😀\xe2\x80\xa8");
  EXPECT_EQ(data(R"("\u0000")"), std::string(1, '\0'));
}

TEST(NdjsonData, ForwardsAnythingElseAsItWasWritten) {
  for (const char* json : {R"({"b": 1.50, "a" : [1,2 , {"x":null}],"b":"\u00e9\/"})", "[]", "{}",
                           "[ ]", "true", "false", "null", "0", "-0.0e-10", "1e400",
                           "123456789012345678901234567890", R"([[[["deep"]]]])"}) {
    EXPECT_EQ(data(json), json);
    EXPECT_EQ(data(std::string(" ") + json + " \t "), json);
  }
}

TEST(NdjsonData, IsCheckedToItsEnd) {
  for (const char* json : {"[1,]",
                           "[1 2]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "[tru]",
                           "[nulll]",
                           "01",
                           "1.",
                           "+1",
                           ".5",
                           "1e",
                           "-",
                           "[1}",
                           "{\"a\":1]",
                           "NaN",
                           "'x'",
                           "[\"\\x\"]",
                           "{\"\\q\":1}",
                           "[\"\\ud800\"]",
                           "{\"\\udc00\":1}",
                           "\"a\" \"b\"",
                           "1 2",
                           "[1] [2]",
                           "[01]",
                           "[1,,2]",
                           "[,1]",
                           "{,}",
                           "{\"a\":1 \"b\":2}",
                           "[:]",
                           "{1:2}",
                           "{\"a\":1:2}"}) {
    const Outcome outcome = ndjson(std::string(R"({"channel":"c","data":)") + json + "}\n");
    EXPECT_TRUE(outcome.calls.empty()) << json;
    EXPECT_TRUE(outcome.replies.starts_with(R"({"ok":false,)")) << json << outcome.replies;
  }
}

TEST(NdjsonData, MayBeNestedOnlySoDeep) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_EQ(data(nested(128)), nested(128));
  EXPECT_NE(data(nested(129)).find("data is nested more than 128 levels deep (column 151)"),
            std::string::npos);
  EXPECT_NE(data(std::string(5000, '[')).find("\"ok\":false"), std::string::npos);
}

// ---- what is wrong, and where

// What simdjson skips when it is not read would be taken for the value of a key.
TEST(NdjsonErrors, KnowAStringFromAKeyWithoutAnObject) {
  const std::string sentence =
      "unexpected colon after a value: a comma or the end must follow (column ";
  EXPECT_EQ(error(R"({"channel":"c","data":"x":[1]},"retry":500})"), sentence + "26)");
  EXPECT_EQ(error(R"({"channel":"c","data":"x" : {"a":1}},"retry":500})"), sentence + "27)");
  EXPECT_EQ(error(R"({"channel":"c","data":["x":[1]],"retry":500]})"), sentence + "27)");
  EXPECT_EQ(error(R"({"channel":"c","data":{"k":"x":[1]}},"retry":500})"), sentence + "31)");
  EXPECT_EQ(error(R"({"channel":["c":[1]],"data":"x"]})"), sentence + "16)");
  EXPECT_EQ(error(R"({"channel":"c","data":"x","ref":"r":[1]},"retry":500})"), sentence + "36)");
  EXPECT_EQ(error(R"({"channel":"c","data":"x","event":"e":{}},"retry":500})"), sentence + "38)");
}

TEST(NdjsonErrors, NameTheColumn) {
  EXPECT_EQ(error("[1]"),
            "a line must be one object, not an array: write one {...} per line (column 1)");
  EXPECT_EQ(
      error(" hello"),
      R"--(a line must be one JSON object, as in {\"channel\":\"c\",\"data\":\"hello\"} (column 2))--");
  EXPECT_EQ(error(R"({"channel":"c","data":"x"} {})"),
            "there is more after the object: write one object per line (column 28)");
  EXPECT_EQ(error(R"({"channel":"c","data":"x")"),
            "not a JSON object: the line ends too early (column 26)");
  for (const char* behind : {",", " x", " //", "1"}) {
    EXPECT_EQ(error(std::string(R"({"channel":["a"],"data":"}"})") + behind),
              fmt::format("there is more after the object: write one object per line (column {})",
                          behind[0] == ' ' ? 30 : 29))
        << behind;
  }
  EXPECT_EQ(ndjson("{\"op\":\"watch\"}\n\xef\xbb\xbf{}\n").replies,
            "{\"ok\":true}\n" + refused("this line begins with a byte order mark: only the first "
                                        "line may have one (column 1)",
                                        2));
  EXPECT_EQ(error(R"({"channel":"c","data":"x)"),
            "the string that begins here is not closed on this line (column 23)");
  EXPECT_EQ(error(R"({"channel":"c" "data":"x"})"),
            "not a JSON object: this is not allowed here (column 16)");
  EXPECT_EQ(error("{\"channel\":\"c\",\"data\":\"a\tb\"}"),
            "control character 0x09 inside a string: write it as an escape (column 25)");
  EXPECT_EQ(error("{\"channel\":\"c\",\"data\":\"a\xff\"}"),
            "not UTF-8: byte 0xff; publish binary as base64 (column 25)");
  EXPECT_EQ(error("{\"channel\":\"c\",\"data\":\"\xed\xa0\x80\"}"),
            "not UTF-8: byte 0xed; publish binary as base64 (column 24)");
  EXPECT_EQ(
      error(R"({"channel":"c","data":"a\ud83d!"})"),
      R"(not a JSON escape, or half a surrogate pair (such as \\ud83d alone), which is not a )"
      "character (column 25)");
  EXPECT_EQ(error(R"({"channel":"c","channel":"d","data":"x"})"),
            R"--(\"channel\" occurs twice (column 16))--");
  EXPECT_EQ(
      error(R"({"channel":"c","data":"x","type":"y"})"),
      R"--(unknown field \"type\": the fields are channel, data, event, retry, id, key, ref, op (column )--"
      "27)");
}

TEST(NdjsonErrors, SayWhatAValueMustBe) {
  EXPECT_EQ(error(R"--({"channel":5,"data":"x"})--"),
            R"--(\"channel\" must be a string (column 12))--");
  EXPECT_EQ(error(R"({"channel":["a",5],"data":"x"})"),
            R"--(\"channel\" must be a string (column 17))--");
  EXPECT_EQ(error(R"--({"channel":[],"data":"x"})--"),
            R"--(\"channel\" is an empty array (column 12))--");
  EXPECT_EQ(error(R"({"channel":"c","data":"x","event":{}})"),
            R"--(\"event\" must be a string (column 35))--");
  EXPECT_EQ(error(R"({"channel":"c","data":"x","retry":"2s"})"),
            R"--(\"retry\" must be a number of milliseconds, as in 2000 (column 35))--");
  EXPECT_EQ(error(R"({"channel":"c","data":"x","retry":-1})"),
            R"--(\"retry\" must be a number of milliseconds, as in 2000 (column 35))--");
  EXPECT_EQ(error(R"({"channel":"c","data":"x","ref":[1]})"),
            R"--(\"ref\" must be a string or a number (column 33))--");
  EXPECT_EQ(
      error(R"({"channel":"c"})"),
      R"(\"data\" is missing: browsers drop an event without data; for an empty event, write )"
      R"(\"data\":\"\")");
  EXPECT_EQ(error(R"({"channel":"c","data":"x","key":""})"),
            R"(\"key\" is empty: name what this is the latest value of, or leave it out)");
  EXPECT_EQ(error(R"({"op":"finish"})"), R"(\"channel\" is missing)");
  EXPECT_EQ(
      error(R"({"op":"subscribe","channel":"c"})"),
      R"(unknown op \"subscribe\": the ops are publish, finish, delete, info, watch, subscribers, ticket and auth)");
  EXPECT_EQ(error(R"({"op":"finish","channel":"c","data":"x"})"),
            R"(\"data\" is not allowed with \"op\":\"finish\")");
  EXPECT_EQ(error(R"({"op":"finish","channel":["a","b"]})"),
            R"(\"op\":\"finish\" accepts only one channel)");
}

// ---- byte order marks

TEST(Ndjson, SkipsAByteOrderMarkBeforeTheFirstLine) {
  const auto [replies, calls, closed] = ndjson(
      "\xef\xbb\xbf{\"channel\":\"a\",\"data\":\"1\"}\n"
      "\xef\xbb\xbf{\"channel\":\"a\",\"data\":\"2\"}\n"
      "{\"channel\":\"a\",\"data\":\"\xef\xbb\xbf\"}\n");
  EXPECT_EQ(replies,
            "{\"ok\":true,\"id\":\"ep-1\"}\n{\"ok\":false,\"error\":\"this line begins with a byte "
            "order mark: only the first line may have one (column 1)\",\"line\":2}\n"
            "{\"ok\":true,\"id\":\"ep-2\"}\n");
  EXPECT_EQ(calls, (Calls{"publish a [] data=1", "publish a [] data=\xef\xbb\xbf"}));
  EXPECT_EQ(ndjson("\xef\xbb\xbf\r\n{\"channel\":\"a\",\"data\":\"1\"}").replies,
            "{\"ok\":true,\"id\":\"ep-1\"}\n");
}

// ---- several channels, and the other operations

TEST(Ndjson, PublishesOneEventForEachChannel) {
  const auto [replies, calls, closed] = ndjson(R"({"channel":["a","b"],"data":{"x":1},"id":"k"})");
  EXPECT_EQ(replies, R"({"ok":true,"ids":["ep-1","ep-2"]})"
                     "\n");
  EXPECT_EQ(calls,
            (Calls{R"(publish a [] data={"x":1} id=k)", R"(publish b [] data={"x":1} id=k)"}));
}

TEST(Ndjson, AListOfChannelsIsPublishedWholeOrNotAtAll) {
  const auto [replies, calls, closed] = ndjson(R"({"channel":["a","closed","b"],"data":"x","ref":1}
{"channel":["a","b","no good"],"data":"x"}
{"channel":["full","a"],"data":"x"}
{"channel":["a","big"],"data":"x"}
{"channel":["a","b",""],"data":"x"}
{"channel":"a","data":"x"}
)");
  constexpr std::string_view kNothing = "; nothing was published to the others either";
  const auto refusal = [&](std::string_view why, std::string_view end) {
    return fmt::format(R"({{"ok":false,"error":"{}{}","line":{}}})"
                       "\n",
                       why, kNothing, end);
  };
  EXPECT_EQ(replies, refusal(R"(channel \"closed\": the channel is finished)", R"(1,"ref":1)") +
                         refusal(R"(channel \"no good\": not a channel name: \"no good\")", "2") +
                         refusal(R"(channel \"full\": too many channels)", "3") +
                         refusal(R"(channel \"big\": the data has too many bytes)", "4") +
                         refusal(R"(channel \"\": not a channel name: \"\")", "5") +
                         R"({"ok":true,"id":"ep-1"})"
                         "\n");
  EXPECT_EQ(calls, Calls{"publish a [] data=x"});
}

TEST(Ndjson, AChannelThatIsNamedTwiceGetsTheEventOnce) {
  const auto [replies, calls, closed] = ndjson(R"({"channel":["a","b","a"],"data":"x"})");
  EXPECT_EQ(replies, R"({"ok":true,"ids":["ep-1","ep-2","ep-1"]})"
                     "\n");
  EXPECT_EQ(calls, (Calls{"publish a [] data=x", "publish b [] data=x"}));
}

TEST(Ndjson, ARepeatedKeyIsAnsweredAsADuplicate) {
  const auto [replies, calls, closed] = ndjson(R"({"channel":"a","data":"x","id":"k"}
{"channel":"a","data":"other","id":"k","ref":7}
{"channel":["a","b"],"data":"x","id":"k"}
{"channel":["b","a"],"data":"x","id":"k"}
{"channel":["brief","a"],"data":"x","id":"k"}
{"channel":"brief","data":"x","id":"k"}
)");
  EXPECT_EQ(replies, R"({"ok":true,"id":"ep-1"}
{"ok":true,"id":"ep-1","duplicate":true,"ref":7}
{"ok":true,"ids":["ep-1","ep-2"],"duplicate":true,"duplicates":["a"]}
{"ok":true,"ids":["ep-2","ep-1"],"duplicate":true}
{"ok":true,"ids":["ep-3","ep-1"],"duplicate":true,"duplicates":["a"]}
{"ok":true,"id":"ep-3","duplicate":true,"evicted":true}
)");
  EXPECT_EQ(calls, (Calls{"publish a [] data=x id=k", "publish b [] data=x id=k",
                          "publish brief [] data=x id=k"}));
}

TEST(Ndjson, FinishesAndDeletesChannels) {
  const auto [replies, calls, closed] = ndjson(R"({"op":"finish","channel":"c"}
{"op":"delete","channel":"c"}
{"op":"delete","channel":"c"}
)");
  EXPECT_EQ(replies, R"({"ok":true}
{"ok":true}
{"ok":false,"error":"there is no such channel","line":3}
)");
  EXPECT_EQ(calls, (Calls{"finish c", "erase c", "erase c"}));
}

TEST(Ndjson, DescribesAChannelAndTheBroker) {
  const auto [replies, calls, closed] = ndjson(R"({"channel":"c","data":"xy"}
{"op":"info","channel":"c"}
{"op":"info","channel":"d"}
{"op":"info","ref":5}
)");
  EXPECT_EQ(replies, R"({"ok":true,"id":"ep-1"}
{"ok":true,"channel":"c","events":1,"bytes":2,"published":1,"receivers":0,"first":"ep-1","last":"ep-1","finished":false}
{"ok":false,"error":"there is no such channel","line":3}
{"ok":true,"version":"1.2.3","events_total":1,"ref":5}
)");
}

TEST(Ndjson, WatchesFromTheLineThatAsksForIt) {
  RecordingSink sink;
  const auto session = ingest::make_session(Dialect::ndjson, sink, {});
  std::string out;
  EXPECT_EQ(session->watches(), 0U);
  session->receive("{\"op\":\"watch\",\"ref\":1}\n", out);
  EXPECT_EQ(session->watches(), 1U);
  EXPECT_EQ(out, "{\"ok\":true,\"ref\":1}\n");
}

TEST(Ndjson, WatchesTheChannelsAndPatternsThatTheLastWatchNames) {
  RecordingSink sink;
  const auto session = ingest::make_session(Dialect::ndjson, sink, {});
  std::string out;
  session->receive("{\"op\":\"watch\"}\n{\"op\":\"watch\",\"channels\":[\"a\",\"b/**\"]}\n", out);
  EXPECT_EQ(session->watches(), 2U);
  EXPECT_EQ(Calls(session->watched().begin(), session->watched().end()), (Calls{"a", "b/**"}));
  out.clear();
  session->receive("{\"op\":\"watch\",\"channel\":\"a b\"}\n", out);
  EXPECT_NE(out.find("not 0x20 (byte 1)"), std::string::npos) << out;
  EXPECT_EQ(session->watches(), 2U) << "the earlier one goes on";
  session->receive("{\"op\":\"watch\",\"channel\":\"c\"}\n", out);
  EXPECT_EQ(Calls(session->watched().begin(), session->watched().end()), Calls{"c"});
}

TEST(Ndjson, WaitsWithWhatFollowsAQuestionUntilItIsAnswered) {
  const std::string input =
      "{\"op\":\"subscribers\",\"channel\":\"a\",\"limit\":7,\"after\":\"1-22\",\"ref\":9}\n"
      "{\"channel\":\"a\",\"data\":\"x\"}\n";
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    RecordingSink sink;
    const auto session = ingest::make_session(Dialect::ndjson, sink, {});
    std::string out;
    session->receive(std::string_view(input).substr(0, cut), out);
    session->receive(std::string_view(input).substr(cut), out);
    ASSERT_NE(session->asking(), nullptr) << cut;
    EXPECT_EQ(session->asking()->channel, "a");
    EXPECT_EQ(session->asking()->limit, 7U);
    EXPECT_EQ(session->asking()->after.text(), "1-22");
    EXPECT_TRUE(session->paused());
    EXPECT_EQ(out, "");
    EXPECT_TRUE(sink.calls.empty());
    const std::vector<ingest::RollEntry> entries = {
        {.connection = 3, .since_ms = 5, .subject = "ann", .query = "channel=a"},
        {.connection = 4, .since_ms = 6, .query = "channel=*", .pattern = "*"}};
    session->answer(ingest::Roll{.channel = "a",
                                 .subscribers = 12,
                                 .at_ms = 8,
                                 .entries = entries,
                                 .next = ingest::RollPlace{.shard = 1, .member = 30}},
                    out);
    EXPECT_EQ(out, R"({"ok":true,"channel":"a","count":12,"at_ms":8,"subscribers":[)"
                   R"({"connection":3,"since_ms":5,"sub":"ann","query":"channel=a"},)"
                   R"({"connection":4,"since_ms":6,"query":"channel=*","pattern":"*"}],)"
                   R"("next":"1-30","ref":9})"
                   "\n");
    out.clear();
    session->receive({}, out);
    EXPECT_FALSE(session->paused());
    EXPECT_EQ(out, accepted(1)) << cut;
  }
}

TEST(Ndjson, AQuestionWithoutAnAnswerIsRefusedWithTheReason) {
  RecordingSink sink;
  const auto session = ingest::make_session(Dialect::ndjson, sink, {});
  std::string out;
  session->receive("{\"op\":\"subscribers\",\"channel\":\"a\",\"ref\":1}\n", out);
  session->answer(std::unexpected(std::string_view("not now")), out);
  EXPECT_EQ(out, refused("not now", 1, R"(,"ref":1)"));
  EXPECT_EQ(session->asking(), nullptr);
}

TEST(Ndjson, RefusesQuestionsThatCannotBeAnswered) {
  EXPECT_EQ(error(R"({"op":"subscribers"})"), R"(\"channel\" is missing)");
  EXPECT_EQ(error(R"({"op":"subscribers","channel":"a","limit":1001})"),
            R"(\"limit\" must be a number up to 1000 (column 43))");
  EXPECT_EQ(error(R"({"op":"subscribers","channel":"a","after":"x"})"),
            R"(\"after\" must be the \"next\" of the page before (column 43))");
  EXPECT_EQ(error(R"({"op":"watch","channel":"a","channels":["b"]})"),
            R"(\"channel\" and \"channels\" mean the same: give only one)");
}

TEST(Ndjson, FormatsANotice) {
  std::string out;
  ingest::append_notice(out, {.kind = ingest::Notice::Kind::subscribe,
                              .channel = "chat/7",
                              .connection = 12,
                              .subject = "ann",
                              .query = "channel=chat/7&user=\"\xff",
                              .cursor = "ep-5"});
  ingest::append_notice(
      out, {.kind = ingest::Notice::Kind::unsubscribe, .channel = "a/**", .reason = "peer_closed"});
  ingest::append_notice(out, {.channel = "b", .present = true, .since_ms = 1700});
  ingest::append_missed(out, 5);
  ingest::append_present(out, 7);
  EXPECT_EQ(
      out,
      "{\"event\":\"subscribe\",\"channel\":\"chat/7\",\"connection\":12,\"sub\":\"ann\",\"query\":"
      "\"channel=chat/7&user=\\\"\xef\xbf\xbd\",\"cursor\":\"ep-5\"}\n"
      "{\"event\":\"unsubscribe\",\"channel\":\"a/**\",\"connection\":0,\"query\":\"\","
      "\"cursor\":\"\",\"reason\":\"peer_closed\"}\n"
      "{\"event\":\"subscribe\",\"channel\":\"b\",\"connection\":0,\"query\":\"\","
      "\"cursor\":\"\",\"present\":true,\"since_ms\":1700}\n"
      "{\"event\":\"missed\",\"notices\":5}\n"
      "{\"event\":\"present\",\"streams\":7}\n");
}

// ---- bounds

TEST(Ndjson, LetsALineThatIsTooLongGoByAndGoesOn) {
  const std::string input = "{\"channel\":\"c\",\"data\":\"" + std::string(70'000, 'x') + "\"}\n" +
                            "{\"channel\":\"c\",\"data\":\"y\"}\n";
  const auto [replies, calls, closed] = converse_in_every_split(Dialect::ndjson, input, 100);
  EXPECT_EQ(
      replies,
      R"({"ok":false,"error":"the line is longer than 66136 bytes, the most that one event of )"
      R"([limits] event_bytes can need","line":1})"
      "\n"
      R"({"ok":true,"id":"ep-1"})"
      "\n");
  EXPECT_EQ(calls, Calls{"publish c [] data=y"});
}

TEST(Ndjson, BuffersNothingOfALineThatIsTooLong) {
  RecordingSink sink;
  const auto session = ingest::make_session(Dialect::ndjson, sink, {.event_bytes = 100});
  std::string out;
  std::size_t kept_max = 0;
  for (int i = 0; i < 1000; ++i) {
    session->receive(std::string(1000, ' '), out);
    kept_max = std::max(kept_max, session->buffered_bytes());
  }
  EXPECT_LE(kept_max, 67'000U);
  EXPECT_EQ(session->buffered_bytes(), 0U);
  EXPECT_EQ(out, "");
}

TEST(Ndjson, TakesALineOfTheLargestEventWhateverItsEscapes) {
  std::string escaped;
  for (int i = 0; i < 64 * 1024; ++i) escaped += "\\u0001";
  const Outcome outcome =
      converse(Dialect::ndjson, R"({"channel":"c","data":")" + escaped + "\"}\n");
  ASSERT_EQ(outcome.calls.size(), 1U);
  EXPECT_EQ(outcome.calls[0], "publish c [] data=" + std::string(64 * 1024, '\1'));
}

TEST(Ndjson, PausesWhenItsRepliesPileUp) {
  RecordingSink sink;
  const auto session = ingest::make_session(Dialect::ndjson, sink, {.reply_bytes = 100});
  std::string input;
  for (int i = 0; i < 1000; ++i) input += "{\"channel\":\"c\",\"data\":1}\n";
  std::string out;
  session->receive(input, out);
  EXPECT_TRUE(session->paused());
  EXPECT_LT(out.size(), 200U);
  int rounds = 1;
  for (; session->paused(); ++rounds) {
    out.clear();
    session->receive({}, out);
    EXPECT_LT(out.size(), 200U);
  }
  EXPECT_GT(rounds, 100);
  EXPECT_EQ(sink.calls.size(), 1000U);
  EXPECT_EQ(session->buffered_bytes(), 0U);
}

TEST(Ndjson, IssuesTickets) {
  const auto [replies, calls, closed] =
      ndjson(R"({"op":"ticket","channels":["a","b/*"],"expires":"30s","sub":"ann","ref":7}
{"op":"ticket","channel":"a"}
{"op":"ticket"}
{"channels":["a"],"data":"x"}
)");
  EXPECT_EQ(
      replies,
      R"({"ok":true,"ticket":"t1cket","expires_seconds":60,"ref":7})"
      "\n"
      R"({"ok":true,"ticket":"t1cket","expires_seconds":60})"
      "\n" +
          refused(R"(\"channels\" is missing: those that the ticket grants, as in [\"chat/1\"])",
                  3) +
          refused(R"(\"channels\" is not allowed with \"op\":\"publish\")", 4));
  EXPECT_EQ(calls, (Calls{"ticket [ann] 30s a b/*", "ticket []  a"}));
}

}  // namespace
}  // namespace fanfare::ingest_test
