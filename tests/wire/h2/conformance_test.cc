// What RFC 9113 (and RFC 7541) ask of a server, clause by clause, as h2spec checks them: what the
// client says, and what becomes of its stream or of the connection.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/wire/h2/conversation.h"
#include "tests/wire/pieces.h"

namespace fanfare::h2_test {
namespace {

constexpr std::uint32_t kProtocol = 1, kFlowControl = 3, kStreamClosed = 5, kFrameSize = 6,
                        kRefused = 7, kCompression = 9;

struct Outcome {
  enum class Kind : std::uint8_t {
    answered,     // request 1 is, with 200
    stream,       // error on stream 1, or of the whole connection
    connection,   // error of the connection
    ignored,      // nothing is said to that, and the next request is answered
    taken,        // no error is said to that
    ping_answer,  // with the same eight bytes
    ack,          // of SETTINGS
    refused,      // request 1 is answered with that status
  };
  Kind kind{};
  std::vector<std::uint32_t> errors = {};  // any of these
};

struct Case {
  std::string_view clause;
  std::string_view name;
  std::string says;  // after the preface and SETTINGS
  Outcome outcome;

  friend void PrintTo(const Case& one, std::ostream* out) { *out << one.clause << ' ' << one.name; }
};

Outcome answered() {
  return {Outcome::Kind::answered};
}
Outcome ignored() {
  return {Outcome::Kind::ignored};
}
Outcome stream_error(std::vector<std::uint32_t> errors) {
  return {Outcome::Kind::stream, std::move(errors)};
}
Outcome connection_error(std::vector<std::uint32_t> errors) {
  return {Outcome::Kind::connection, std::move(errors)};
}
Outcome refused(std::uint32_t status) {
  return {Outcome::Kind::refused, {status}};
}

std::string head(const Fields& fields, int flags = kEndHeaders | kEndStream,
                 std::uint32_t stream = 1) {
  return frame(kHeaders, flags, stream, block(fields));
}
const Fields kGet = {
    {":method", "GET"}, {":scheme", "http"}, {":path", "/hello"}, {":authority", "x"}};
Fields with(std::string name, std::string value) {
  Fields fields = kGet;
  fields.emplace_back(std::move(name), std::move(value));
  return fields;
}
Fields without(std::string_view name) {
  Fields fields = kGet;
  std::erase_if(fields, [name](const auto& field) { return field.first == name; });
  return fields;
}
std::string hello(std::uint32_t stream = 1) {
  return get(stream, "/hello");
}
std::string post(std::uint32_t stream, const Fields& more = {}) {
  return post_head(stream, "/hello", more);
}
std::string body(std::uint32_t stream, std::string_view bytes, int flags = kEndStream) {
  return frame(kData, flags, stream, bytes);
}

std::vector<Case> frames() {
  return {
      {"4.1", "a frame of an unknown type is ignored", frame(0x16, 0, 0, "what"), ignored()},
      {"4.1",
       "undefined flags are ignored",
       frame(kPing, 0x16, 0, "12345678"),
       {Outcome::Kind::ping_answer}},
      {"4.1",
       "the reserved bit is ignored",
       frame(kPing, 0, 0x80000000U, "12345678"),
       {Outcome::Kind::ping_answer}},
      {"4.2", "DATA of the largest size", post(1) + body(1, std::string(16'384, 'x')), answered()},
      {"4.2", "DATA beyond it", post(1) + body(1, std::string(16'385, 'x')),
       stream_error({kFrameSize})},
      {"4.2", "HEADERS beyond it",
       frame(kHeaders, kEndHeaders | kEndStream, 1,
             get_block("/hello", {{"x", std::string(17'000, 'x')}})),
       connection_error({kFrameSize})},
      {"4.3", "a field block that is none",
       frame(kHeaders, kEndHeaders | kEndStream, 1, "\xff\xff\xff\xff\xff\xff"),
       connection_error({kCompression})},
      {"4.3", "PRIORITY in the midst of a field block",
       frame(kHeaders, kEndStream, 1, get_block("/hello")) +
           frame(kPriority, 0, 1, number(0, 4) + "x"),
       connection_error({kProtocol})},
      {"4.3", "HEADERS of another stream in the midst of a field block",
       frame(kHeaders, kEndStream, 1, get_block("/hello")) + hello(3),
       connection_error({kProtocol})},
      {"5.1", "DATA on an idle stream", body(1, "x"), connection_error({kProtocol, kStreamClosed})},
      {"5.1", "RST_STREAM of an idle stream", rst(1), connection_error({kProtocol})},
      {"5.1", "WINDOW_UPDATE of an idle stream", window_update(1, 100),
       connection_error({kProtocol})},
      {"5.1", "CONTINUATION on an idle stream", frame(kContinuation, kEndHeaders, 1, get_block()),
       connection_error({kProtocol})},
      {"5.1", "DATA on a half-closed stream", get(1) + body(1, "x"),
       stream_error({kStreamClosed, kProtocol})},
      {"5.1", "HEADERS on a half-closed stream", get(1) + get(1),
       stream_error({kStreamClosed, kProtocol})},
      {"5.1", "CONTINUATION on a half-closed stream",
       get(1) + frame(kContinuation, kEndHeaders, 1, get_block()),
       connection_error({kStreamClosed, kProtocol})},
      {"5.1", "WINDOW_UPDATE on a half-closed stream is taken", get(1) + window_update(1, 5),
       answered()},
      {"5.1", "CONTINUATION after RST_STREAM",
       get(1) + rst(1) + frame(kContinuation, kEndHeaders, 1, get_block()),
       connection_error({kStreamClosed, kProtocol})},
      {"5.1.1", "a stream with an even number", get(2), connection_error({kProtocol})},
      // It may be the trailers of a stream that the broker has reset a moment ago.
      {"5.1.1", "a stream below one that was opened is ignored", get(5) + get(3), ignored()},
      {"5.3.1", "a stream that depends on itself, in HEADERS",
       frame(kHeaders, kEndHeaders | kEndStream | kPriorityFlag, 1,
             number(1, 4) + "x" + get_block("/hello")),
       stream_error({kProtocol})},
      {"5.3.1", "a stream that depends on itself, in PRIORITY",
       frame(kPriority, 0, 1, number(1, 4) + "x"), ignored()},
      {"5.5", "an unknown frame in the midst of a field block",
       frame(kHeaders, kEndStream, 1, get_block("/hello")) + frame(0x16, 0, 0, "what"),
       connection_error({kProtocol})},
      {"6.1", "DATA on stream 0", body(0, "x"), connection_error({kProtocol})},
      {"6.1", "padding longer than DATA",
       post(1) + frame(kData, kEndStream | kPadded, 1,
                       "\x09"
                       "abcd"),
       connection_error({kProtocol})},
      {"6.1", "padded DATA",
       post(1) + frame(kData, kEndStream | kPadded, 1,
                       std::string("\x02"
                                   "ab\0\0",
                                   5)),
       answered()},
      {"6.2", "HEADERS on stream 0", get(0), connection_error({kProtocol})},
      {"6.2", "padding longer than HEADERS",
       frame(kHeaders, kEndHeaders | kEndStream | kPadded, 1, "\xf0" + get_block("/hello")),
       connection_error({kProtocol})},
      {"6.2", "padded HEADERS with a priority",
       frame(kHeaders, kEndHeaders | kEndStream | kPadded | kPriorityFlag, 1,
             "\x02" + number(0, 4) + "x" + get_block("/hello") + std::string(2, '\0')),
       answered()},
      {"6.2", "a field block in three frames",
       frame(kHeaders, kEndStream, 1, get_block("/hello").substr(0, 5)) +
           frame(kContinuation, 0, 1, get_block("/hello").substr(5, 7)) +
           frame(kContinuation, kEndHeaders, 1, get_block("/hello").substr(12)),
       answered()},
      {"6.3", "PRIORITY on stream 0", frame(kPriority, 0, 0, number(1, 4) + "x"),
       connection_error({kProtocol})},
      {"6.3", "PRIORITY of another size", get(1) + frame(kPriority, 0, 1, "abcd"),
       stream_error({kFrameSize})},
      {"6.4", "RST_STREAM on stream 0", rst(0), connection_error({kProtocol})},
      {"6.4", "RST_STREAM of another size", get(1) + frame(kRstStream, 0, 1, "abc"),
       connection_error({kFrameSize})},
      {"6.5", "an acknowledgement with a payload", frame(kSettings, kAck, 0, setting(3, 1)),
       connection_error({kFrameSize})},
      {"6.5", "SETTINGS on a stream", frame(kSettings, 0, 1, setting(3, 1)),
       connection_error({kProtocol})},
      {"6.5", "SETTINGS of another size", frame(kSettings, 0, 0, "abc"),
       connection_error({kFrameSize})},
      {"6.5.2", "ENABLE_PUSH of 2", frame(kSettings, 0, 0, setting(2, 2)),
       connection_error({kProtocol})},
      {"6.5.2", "an initial window beyond the largest",
       frame(kSettings, 0, 0, setting(4, 0x80000000U)), connection_error({kFlowControl})},
      {"6.5.2", "a frame size below the smallest", frame(kSettings, 0, 0, setting(5, 16'383)),
       connection_error({kProtocol})},
      {"6.5.2", "a frame size beyond the largest", frame(kSettings, 0, 0, setting(5, 1U << 24U)),
       connection_error({kProtocol})},
      {"6.5.2",
       "an unknown setting is ignored",
       frame(kSettings, 0, 0, setting(0xff, 1)),
       {Outcome::Kind::ack}},
      {"6.5.3",
       "SETTINGS are acknowledged",
       frame(kSettings, 0, 0, setting(3, 1)),
       {Outcome::Kind::ack}},
      {"6.6", "a client that pushes",
       frame(kPushPromise, kEndHeaders, 1, number(2, 4) + get_block()),
       connection_error({kProtocol})},
      {"6.7", "PING is answered", frame(kPing, 0, 0, "12345678"), {Outcome::Kind::ping_answer}},
      {"6.7", "an answer to PING is not", frame(kPing, kAck, 0, "12345678"), ignored()},
      {"6.7", "PING on a stream", frame(kPing, 0, 1, "12345678"), connection_error({kProtocol})},
      {"6.7", "PING of another size", frame(kPing, 0, 0, "1234567"),
       connection_error({kFrameSize})},
      {"6.8", "GOAWAY on a stream", frame(kGoaway, 0, 1, number(0, 8)),
       connection_error({kProtocol})},
      {"6.9", "WINDOW_UPDATE of nothing, of the connection", window_update(0, 0),
       connection_error({kProtocol})},
      {"6.9", "WINDOW_UPDATE of nothing, of a stream", get(1) + window_update(1, 0),
       stream_error({kProtocol})},
      {"6.9", "WINDOW_UPDATE of another size", frame(kWindowUpdate, 0, 0, "abc"),
       connection_error({kFrameSize})},
      {"6.9.1", "a window of the connection beyond the largest", window_update(0, 0x7fffffffU),
       connection_error({kFlowControl})},
      {"6.9.1", "a window of a stream beyond the largest", get(1) + window_update(1, 0x7fffffffU),
       stream_error({kFlowControl})},
      {"6.10", "CONTINUATION after the end of a head",
       get(1) + frame(kContinuation, kEndHeaders, 1, ""),
       connection_error({kProtocol, kStreamClosed})},
      {"6.10", "CONTINUATION on stream 0",
       frame(kHeaders, kEndStream, 1, get_block()) + frame(kContinuation, kEndHeaders, 0, ""),
       connection_error({kProtocol})},
      {"6.10", "CONTINUATION after DATA",
       post(1) + body(1, "x") + frame(kContinuation, kEndHeaders, 1, ""),
       connection_error({kProtocol, kStreamClosed})},
      {"7",
       "GOAWAY with an unknown error is taken",
       frame(kGoaway, 0, 0, number(0, 4) + number(0xff, 4)),
       {Outcome::Kind::taken}},
      {"7", "RST_STREAM with an unknown error is taken", get(1) + rst(1, 0xff), ignored()},
  };
}

std::vector<Case> messages() {
  return {
      {"8.1", "trailers end a request", post(1) + body(1, "x", 0) + head({{"x-checksum", "1"}}),
       answered()},
      {"8.1", "trailers without an end of the stream",
       post(1) + body(1, "x", 0) + head({{"x-checksum", "1"}}, kEndHeaders),
       stream_error({kProtocol})},
      {"8.1", "a pseudo-field in trailers", post(1) + body(1, "x", 0) + head({{":method", "GET"}}),
       stream_error({kProtocol})},
      {"8.2.1", "a name in capitals", head(with("X-Test", "1")), stream_error({kProtocol})},
      {"8.2.1", "a name with a space", head(with("x test", "1")), stream_error({kProtocol})},
      {"8.2.1", "a value with a line feed", head(with("x-test", "a\nb")),
       stream_error({kProtocol})},
      {"8.2.1", "a value with a NUL", head(with("x-test", std::string("a\0b", 3))),
       stream_error({kProtocol})},
      {"8.2.2", "connection", head(with("connection", "keep-alive")), stream_error({kProtocol})},
      {"8.2.2", "transfer-encoding", head(with("transfer-encoding", "chunked")),
       stream_error({kProtocol})},
      {"8.2.2", "keep-alive", head(with("keep-alive", "1")), stream_error({kProtocol})},
      {"8.2.2", "proxy-connection", head(with("proxy-connection", "x")), stream_error({kProtocol})},
      {"8.2.2", "upgrade", head(with("upgrade", "h2c")), stream_error({kProtocol})},
      {"8.2.2", "te other than trailers", head(with("te", "gzip")), stream_error({kProtocol})},
      {"8.2.2", "te: trailers", head(with("te", "trailers")), answered()},
      {"8.3", "an unknown pseudo-field", head(with(":test", "1")), stream_error({kProtocol})},
      {"8.3", "a pseudo-field of responses", head(with(":status", "200")),
       stream_error({kProtocol})},
      {"8.3", "a pseudo-field behind a field",
       head({{":method", "GET"}, {":scheme", "http"}, {"x", "1"}, {":path", "/hello"}}),
       stream_error({kProtocol})},
      {"8.3.1", "an empty path",
       head({{":method", "GET"}, {":scheme", "http"}, {":path", ""}, {":authority", "x"}}),
       stream_error({kProtocol})},
      {"8.3.1", "no method", head(without(":method")), stream_error({kProtocol})},
      {"8.3.1", "no scheme", head(without(":scheme")), stream_error({kProtocol})},
      {"8.3.1", "no path", head(without(":path")), stream_error({kProtocol})},
      {"8.3.1", "no authority and no host", head(without(":authority")), stream_error({kProtocol})},
      {"8.3.1", "host in place of an authority",
       head({{":method", "GET"}, {":scheme", "http"}, {":path", "/hello"}, {"host", "x"}}),
       answered()},
      {"8.3.1", "host beside the same authority", head(with("host", "x")), answered()},
      {"8.3.1", "host beside another authority", head(with("host", "y")), refused(400)},
      {"8.3.1", "two methods", head(with(":method", "GET")), stream_error({kProtocol})},
      {"8.3.1", "two schemes", head(with(":scheme", "http")), stream_error({kProtocol})},
      {"8.3.1", "two paths", head(with(":path", "/")), stream_error({kProtocol})},
      {"8.3.1", "an authority with a user name",
       head({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "me@x"}}),
       refused(400)},
      {"8.3.1", "a path that is a URL",
       head({{":method", "GET"}, {":scheme", "http"}, {":path", "http://x/"}, {":authority", "x"}}),
       stream_error({kProtocol})},
      {"8.3.1", "a path with a fragment",
       head({{":method", "GET"}, {":scheme", "http"}, {":path", "/a#b"}, {":authority", "x"}}),
       refused(400)},
      {"8.5", "CONNECT", head({{":method", "CONNECT"}, {":authority", "x"}}), refused(501)},
      {"8.1.1", "a body that is shorter than said",
       post(1, {{"content-length", "2"}}) + body(1, "x"), stream_error({kProtocol})},
      {"8.1.1", "a body that is longer than said",
       post(1, {{"content-length", "1"}}) + body(1, "xy"), stream_error({kProtocol})},
      {"8.1.1", "a body in two pieces that is shorter than said",
       post(1, {{"content-length", "3"}}) + body(1, "x", 0) + body(1, "y"),
       stream_error({kProtocol})},
      {"8.1.1", "a length that is no number", post(1, {{"content-length", "+1"}}) + body(1, "x"),
       stream_error({kProtocol})},
      {"8.1.1", "two lengths",
       post(1, {{"content-length", "1"}, {"content-length", "1"}}) + body(1, "x"),
       stream_error({kProtocol})},
      {"9110 10.1.1", "an expectation that nobody knows", head(with("expect", "a miracle")),
       refused(417)},
  };
}

std::vector<Case> hpack() {
  const std::string start = get_block("/hello");
  const auto raw = [&start](std::string_view bytes) {
    return frame(kHeaders, kEndHeaders | kEndStream, 1, start + std::string(bytes));
  };
  return {
      {"7541 2.3.3", "an index of nothing, of a field", raw("\xc6"),
       connection_error({kCompression})},
      {"7541 2.3.3", "an index of nothing, of a name", raw("\x7f\x0f\x01x"),
       connection_error({kCompression})},
      {"7541 6.1", "index 0", raw("\x80"), connection_error({kCompression})},
      {"7541 4.2", "a new table size behind a field", raw("\x20"),
       connection_error({kCompression})},
      {"7541 6.3", "a table size beyond what was agreed",
       frame(kHeaders, kEndHeaders | kEndStream, 1, integer(4097, 5, 0x20) + start),
       connection_error({kCompression})},
      {"7541 6.3", "a table size within it",
       frame(kHeaders, kEndHeaders | kEndStream, 1, integer(100, 5, 0x20) + start), answered()},
      {"7541 5.2", "Huffman padding of more than seven bits",
       raw(std::string_view("\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff", 12)),
       connection_error({kCompression})},
      {"7541 5.2", "Huffman padding of zeros",
       raw(std::string_view("\x00\x85\xf2\xb2\x4a\x87\xff\x83\x49\x50\x90", 11)),
       connection_error({kCompression})},
      {"7541 5.2", "a Huffman code of the end",
       raw(std::string_view("\x00\x85\xf2\xb2\x4a\x87\xff\x86\xff\xff\xff\xff\xff\xff", 14)),
       connection_error({kCompression})},
      {"7541 5.1", "a number that does not end",
       raw("\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), connection_error({kCompression})},
      {"7541 2.3.2", "an entry of the table that was made",
       frame(kHeaders, kEndHeaders | kEndStream, 1, start + indexed_field("x-a", "1") + "\xbe"),
       answered()},
  };
}

std::vector<Case> cases() {
  std::vector<Case> all = frames();
  for (const auto& some : {messages(), hpack()}) all.insert(all.end(), some.begin(), some.end());
  return all;
}

class Conformance : public ::testing::TestWithParam<Case> {};

bool is_one_of(std::uint32_t error, const std::vector<std::uint32_t>& errors) {
  return std::ranges::find(errors, error) != errors.end();
}

void expect(const Outcome& outcome, const std::vector<Heard>& heard, Conversation& talk) {
  using Kind = Outcome::Kind;
  const auto find = [&heard](std::uint8_t type, std::uint32_t stream) {
    const auto found = std::ranges::find_if(heard, [&](const Heard& one) {
      return one.type == type && one.stream == stream && (type != kSettings || one.flags == kAck);
    });
    return found == heard.end() ? nullptr : &*found;
  };
  const Heard* const goaway = find(kGoaway, 0);
  const Heard* const reset = find(kRstStream, 1);
  const Heard* const answer = find(kHeaders, 1);
  switch (outcome.kind) {
    case Kind::answered:
    case Kind::refused:
      ASSERT_NE(answer, nullptr);
      EXPECT_EQ(answer->value(":status"),
                outcome.errors.empty() ? "200" : std::to_string(outcome.errors[0]));
      EXPECT_EQ(goaway, nullptr);
      break;
    case Kind::stream:
      ASSERT_TRUE(reset != nullptr || goaway != nullptr);
      for (const Heard* const said : {reset, goaway}) {
        if (said == nullptr) continue;
        EXPECT_TRUE(is_one_of(said->error(), outcome.errors)) << said->error();
      }
      break;
    case Kind::connection:
      ASSERT_NE(goaway, nullptr);
      EXPECT_TRUE(is_one_of(goaway->error(), outcome.errors)) << goaway->error();
      EXPECT_TRUE(talk.session().over());
      EXPECT_TRUE(talk.session().failed());
      break;
    case Kind::ping_answer: {
      const Heard* const answered = find(kPing, 0);
      ASSERT_NE(answered, nullptr);
      EXPECT_EQ(answered->flags, kAck);
      EXPECT_EQ(answered->payload, "12345678");
      break;
    }
    case Kind::ack:
      EXPECT_NE(find(kSettings, 0), nullptr);
      EXPECT_EQ(goaway, nullptr);
      break;
    case Kind::taken:
      EXPECT_TRUE(goaway == nullptr || goaway->error() == 0) << goaway->error();
      break;
    case Kind::ignored:
      EXPECT_EQ(goaway, nullptr);
      break;
  }
  if (outcome.kind != Kind::ignored) return;
  const auto next = talk.say(get(101, "/hello"));
  EXPECT_TRUE(std::ranges::any_of(
      next, [](const Heard& one) { return one.type == kHeaders && one.stream == 101; }));
}

TEST_P(Conformance, HoldsHoweverTheBytesAreCut) {
  const Case& one = GetParam();
  Conversation whole;
  whole.say(greeting());
  expect(one.outcome, whole.say(one.says), whole);
  Conversation cut;
  cut.say(greeting());
  std::vector<Heard> heard;
  wire_test::feed_in_pieces(one.says, wire_test::cut_byte_by_byte(one.says.size()),
                            [&](std::string_view piece) {
                              for (Heard& frame : cut.say(piece)) heard.push_back(std::move(frame));
                            });
  expect(one.outcome, heard, cut);
}

INSTANTIATE_TEST_SUITE_P(Rfc9113, Conformance, ::testing::ValuesIn(cases()), [](const auto& one) {
  std::string name = std::string(one.param.clause) + "_" + std::string(one.param.name);
  std::ranges::replace_if(
      name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name + "_" + std::to_string(one.index);
});

TEST(Preface, ThatIsNoneEndsTheConnection) {
  Conversation talk;
  talk.say("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
  EXPECT_TRUE(talk.session().over());
}

TEST(Preface, MustBeFollowedBySettings) {
  Conversation talk;
  const auto heard = talk.say(std::string(h2::kPreface) + frame(kPing, 0, 0, "12345678"));
  EXPECT_TRUE(std::ranges::any_of(heard, [](const Heard& one) { return one.type == kGoaway; }));
}

TEST(Preface, IsAnsweredWithSettings) {
  Conversation talk;
  const auto heard = talk.say(greeting());
  ASSERT_FALSE(heard.empty());
  EXPECT_EQ(heard[0].type, kSettings);
  EXPECT_NE(heard[0].payload.find(setting(3, 100)), std::string::npos) << "concurrent streams";
}

TEST(Goaway, OfTheClientEndsTheSessionWithItsLastStream) {
  Conversation talk;
  talk.say(greeting() + get(1));
  talk.say(frame(kGoaway, 0, 0, number(0, 8)));
  EXPECT_FALSE(talk.session().over());
  std::string out;
  EXPECT_EQ(talk.session().offer(1, "data: x\n\n", out, 1000), 9U);
  const auto heard = talk.say(rst(1) + get(3));
  EXPECT_TRUE(talk.session().over());
  EXPECT_FALSE(talk.session().failed());
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].type, kGoaway);
}

TEST(Concurrency, StreamsBeyondTheLimitAreNotTaken) {
  Conversation talk(Conversation::kLimits, 2);
  const auto heard = talk.say(greeting() + get(1) + get(3) + get(5));
  const bool refusal = std::ranges::any_of(heard, [](const Heard& one) {
    return one.type == kRstStream && one.stream == 5 && one.error() == kRefused;
  });
  EXPECT_TRUE(refusal);
}

TEST(Windows, AnInitialWindowThatShrinksMayBecomeNegative) {
  Conversation talk;
  talk.say(greeting(setting(4, 3)) + get(1, "/hello"));
  EXPECT_EQ(talk.session().window(1), 0) << "three bytes of `hello` are out";
  auto heard = talk.say(frame(kSettings, 0, 0, setting(4, 2)));
  EXPECT_EQ(std::ranges::count(heard, kData, &Heard::type), 0);
  heard = talk.say(frame(kSettings, 0, 0, setting(4, 5)));
  ASSERT_EQ(std::ranges::count(heard, kData, &Heard::type), 1);
  EXPECT_EQ(std::ranges::find(heard, kData, &Heard::type)->payload, "lo");
}

}  // namespace
}  // namespace fanfare::h2_test
