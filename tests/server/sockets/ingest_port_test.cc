// Publishers' connections: how they begin, are answered, are slowed, and end.
#include "broker/server/sockets/ingest_port.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using testing::events_of;
using ::testing::HasSubstr;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

TEST(IngestPort, QuitIsAnOrdinaryEnd) {
  SmallBroker broker;
  Peer& peer = broker.publisher();
  peer.say("PUBLISH a 1\r\nQUIT\r\nPUBLISH a 2\r\n");
  broker.pass();
  EXPECT_EQ(peer.take(), ":0\r\n+OK\r\n") << "what follows QUIT is not looked at";
  EXPECT_TRUE(peer.ended());
  peer.hang_up();
  EXPECT_EQ(broker.closes(CloseReason::peer_closed), 1U);
  EXPECT_EQ(broker.closes(CloseReason::ingest_protocol), 0U);
  EXPECT_EQ(broker.counters().ingest_connections_open, 0U);
}

// Pools of libraries tell their connections apart by it, also in logs of hours ago.
TEST(IngestPort, NumbersRedisConnectionsOnceForTheLifeOfTheBroker) {
  SmallBroker broker;
  std::vector<std::string> ids;
  for (int round = 0; round < 3; ++round) {
    Peer& peer = broker.publisher();
    peer.say("CLIENT ID\r\n");
    broker.pass();
    ids.push_back(peer.take());
    peer.say("HELLO 2\r\nCLIENT INFO\r\n");
    broker.pass();
    const std::string text = peer.take();
    EXPECT_THAT(text, AllOf(HasSubstr("$2\r\nid\r\n" + ids.back()),
                            HasSubstr(fmt::format("id={} ", round + 1))));
    peer.hang_up();
    broker.pass();
  }
  EXPECT_THAT(ids, ::testing::ElementsAre(":1\r\n", ":2\r\n", ":3\r\n"));
}

TEST(IngestPort, BrokenFramingEndsTheConnectionWithItsReason) {
  SmallBroker broker;
  Peer& peer = broker.publisher();
  peer.say("*1\r\n$4\r\nPING\r\n*1\r\n:4\r\n");
  broker.pass();
  EXPECT_THAT(peer.take(), StartsWith("+PONG\r\n-ERR "));
  EXPECT_TRUE(peer.ended());
  peer.hang_up();
  EXPECT_EQ(broker.closes(CloseReason::ingest_protocol), 1U);
}

TEST(IngestPort, NamesTheDialectsToAPublisherThatSpeaksNone) {
  SmallBroker broker;
  Peer& peer = broker.publisher();
  peer.say("\x16\x03\x01\x02 TLS perhaps");
  broker.pass();
  EXPECT_THAT(peer.take(), HasSubstr("RESP"));
  EXPECT_TRUE(peer.ended());
  peer.hang_up();
  EXPECT_EQ(broker.closes(CloseReason::ingest_protocol), 1U);
  EXPECT_EQ(broker.counters().ingest_errors_total, 1U);
}

TEST(IngestPort, KnowsADialectWhoseFirstWordComesByteByByte) {
  SmallBroker broker;
  for (const std::string_view words :
       {"*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$1\r\n1\r\n", "publish a 1\r\n",
        "{\"channel\":\"a\",\"data\":\"1\"}\n",
        "POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1"}) {
    const std::uint64_t before = broker.counters().ingest_events_total;
    Peer& peer = broker.publisher();
    for (const char byte : words) {
      peer.say({&byte, 1});
      broker.pass(5ms);
    }
    EXPECT_EQ(broker.counters().ingest_events_total, before + 1) << words;
    EXPECT_NE(peer.take(), "") << words;
    peer.hang_up();
  }
}

TEST(IngestPort, CountsHttpPublishesApartFromSubscribersRequests) {
  SmallBroker broker;
  Peer& peer = broker.publisher();
  peer.say("POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
  broker.pass();
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(broker.counters().ingest_requests_total, 1U);
  EXPECT_EQ(broker.counters().requests_total, 0U);
}

TEST(IngestPort, ATransactionIsContiguousInTheLogWhileOthersPublish) {
  SmallBroker broker;
  Peer& reader = broker.get("/events?channel=a");
  Peer& one = broker.publisher();
  Peer& other = broker.publisher();
  one.say("MULTI\r\nPUBLISH a 1\r\n");
  broker.pass();
  other.say("PUBLISH a between\r\n");
  broker.pass();
  one.say("PUBLISH a 2\r\n");
  broker.pass();
  EXPECT_EQ(one.take(), "+OK\r\n+QUEUED\r\n+QUEUED\r\n");
  one.say("EXEC\r\n");
  broker.pass();
  EXPECT_EQ(one.take(), "*2\r\n:1\r\n:1\r\n");
  EXPECT_EQ(events_of(reader.take()),
            "data: between\nid: ep0ch00-1\n\ndata: 1\nid: ep0ch00-2\n\ndata: 2\nid: ep0ch00-3\n\n");
  EXPECT_EQ(broker.counters().ingest_transactions_total, 1U);
}

TEST(IngestPort, AConnectionThatIsCutInsideMultiHasPublishedNothing) {
  for (const bool politely : {true, false}) {
    SmallBroker broker;
    Peer& peer = broker.publisher();
    peer.say("MULTI\r\nPUBLISH a 1\r\nXADD a * data 2\r\nDEL b\r\nEXE");
    broker.pass();
    politely ? peer.shut_down() : peer.hang_up();
    broker.pass();
    EXPECT_EQ(broker.counters().ingest_events_total, 0U);
    EXPECT_EQ(broker.command("XLEN a\r\n"), ":0\r\n");
    if (politely) peer.hang_up();
  }
}

TEST(IngestPort, ATransactionIsRefusedWholeWhenItsChannelWasFinishedMeanwhile) {
  SmallBroker broker;
  Peer& peer = broker.publisher();
  peer.say("MULTI\r\nPUBLISH a 1\r\nPUBLISH b 2\r\n");
  broker.pass();
  EXPECT_EQ(broker.command("SSE.FINISH b\r\n"), "+OK\r\n");
  peer.say("EXEC\r\n");
  broker.pass();
  EXPECT_EQ(peer.take(),
            "+OK\r\n+QUEUED\r\n+QUEUED\r\n-EXECABORT Transaction discarded because command 2 "
            "(PUBLISH) would be refused: channel b was finished; delete it to publish to it again; "
            "nothing was published\r\n");
  EXPECT_EQ(broker.counters().ingest_events_total, 0U);
  EXPECT_EQ(broker.counters().ingest_transactions_refused_total, 1U);
  EXPECT_EQ(broker.counters().ingest_errors_total, 1U);
  peer.say("MULTI\r\nDEL b\r\nPUBLISH a 1\r\nPUBLISH b 2\r\nEXEC\r\n");
  broker.pass();
  EXPECT_EQ(peer.take(), "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n:1\r\n:0\r\n:0\r\n");
}

TEST(IngestPort, ATransactionNeedsRoomForAllItsChannels) {
  Options options;
  options.limits.channels = 2;
  SmallBroker broker(options);
  EXPECT_THAT(broker.command("MULTI\r\nPUBLISH a 1\r\nPUBLISH b 1\r\nPUBLISH c 1\r\nEXEC\r\n"),
              HasSubstr("-EXECABORT Transaction discarded because command 3 (PUBLISH) would be "
                        "refused: the broker has as many channels as [limits] channels allows"));
  EXPECT_EQ(broker.counters().ingest_events_total, 0U);
  EXPECT_THAT(broker.command("MULTI\r\nPUBLISH a 1\r\nPUBLISH b 1\r\nEXEC\r\n"),
              HasSubstr("*2\r\n:0\r\n:0\r\n"));
}

TEST(IngestPort, BoundsWhatWaitsForExec) {
  Options options;
  options.limits.event_bytes = 1000;
  options.limits.ingest_batch_bytes = 4000;
  SmallBroker broker(options);
  const std::string command = "PUBLISH a " + std::string(1000, 'x') + "\r\n";
  EXPECT_THAT(broker.command("MULTI\r\n" + command + command + command + command + "EXEC\r\n"),
              HasSubstr("-ERR the transaction is too large: the limit is 4000 bytes"));
  EXPECT_EQ(broker.counters().ingest_queue_full_total, 1U);
  EXPECT_EQ(broker.counters().ingest_events_total, 0U);
  EXPECT_THAT(broker.command("MULTI\r\n" + command + command + command + "EXEC\r\n"),
              HasSubstr("*3\r\n"));
}

TEST(IngestPort, AnswersEverythingThatCameBeforeThePeersEnd) {
  SmallBroker broker;
  Peer& peer = broker.publisher();
  peer.say("{\"channel\":\"a\",\"data\":\"1\"}\n{\"channel\":\"a\",\"data\":\"2\"}");
  peer.shut_down();
  broker.pass();
  const std::string replies = peer.take();
  EXPECT_THAT(replies, HasSubstr("ep0ch00-1"));
  EXPECT_THAT(replies, HasSubstr("ep0ch00-2")) << "the last line lacks its line feed";
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(broker.closes(CloseReason::peer_closed), 1U);
}

TEST(IngestPort, DoesNotReadFromAPublisherThatDoesNotReadItsAcks) {
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  SmallBroker broker({}, nullptr, faults);
  Peer& peer = broker.publisher();
  peer.stop_reading();
  // Each command is 9 bytes and its reply 1007.
  const std::string echo = fmt::format("ECHO {}\r\n", std::string(1000, 'x'));
  std::size_t said = 0;
  for (int i = 0; i < 100; ++i) {
    peer.say_what_fits(echo, said);
    broker.pass();
  }
  EXPECT_LT(said, 40'000U) << "what lies in both sockets, a buffer, and the replies to one read";
  peer.read_on();
  std::string replies;
  for (int i = 0; i < 100; ++i) {
    broker.pass();
    replies += peer.take();
  }
  const std::size_t whole = said / echo.size();
  EXPECT_EQ(replies.size(), whole * 1009) << "every reply came in the end";
}

TEST(IngestPort, ReadsNoPublisherWhileTheShardsAreBehindTheLog) {
  Options options;
  options.limits.ingest_pending_bytes = 1000;
  options.delivery.coalesce = 5s;  // so that a feed stays owed what was published
  SmallBroker broker(options);
  Peer& reader = broker.get("/events?channel=a");
  broker.publish("a", "first");
  broker.pass();
  Peer& peer = broker.publisher();
  peer.say("PUBLISH a " + std::string(2000, 'x') + "\r\n");
  broker.pass();
  peer.say("PUBLISH a second\r\n");  // its read was armed before the log had grown
  broker.pass();
  EXPECT_EQ(peer.take(), ":1\r\n:1\r\n");
  peer.say("PUBLISH a third\r\n");
  broker.pass(100ms);
  EXPECT_EQ(peer.take(), "") << "its bytes wait in the socket";
  EXPECT_EQ(broker.counters().ingest_paused_total, 1U);
  EXPECT_EQ(broker.counters().ingest_events_total, 3U);
  broker.pass(10s);
  EXPECT_EQ(peer.take(), ":1\r\n");
  EXPECT_THAT(events_of(reader.take()), HasSubstr("data: third\n"));
}

TEST(IngestPort, AStreamIsOneReceiverHoweverManyOfItsTopicsMatch) {
  SmallBroker broker;
  broker.get("/events?channel=**&channel=a/1&channel=a/*");
  broker.get("/events?channel=a/*&channel=*/1");
  broker.get("/events?channel=a/1&channel=b");
  EXPECT_EQ(broker.command("PUBLISH a/1 x"), ":3\r\n");
  EXPECT_EQ(broker.command("PUBLISH a/2 x"), ":2\r\n");
  EXPECT_EQ(broker.command("PUBLISH b x"), ":2\r\n");
  EXPECT_EQ(broker.command("PUBSUB NUMSUB a/1 a/2 b"),
            "*6\r\n$3\r\na/1\r\n:2\r\n$3\r\na/2\r\n:0\r\n$1\r\nb\r\n:1\r\n")
      << "by exactly this name, as in Redis";
  EXPECT_EQ(broker.command("PUBSUB NUMPAT"), ":3\r\n") << "different patterns, as in Redis";
  Peer& peer = broker.publisher();
  peer.say("POST /publish/a/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
  broker.pass();
  EXPECT_THAT(peer.take(), HasSubstr(R"("receivers":3})"));
  Peer& asker = broker.publisher();
  asker.say("{\"op\":\"info\",\"channel\":\"a/1\"}\n");
  broker.pass();
  EXPECT_THAT(asker.take(), HasSubstr(R"("receivers":3,)"));
}

TEST(IngestPort, ListsChannelsThatHaveSubscribersOnly) {
  SmallBroker broker;
  broker.publish("room/1", "kept");
  broker.get("/events?channel=room/1&channel=room/2");
  broker.get("/events?channel=room/2&channel=hall/*");
  EXPECT_EQ(broker.command("PUBSUB CHANNELS room*"), "*2\r\n$6\r\nroom/1\r\n$6\r\nroom/2\r\n");
  const auto ask = [&](std::string_view target) {
    Peer& peer = broker.publisher();
    peer.say(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", target));
    broker.pass();
    return peer.take();
  };
  EXPECT_THAT(ask("/channels/room/2"),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr(R"("events":0,)"),
                    HasSubstr(R"("receivers":2,)")));
  EXPECT_THAT(ask("/channels?match=room/*"), HasSubstr(R"("channel":"room/2","events":0,)"));
  EXPECT_THAT(ask("/channels/hall/3"), HasSubstr(R"("receivers":1,)")) << "by its pattern";
  EXPECT_THAT(ask("/channels/nobody"), StartsWith("HTTP/1.1 404"));
  Peer& lines = broker.publisher();
  lines.say("{\"op\":\"info\",\"channel\":\"room/2\"}\n");
  broker.pass();
  EXPECT_THAT(lines.take(), HasSubstr(R"({"ok":true,"channel":"room/2","events":0,)"));
  EXPECT_EQ(broker.command("XADD room/2 NOMKSTREAM * data x"), "$-1\r\n")
      << "nothing was published there";
  EXPECT_EQ(broker.command("XLEN room/2"), ":0\r\n");
}

// ---- promises to publishers

// The sequences of the ids that replies among these bytes carry.
std::vector<std::uint64_t> acknowledged(std::string_view bytes) {
  std::vector<std::uint64_t> sequences;
  const std::string epoch = fmt::format("{}-", SmallBroker::kEpoch);
  for (std::size_t at = 0; (at = bytes.find(epoch, at)) != bytes.npos;) {
    at += epoch.size();
    std::from_chars(bytes.data() + at, bytes.data() + bytes.size(), sequences.emplace_back());
  }
  return sequences;
}

// At the moment when its bytes are given to the kernel; when they arrive, it can no longer be seen.
TEST(IngestPort, NoAckLeavesBeforeItsEventIsSealed) {
  SmallBroker broker;
  std::uint64_t ids = 0, numbers = 0;
  broker.watch_sends([&](std::string_view bytes) {
    for (const std::uint64_t sequence : acknowledged(bytes)) {
      ++ids;
      EXPECT_LE(sequence, broker.sealed()) << bytes;
    }
    if (!bytes.starts_with(':')) return;  // PUBLISH, whose acks carry no id
    numbers += static_cast<std::uint64_t>(std::ranges::count(bytes, ':'));
    EXPECT_LE(7 + numbers, broker.sealed());
  });
  Peer& http = broker.publisher();
  std::string pipelined;
  for (int i = 0; i < 3; ++i)  // answered one after another, in one turn
    pipelined += "POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1";
  http.say(pipelined);
  broker.pass();
  Peer& lines = broker.publisher();
  lines.say("{\"channel\":\"a\",\"data\":\"4\"}\n{\"channel\":[\"a\",\"b\"],\"data\":\"5\"}\n");
  broker.pass();
  Peer& redis = broker.publisher();
  redis.say("XADD a * data 7\r\n");
  broker.pass();
  Peer& publish = broker.publisher();
  publish.say("PUBLISH a 8\r\nPUBLISH a 9\r\n");
  broker.pass();
  EXPECT_EQ(ids, 7U + 3U) << "over HTTP, in the body and as the position";
  EXPECT_EQ(numbers, 2U);
  EXPECT_EQ(broker.sealed(), 9U);
}

struct Asked {
  std::string_view request, answer;
};
constexpr std::array<Asked, 4> kPublishes{{
    {"PUBLISH a 1\r\n", ":0\r\n"},
    {"XADD a * data 1\r\n", "$9\r\nep0ch00-1\r\n"},
    {"{\"channel\":\"a\",\"data\":\"1\"}\n", "{\"ok\":true,\"id\":\"ep0ch00-1\"}\n"},
    {"POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1",
     "{\"id\":\"ep0ch00-1\",\"receivers\":0}\n"},
}};

// The order to stop comes in the very turn that publishes: the ack is written, and not yet sent.
TEST(IngestPort, AnswersWhatItReadInTheTurnInWhichItStops) {
  for (const auto& [request, answer] : kPublishes) {
    SmallBroker broker;
    Peer& peer = broker.publisher();
    broker.pass();
    peer.say(request);
    broker.pass_without_turns(20ms);
    broker.drain();
    EXPECT_EQ(broker.counters().ingest_events_total, 1U) << request;
    EXPECT_THAT(peer.take(), HasSubstr(answer));
    peer.hang_up();
    broker.pass(500ms);  // for handshakes under way, too
    EXPECT_TRUE(broker.finished()) << request;
  }
}

// Whenever it comes: as many acks as events.
TEST(IngestPort, AtWhateverMomentItStopsAsManyAreAnsweredAsWereTaken) {
  constexpr Duration kStep(100'000);  // 0.1 ms
  for (const auto& [request, answer] : kPublishes) {
    for (Duration moment{}; moment < 4ms; moment += kStep) {
      SmallBroker broker;
      Peer& peer = broker.publisher();
      broker.pass();
      peer.say(request);
      broker.pass(moment);
      broker.drain();
      const bool answered = peer.take().find(answer) != std::string::npos;
      EXPECT_EQ(broker.counters().ingest_events_total, answered ? 1U : 0U)
          << request << " after " << moment / kStep << " steps";
    }
  }
}

TEST(IngestPort, WhileItStopsNothingIsTakenInAnyDialect) {
  SmallBroker broker;
  broker.get("/events?channel=a");  // somebody has to be there for it to take its time
  broker.publish("a", "1");
  Peer& half = broker.publisher();
  half.say("POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nh");
  Peer& redis = broker.publisher();
  Peer& lines = broker.publisher();
  broker.pass();
  broker.drain();
  half.say("i");
  redis.say("XADD a * data 3\r\nSSE.FINISH a\r\nDEL a\r\n");
  lines.say(
      "{\"channel\":[\"a\",\"b\"],\"data\":\"4\"}\n{\"op\":\"finish\",\"channel\":\"a\"}\n"
      "{\"op\":\"delete\",\"channel\":\"a\"}\n");
  Peer& finish = broker.publisher();
  finish.say("POST /finish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  Peer& erase = broker.publisher();
  erase.say("DELETE /channels/a HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass();
  constexpr std::string_view kEnd = " again when it is back";
  const auto sentence = [&](std::string_view what) {
    return fmt::format("the broker is stopping; {}{}", what, kEnd);
  };
  EXPECT_EQ(redis.take(), fmt::format("-UNAVAILABLE {}\r\n-UNAVAILABLE {}\r\n-UNAVAILABLE {}\r\n",
                                      sentence("publish"), sentence("finish the channel"),
                                      sentence("delete the channel")));
  const std::string replies = lines.take();
  EXPECT_EQ(std::ranges::count(replies, '\n'), 3);
  const std::array<std::pair<std::string, std::string_view>, 6> kAnswers{
      {{half.take(), "publish"},
       {finish.take(), "finish the channel"},
       {erase.take(), "delete the channel"},
       {replies, "publish"},
       {replies, "finish the channel"},
       {replies, "delete the channel"}}};
  for (std::size_t i = 0; i < kAnswers.size(); ++i) {
    EXPECT_THAT(kAnswers[i].first, HasSubstr(sentence(kAnswers[i].second)));
    if (i < 3) {
      EXPECT_THAT(kAnswers[i].first, StartsWith("HTTP/1.1 503 "));
    }
  }
  EXPECT_EQ(broker.counters().ingest_events_total, 1U);
  EXPECT_EQ(broker.sealed(), 1U);
}

TEST(IngestPort, AByteOrderMarkBeforeAnyDialectIsSkipped) {
  for (const auto& [request, answer] : kPublishes) {
    SmallBroker broker;
    Peer& peer = broker.publisher();
    for (const char byte : "\xef\xbb\xbf" + std::string(request)) {
      peer.say({&byte, 1});
      broker.pass(5ms);
    }
    EXPECT_THAT(peer.take(), HasSubstr(answer));
  }
}

TEST(IngestPort, Utf16IsNamed) {
  SmallBroker broker;
  Peer& peer = broker.publisher();
  peer.say(std::string_view("\xff\xfe{\0", 4));
  broker.pass();
  EXPECT_THAT(peer.take(), HasSubstr("this is UTF-16"));
  EXPECT_TRUE(peer.ended());
}

// It was said to have 65524 bytes, of 65536 that it may have.
TEST(IngestPort, ABodyThatIsCutIsNeverSaidToBeSmallerThanItsLimit) {
  SmallBroker broker;
  Peer& chunked = broker.publisher();
  chunked.say("POST /publish/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfff4\r\n");
  broker.pass();
  for (int i = 0; i < 4; ++i) {
    chunked.say(std::string(16'381, 'a'));
    broker.pass();
  }
  chunked.say("\r\n1000\r\n" + std::string(4096, 'a'));
  broker.pass();
  EXPECT_THAT(chunked.take(), HasSubstr("the body has more than 65536 bytes; the limit is 65536"));
  Peer& sized = broker.publisher();
  sized.say("POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n");
  broker.pass();
  EXPECT_THAT(sized.take(), HasSubstr("the body has 70000 bytes; the limit is 65536"));
  Peer& huge = broker.publisher();
  huge.say("POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 99000000\r\n\r\n");
  broker.pass();
  EXPECT_THAT(huge.take(), HasSubstr("the body has 99000000 bytes; the limit is 65536 for one "
                                     "event ([limits] event_bytes)"));
}

TEST(IngestPort, ARefusedTransferCodingNamesTheOneThatIsAccepted) {
  SmallBroker broker;
  Peer& peer = broker.publisher();
  peer.say(
      "POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
      "Content-Length: 1\r\n\r\n1");
  broker.pass();
  const std::string answer = peer.take();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 415 "));
  EXPECT_THAT(answer, HasSubstr("\r\nAccept-Encoding: identity\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Encoding: gzip"));
}

TEST(IngestPort, WhenTheBrokerStopsRepliesOnTheirWayGoOutFirst) {
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  SmallBroker broker({}, nullptr, faults);
  Peer& idle = broker.publisher();
  Peer& busy = broker.publisher();
  idle.say("PING\r\n");
  busy.stop_reading();
  for (int i = 0; i < 8; ++i) {
    busy.say(fmt::format("ECHO {}\r\n", std::string(1000, 'x')));
    broker.pass();
  }
  broker.drain();
  broker.pass(1s);
  EXPECT_EQ(idle.take(), "+PONG\r\n");
  EXPECT_TRUE(idle.ended());
  EXPECT_FALSE(busy.ended());
  busy.read_on();
  broker.pass(300ms);
  EXPECT_EQ(busy.take().size(), 8U * 1009) << "every command that it had sent is answered";
  EXPECT_TRUE(busy.ended());
  EXPECT_FALSE(busy.reset());
  idle.hang_up();
  busy.hang_up();
  broker.pass(700ms);
  EXPECT_TRUE(broker.finished());
}

}  // namespace
}  // namespace fanfare::server
