// A Routes does not know by which transport it is asked. Here each is asked by one that is made of
// values alone, as a version of HTTP that has frames of its own would ask.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/server/lead/lead.h"
#include "broker/server/requests/admin_routes.h"
#include "broker/server/requests/publish_routes.h"
#include "broker/server/requests/subscriber_routes.h"
#include "broker/server/sockets/routes.h"
#include "broker/wire/http/target.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Asked {
  std::string_view method;
  std::string_view target;
  std::vector<http::Field> fields = {};
  std::string_view body = {};
};

// One exchange at a time. What it would send is a list of frames.
class FrameTransport {
 public:
  FrameTransport(Routes& routes, fanout::Replica& replica) : routes_(routes), replica_(replica) {}

  std::vector<std::string> ask(const Asked& asked) {
    const http::Target target = http::parse_target(asked.target).value();
    http::RequestHead head;
    head.method = http::method_of(asked.method);
    head.method_text = asked.method;
    head.target = asked.target;
    head.path = target.path;
    head.query = target.query;
    head.authority = "localhost";
    head.fields = asked.fields;
    const Request request{.head = head, .body = asked.body, .body_end = BodyEnd::end_of_stream};
    frames_.clear();
    response_.clear();
    const auto allowed = routes_.body_allowed(request, response_);
    if (allowed && asked.body.size() > *allowed) {
      routes_.refuse_body(request, BodyRefusal::too_large, response_);
    } else if (allowed) {
      routes_.answer(request, response_);
    }
    say(head.method == http::Method::head);
    return frames_;
  }
  // How a request is answered that the transport itself cannot take.
  std::vector<std::string> refuse(int status, std::string_view sentence) {
    const http::RequestHead head;
    frames_.clear();
    response_.clear();
    routes_.refuse({.head = head, .body = {}, .body_end = BodyEnd::end_of_stream},
                   {.status = status, .sentence = sentence}, response_);
    say(false);
    return frames_;
  }
  // What has come on the stream that was begun last.
  std::vector<std::string> read_on() {
    frames_.clear();
    fanout::Feed* const feed = replica_.feed(stream_.feed);
    const fanout::Read read = replica_.read(feed, stream_.cursor, 64U << 10U);
    stream_.cursor = read.cursor;
    if (read.span.size > 0) data({read.span.data, read.span.size});
    if (read.caught_up && replica_.complete(feed)) end();
    return frames_;
  }
  void leave() { replica_.release(replica_.feed(stream_.feed)); }

 private:
  void say(bool head_only) {
    std::string headers = "HEADERS " + std::to_string(response_.status);
    for (std::size_t i = 0; i < response_.fields.size(); ++i) {
      const auto [name, value] = response_.fields[i];
      headers.append("\n").append(name).append(": ").append(value);
    }
    frames_.push_back(headers);
    if (head_only) return end();
    switch (response_.kind) {
      case Response::Kind::whole:
        data(response_.text());
        return end();
      case Response::Kind::stream:
        stream_ = std::move(response_.stream);
        return data(stream_.opening);
      case Response::Kind::come_back:
        data(response_.body);
        frames_.emplace_back("RST_STREAM");
        return;
      case Response::Kind::later:
        ADD_FAILURE() << "not one of these";
        return;
    }
  }
  void data(std::string_view bytes) {
    if (!bytes.empty()) frames_.push_back("DATA " + std::string(bytes));
  }
  void end() { frames_.emplace_back("END_STREAM"); }

  Routes& routes_;
  fanout::Replica& replica_;
  Response response_;
  StreamStart stream_;
  std::vector<std::string> frames_;
};

class Pages final : public AdminSurface {
 public:
  AdminAnswer answer(std::string_view path, const Snapshot&) override {
    if (path == "/metrics") return {.content_type = "text/plain", .body = "turns 1\n"};
    return {.content_type = "text/html", .body = {}, .fixed = "<p>", .fixed_gzip = "packed"};
  }
  std::string live_event(const Snapshot&) override { return {}; }
};

class NoApplications final : public Asker {
 public:
  void ask(std::string_view upstream, Question) override { ADD_FAILURE() << upstream; }
  void forget(ExchangeId) override {}
};

// All of a broker that lies behind its transports.
class Transports : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kSubscribersMax = 1;

  static std::shared_ptr<const Options> options() {
    Options options;
    options.cors.origins = {"https://a.example"};
    options.limits.body_bytes = 100;
    return std::make_shared<const Options>(options);
  }
  FrameTransport transport(Routes& routes) { return {routes, replica_}; }
  // The turn ends: what was published is in the log.
  void seal() {
    lead_.seal();
    while (const fanout::BatchPtr batch = lead_.tell()) replica_.apply(*batch);
  }

  const fanout::Epoch epoch_ = *fanout::Epoch::parse("ep0ch00");
  Settings settings_{options()};
  Counters counters_;
  Switchboard switchboard_{1};
  Random random_{1};
  fanout::Replica replica_{{.epoch = epoch_, .members_max = 16}};
  Heartbeats heartbeats_;
  GzipFeeds gzip_{counters_};
  Streams streams_{{replica_, counters_, switchboard_, random_, heartbeats_, gzip_}};
  Seats seats_{switchboard_.streams, kSubscribersMax, kSubscribersMax};
  OpenGate gate_;
  Heads heads_;
  Lead lead_{epoch_, settings_, switchboard_, counters_, gate_, heads_};
  Pages pages_;
  Snapshot snapshot_;
  NoApplications applications_;
  Polls polls_{{settings_, replica_, streams_, seats_, counters_, random_}};
  ClientLimits limits_{{settings_, counters_, switchboard_.addresses, switchboard_.bearers}};
  SubscriberRoutes subscriber_routes_{{settings_, streams_, polls_, seats_, limits_, counters_,
                                       applications_, switchboard_.approvals,
                                       switchboard_.tickets}};
  RollCalls roll_calls_{switchboard_, settings_, counters_};
  PublishRoutes publish_routes_{settings_, lead_, roll_calls_};
  Listings listings_{switchboard_, lead_};
  AdminRoutes admin_routes_{
      settings_, pages_, streams_, listings_, lead_, counters_, [this]() -> const Snapshot& {
        return snapshot_;
      }};
  FrameTransport subscribers_ = transport(subscriber_routes_);
  FrameTransport publishers_ = transport(publish_routes_);
  FrameTransport operators_ = transport(admin_routes_);
};

TEST_F(Transports, CarryAnEventFromItsPublisherToASubscriberWithoutAByteOfHttp11) {
  const auto opened = subscribers_.ask({"GET", "/events?channel=a"});
  ASSERT_EQ(opened.size(), 2U);
  EXPECT_THAT(opened[0], AllOf(StartsWith("HEADERS 200\nContent-Type: text/event-stream"),
                               HasSubstr("\nLast-Event-ID: ep0ch00-0")));
  EXPECT_THAT(opened[1],
              AllOf(StartsWith("DATA retry: "), HasSubstr("\n:\n"), Not(HasSubstr("\r"))))
      << "text, and no chunk";
  const auto published = publishers_.ask({"POST", "/publish/a?event=tick", {}, "hello"});
  EXPECT_THAT(published[0], StartsWith("HEADERS 200\nContent-Type: application/json"));
  EXPECT_THAT(published[1], HasSubstr("ep0ch00-1"));
  seal();
  EXPECT_THAT(subscribers_.read_on(),
              ElementsAre("DATA event: tick\ndata: hello\nid: ep0ch00-1\n\n"));
  publishers_.ask({"POST", "/finish/a"});
  seal();
  EXPECT_THAT(subscribers_.read_on(), ElementsAre("END_STREAM")) << "complete";
  subscribers_.leave();
  seats_.give_back();
  const auto over = subscribers_.ask({"GET", "/events?channel=a&last_event_id=ep0ch00-1"});
  EXPECT_THAT(over, ElementsAre(StartsWith("HEADERS 204\n"), "END_STREAM"));
}

TEST_F(Transports, LeaveWhatOnlyATransportKnowsOutOfEveryAnswer) {
  const std::vector<http::Field> origin = {{"Origin", "https://a.example"}};
  const std::string long_body(101, ' ');
  std::vector<std::vector<std::string>> answers;
  for (const Asked& asked :
       {Asked{"OPTIONS", "/events", origin}, Asked{"GET", "/nowhere", origin},
        Asked{"PUT", "/events", origin}, Asked{"GET", "/events", origin},
        Asked{"HEAD", "/events?channel=a", origin}, Asked{"POST", "/events", origin, long_body}}) {
    answers.push_back(subscribers_.ask(asked));
    EXPECT_THAT(answers.back()[0], HasSubstr("\nAccess-Control-Allow-Origin: https://a.example"));
  }
  answers.push_back(subscribers_.refuse(431, "too long"));
  answers.push_back(publishers_.refuse(400, "malformed"));
  answers.push_back(operators_.refuse(408, "too slow"));
  answers.push_back(publishers_.ask({"PUT", "/channels"}));
  answers.push_back(operators_.ask({"POST", "/metrics"}));
  answers.push_back(operators_.ask({"POST", "/metrics", {}, "x"}));
  std::vector<std::string> statuses;
  for (const std::vector<std::string>& frames : answers) {
    statuses.push_back(frames[0].substr(8, 3));
    EXPECT_EQ(frames.back(), "END_STREAM");
    EXPECT_THAT(frames[0],
                AllOf(Not(HasSubstr("Date:")), Not(HasSubstr("Content-Length:")),
                      Not(HasSubstr("Transfer-Encoding:")), Not(HasSubstr("Connection:"))));
  }
  EXPECT_THAT(statuses, ElementsAre("204", "404", "405", "400", "200", "413", "431", "400", "408",
                                    "405", "405", "413"));
}

TEST_F(Transports, SayComeBackInTheirOwnWay) {
  subscribers_.ask({"GET", "/events?channel=a"});
  FrameTransport surplus = transport(subscriber_routes_);
  EXPECT_THAT(surplus.ask({"GET", "/events?channel=a"}),
              ElementsAre(StartsWith("HEADERS 200\nContent-Type: text/event-stream"),
                          AllOf(StartsWith("DATA retry: "), Not(HasSubstr("\r"))), "RST_STREAM"));
  EXPECT_THAT(surplus.ask({"GET", "/events?channel=a&format=raw"}),
              ElementsAre(StartsWith("HEADERS 200\nContent-Type: text/plain"), "RST_STREAM"))
      << "nothing may be added to the data";
  subscribers_.leave();
}

TEST_F(Transports, ShowTheOperatorsPages) {
  EXPECT_THAT(operators_.ask({"GET", "/metrics"}),
              ElementsAre(StartsWith("HEADERS 200\n"), "DATA turns 1\n", "END_STREAM"));
  EXPECT_THAT(operators_.ask({"HEAD", "/metrics"}),
              ElementsAre(StartsWith("HEADERS 200\n"), "END_STREAM"));
  EXPECT_THAT(operators_.ask({"GET", "/"}), Contains("DATA <p>"));
  EXPECT_THAT(operators_.ask({"GET", "/", {{"Accept-Encoding", "gzip"}}}),
              ElementsAre(HasSubstr("\nContent-Encoding: gzip"), "DATA packed", "END_STREAM"));
  lead_.publish_own(kAdminChannel, "live");
  seal();
  EXPECT_THAT(operators_.ask({"GET", "/events?replay=1"})[0], StartsWith("HEADERS 200\n"));
  EXPECT_THAT(operators_.read_on(), ElementsAre(HasSubstr("data: live\n")));
  operators_.leave();
  EXPECT_EQ(counters_.subscriptions_total, 0U) << "the operator is no subscriber";
}

}  // namespace
}  // namespace fanfare::server
