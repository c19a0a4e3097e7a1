// Answers of applications made of everything that is in HTTP, and of what is not, in any pieces and
// over every kind of end, said to a whole shard. Whatever comes, every client is answered, nobody
// has a stream without `Fanfare-Channels`, and when all have left, nothing is left of them.
//
// 10,000 questions with the other tests; as many as are wanted by
//   FANFARE_UPSTREAM_ANSWERS=1000000 build/dev/tests/server/test_server
//   --gtest_filter='AnswerFuzz.*'
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/server/small_broker.h"
#include "tests/sim/response_reader.h"

#include "common/letters.h"
#include "common/random.h"

namespace fanfare::server {
namespace {

using testing::Application;
using testing::Peer;
using testing::route_rule;
using testing::SmallBroker;
using Texts = std::vector<std::string_view>;

constexpr std::size_t kBodyMax = 1'000;
constexpr Duration kTime = 1s;
// So many questions to one broker, and so many of them at a time.
constexpr std::uint64_t kLife = 2'000;
constexpr std::size_t kAtATime = 8;

std::uint64_t questions_wanted() {
  const char* const wanted = std::getenv("FANFARE_UPSTREAM_ANSWERS");
  return wanted == nullptr ? 10'000 : std::strtoull(wanted, nullptr, 10);
}

// ---- What is random.

std::string_view any(Random& random, const Texts& of) {
  return of[random.below(of.size())];
}

std::string any_body(Random& random) {
  static const Texts kParts = {"hello",         "\r\n",       "0\r\n\r\n", "5\r\n",
                               "HTTP/1.1 200 ", "\x00\xff\n", "data: x\n"};
  std::string body;
  for (std::uint64_t i = random.below(6); i > 0; --i) body += any(random, kParts);
  if (random.chance(0.02)) body += std::string(random.below(3 * kBodyMax), 'b');
  return body;
}

std::string chunked(std::string_view body, Random& random) {
  std::string text;
  while (!body.empty()) {
    const std::string_view chunk = body.substr(0, 1 + random.below(body.size()));
    body.remove_prefix(chunk.size());
    text += fmt::format("{:x}{}\r\n{}\r\n", chunk.size(), random.chance(0.1) ? ";a=b" : "", chunk);
  }
  return text + (random.chance(0.1) ? "0\r\nX-Trailer: 1\r\n\r\n" : "0\r\n\r\n");
}

// What follows the fields: the length in every form, the right one and others, and the body.
std::string any_framing(Random& random) {
  const std::string body = any_body(random);
  switch (random.below(16)) {
    case 0:
      return "\r\n" + body;  // until the end
    case 1:
      return fmt::format("Content-Length: {}\r\n\r\n{}", body.size() + random.below(4), body);
    case 2:
      return fmt::format("Content-Length: {}\r\n\r\n{}", random.below(body.size() + 1), body);
    case 3:
      return fmt::format(
          "Content-Length: {}\r\n\r\n{}",
          any(random, {"-1", "0x5", "99999999999999999999", "5, 5", "5, 6", "", "1e3"}), body);
    case 4:
      return fmt::format("Transfer-Encoding: {}\r\n\r\n{}",
                         any(random, {"gzip", "chunked, chunked", "gzip, chunked", "", "CHUNKED"}),
                         chunked(body, random));
    case 5:
      return fmt::format("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n{}", body.size(),
                         chunked(body, random));
    case 6:
    case 7:
    case 8:
      return "Transfer-Encoding: chunked\r\n\r\n" + chunked(body, random);
    default:
      return fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
  }
}

std::string any_fields(Random& random) {
  static const Texts kNames = {"Connection", "Keep-Alive", "Set-Cookie",    "Content-Type",
                               "Date",       "Vary",       "Fanfare-Other", "X-Odd",
                               "Upgrade",    "Server",     "Location",      "Content-Encoding"};
  static const Texts kValues = {"close", "keep-alive", "timeout=0",  "timeout=9, max=1",
                                "a=b",   "",           "text/plain", "x, y",
                                "\"q\"", "Accept",     "gzip",       "/"};
  std::string text;
  std::size_t name = random.below(kNames.size());
  for (std::uint64_t i = random.below(4); i > 0 && name < kNames.size(); --i) {
    text += fmt::format("{}: {}\r\n", kNames[name], any(random, kValues));
    name += 1 + random.below(kNames.size() / 2);
  }
  return text;
}

std::string any_admission(Random& random) {
  static const Texts kLists = {"a",  "a",   "a, b", "a, b/*", "**",  "",
                               "~x", "a b", "a,,b", ",",      "../x"};
  std::string text = fmt::format("Fanfare-Channels: {}\r\n", any(random, kLists));
  if (random.chance(0.02)) text += fmt::format("Fanfare-Channels: {}\r\n", std::string(5'000, 'c'));
  const auto add = [&](std::string_view name, const Texts& values) {
    if (random.chance(0.1)) text += fmt::format("Fanfare-{}: {}\r\n", name, any(random, values));
  };
  add("Replay", {"1", "0", "-1", "all", "99999999999"});
  add("Heartbeat", {"1s", "0s", "5m", "soon"});
  add("Expires", {"1ms", "1s", "0s", "-1s", "1h", "Thu, 01 Jan 1970 00:00:00 GMT"});
  add("Finish-After", {"1ms", "1s", "0s", "x"});
  return text;
}

std::string any_answer(Random& random) {
  static const Texts kStatuses = {"200 OK",        "200",        "201 Created",  "204 No Content",
                                  "206 Partial",   "302 Found",  "304 Same",     "403 Forbidden",
                                  "404 Not Found", "500 Oops",   "599 ?",        "600 What",
                                  "000 Zero",      "99 Too few", "2000 Too many"};
  std::string text;
  while (random.chance(0.05))
    text += any(random, {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n",
                         "HTTP/1.1 101 Other\r\nUpgrade: x\r\n\r\n", "\r\n"});
  const bool admits = random.chance(0.5);
  text += fmt::format("HTTP/1.{} {}\r\n", random.chance(0.9) ? 1 : 0,
                      admits && random.chance(0.8) ? "200 OK" : any(random, kStatuses));
  text += any_fields(random);
  if (admits) text += any_admission(random);
  if (random.chance(0.01))
    for (int i = 0; i < 200; ++i) text += fmt::format("X-{}: {}\r\n", i, i);
  if (random.chance(0.005)) text += fmt::format("X-Long: {}\r\n", std::string(20'000, 'x'));
  return text + any_framing(random);
}

std::string noise(Random& random) {
  std::string bytes;
  for (std::uint64_t i = 1 + random.below(100); i > 0; --i)
    bytes += random.chance(0.1) ? '\n' : static_cast<char>(random.below(256));
  return bytes;
}

// As a proxy with a fault, or a program of another protocol, might have it.
void damage(std::string& text, Random& random) {
  const std::size_t at = random.below(text.size());
  switch (random.below(6)) {
    case 0:
      text[at] = static_cast<char>(random.below(256));
      break;
    case 1:
      text.resize(at);
      break;
    case 2:
      text.erase(at, 1 + random.below(10));
      break;
    case 3:
      text.insert(at, noise(random));
      break;
    case 4:
      text += any_answer(random);
      break;
    default:
      text.insert(at, text.substr(random.below(text.size()), random.below(50)));
  }
}

bool mentions(std::string_view text, std::string_view name) {
  const auto same = [](char a, char b) { return lower(a) == lower(b); };
  return !std::ranges::search(text, name, same).empty();
}

// ---- One broker, its application and its clients.

class Storm {
 public:
  explicit Storm(std::uint64_t seed) : random_(seed), broker_(options()) {}

  // Many questions; then all leave, and nothing is left.
  void rage(std::uint64_t questions);
  const Counters& counters() const { return broker_.counters(); }

 private:
  struct Client {
    Peer* peer = nullptr;
    bool head = false;
    bool resumes = false;
    bool may_stream = false;  // something that was said to its connection names channels
    bool left = false;
    std::string heard{};
  };
  struct Line {
    std::size_t connection = 0;
    std::string before{};  // the last but one
    std::string said{};    // the last answer
    bool over = false;
  };

  static Options options() {
    Options options;
    options.limits.upstream_time = kTime;
    options.limits.upstream_connections = 3;
    options.limits.upstream_answer_bytes = kBodyMax;
    RouteRule& route = route_rule(options, "/ask");
    route.upstream = "unix:/app.sock";
    route.ask = Ask::newcomers;
    route_rule(options, "/always").upstream = "http://127.0.0.1:3000";
    return options;
  }
  void a_few();
  void come(std::size_t number);
  void answer_all();
  void answer(Line& line, std::string_view request);
  bool everybody_heard();
  void judge(const Client& client);
  void expect_well();

  Random random_;
  SmallBroker broker_;
  Application& app_ = broker_.application();
  std::array<Client, kAtATime> clients_;
  std::vector<Line> lines_;
  std::size_t taken_ = 0;  // connections of the application
};

void Storm::come(std::size_t number) {
  Client& client = clients_[number];
  const bool post = random_.chance(0.3);
  client = {.peer = &broker_.subscriber(), .head = !post && random_.chance(0.1)};
  client.resumes = random_.chance(0.3);
  const std::string body(post ? random_.below(200) : 0, 'q');
  client.peer->say(fmt::format("{} /{} HTTP/1.1\r\nHost: x\r\nX-Client: {}\r\n{}{}{}\r\n{}",
                               post          ? "POST"
                               : client.head ? "HEAD"
                                             : "GET",
                               random_.chance(0.5) ? "ask" : "always", number,
                               random_.chance(0.5) ? "Accept: text/event-stream\r\n" : "",
                               client.resumes ? "Last-Event-ID: ep0ch00-0\r\n" : "",
                               post ? fmt::format("Content-Length: {}\r\n", body.size()) : "",
                               body));
}

void Storm::answer_all() {
  for (; taken_ < app_.connections(); ++taken_) lines_.push_back({.connection = taken_});
  for (Line& line : lines_) {
    line.over |= app_.ended(line.connection);
    const std::string request = line.over ? "" : app_.take(line.connection);
    if (!request.empty()) answer(line, request);
  }
  std::erase_if(lines_, [](const Line& line) { return line.over; });
}

// At once or in pieces, and then perhaps the end of the connection.
void Storm::answer(Line& line, std::string_view request) {
  if (random_.chance(0.005)) return;  // never
  std::string text = random_.chance(0.03) ? noise(random_) : any_answer(random_);
  for (std::uint64_t i = random_.chance(0.3) ? 1 + random_.below(3) : 0; i > 0 && !text.empty();
       --i)
    damage(text, random_);
  line.before = std::exchange(line.said, text);
  constexpr std::string_view kClient = "X-Client: ";
  const std::size_t at = request.find(kClient);
  ASSERT_NE(at, std::string_view::npos) << request;
  Client& client = clients_[static_cast<std::size_t>(request[at + kClient.size()] - '0')];
  // What is left of an answer that was too long answers the next question, if it comes that late.
  client.may_stream |= mentions(line.before + line.said, "fanfare-channels");
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t piece = random_.chance(0.7) ? rest.size() : 1 + random_.below(rest.size());
    app_.blurt(line.connection, rest.substr(0, piece));
    rest.remove_prefix(piece);
    if (!rest.empty()) broker_.pass(2ms);
  }
  const bool needs_end = mentions(text, "\r\n\r\n") && !mentions(text, "content-length") &&
                         !mentions(text, "transfer-encoding");
  if (random_.chance(needs_end ? 0.95 : 0.15)) {
    line.over = true;
    random_.chance(0.8) ? app_.hang_up(line.connection) : app_.reset(line.connection);
  }
}

bool Storm::everybody_heard() {
  for (Client& client : clients_) client.heard += client.peer->take();
  return std::ranges::all_of(clients_, [](const Client& client) {
    return client.left || mentions(client.heard, "\r\n\r\n");
  });
}

void Storm::a_few() {
  for (std::size_t i = 0; i < clients_.size(); ++i) come(i);
  constexpr int kRounds = 30;
  for (int round = 0; round < kRounds; ++round) {
    broker_.pass(3ms);
    answer_all();
    if (random_.chance(0.02)) {
      Client& leaves = clients_[random_.below(clients_.size())];
      if (!std::exchange(leaves.left, true)) leaves.peer->hang_up();
    }
    if (everybody_heard()) break;
    // What hangs is given up in the end; meanwhile nobody else is asked about.
    if (round > kRounds / 2) broker_.pass(kTime / 3);
  }
  broker_.pass(3ms);
  everybody_heard();
  for (Client& client : clients_) {
    if (!client.left) judge(client);
    if (!client.left) client.peer->hang_up();
  }
}

// A clear answer: one of the application's own, one of the broker's, or a stream.
void Storm::judge(const Client& client) {
  sim::ResponseReader response;
  response.expect(client.head);
  std::string body;
  response.feed(client.heard, body);
  ASSERT_TRUE(mentions(client.heard, "\r\n\r\n")) << "it waits for ever: " << client.heard;
  // What an application has said twice is passed on twice.
  if (response.problem().starts_with("the field ")) return;
  EXPECT_EQ(response.problem(), "") << client.heard;
  const bool streams = response.status() == 200 &&
                       response.field("content-type") == "text/event-stream; charset=utf-8";
  if (!streams) {
    EXPECT_TRUE(response.complete()) << client.heard;
    return;
  }
  const bool comes_back = client.head || mentions(body, "come back later");
  EXPECT_TRUE(comes_back || client.may_stream || client.resumes) << client.heard;
}

// All of its places are free again: as many as there are connections are let in at once.
void Storm::expect_well() {
  broker_.pass(2 * kTime);  // what was given up last
  for (std::size_t i = 0; i < 6; ++i) {
    Peer& peer = broker_.subscriber();
    peer.say(fmt::format("GET /{} HTTP/1.1\r\nHost: x\r\nX-Last: {}\r\n\r\n",
                         i % 2 == 0 ? "ask" : "always", i));
    clients_[i] = {.peer = &peer};
  }
  for (int round = 0; round < 200 && broker_.counters().subscribers < 6; ++round) {
    broker_.pass(3ms);
    for (; taken_ < app_.connections(); ++taken_) lines_.push_back({.connection = taken_});
    for (const Line& line : lines_) {
      if (!app_.ended(line.connection) && !app_.take(line.connection).empty())
        app_.blurt(line.connection,
                   "HTTP/1.1 200 OK\r\nFanfare-Channels: a\r\nContent-Length: 0\r\n\r\n");
    }
  }
  broker_.publish("a", "for all");
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_THAT(clients_[i].peer->take(), ::testing::HasSubstr("data: for all\n"));
    clients_[i].peer->hang_up();
  }
}

void Storm::rage(std::uint64_t questions) {
  for (std::uint64_t i = 0; i < questions && !::testing::Test::HasFailure(); i += kAtATime) a_few();
  expect_well();
  app_.stop();
  const Counters counters = broker_.reported();
  EXPECT_EQ(counters.upstream_connections_open, 0U);
  EXPECT_EQ(counters.upstream_waiting, 0U);
  EXPECT_EQ(counters.subscribers, 0U);
  EXPECT_EQ(counters.connections_open, 0U);
  EXPECT_EQ(counters.queries_bytes, 0U);
  EXPECT_EQ(counters.patterns, 0U);
}

TEST(AnswerFuzz, EveryClientIsAnsweredAndNothingIsLeftBehind) {
  const std::uint64_t wanted = questions_wanted();
  Counters sum;
  for (std::uint64_t done = 0; done < wanted && !::testing::Test::HasFailure(); done += kLife) {
    SCOPED_TRACE(fmt::format("seed {}", done / kLife));
    Storm storm(done / kLife);
    storm.rage(std::min(kLife, wanted - done));
#define X(name, type, help) sum.name += storm.counters().name;
    FANFARE_COUNTERS(X)
#undef X
  }
  for (const std::uint64_t reached :
       {sum.upstream_attached_total, sum.upstream_passed_total, sum.upstream_down_total,
        sum.upstream_cut_total, sum.upstream_nonsense_total, sum.upstream_too_large_total,
        sum.upstream_slow_total, sum.upstream_retries_total, sum.upstream_resumed_total,
        sum.upstream_abandoned_total})
    EXPECT_GT(reached, 0U) << "the answers are too much alike";
}

}  // namespace
}  // namespace fanfare::server
