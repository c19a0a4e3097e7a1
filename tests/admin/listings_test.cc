// The lists of connections and channels as their readers get them.
#include "broker/admin/listings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <memory>
#include <string>
#include <vector>

namespace fanfare::admin {
namespace {

using ::testing::HasSubstr;

server::ConnectionRow row() {
  server::ConnectionRow row;
  row.id = "s7";
  row.socket = "c0.1.2";
  row.address = "192.0.2.1:40000";
  row.protocol = "h2";
  row.age = 1500ms;
  return row;
}

std::string json_of(server::ConnectionListing listing) {
  std::string text = connections_json(listing);
  simdjson::dom::parser parser;
  EXPECT_EQ(parser.parse(text).error(), simdjson::SUCCESS) << text;
  return text;
}

TEST(Listings, SayNothingOfWhatIsNotKnown) {
  server::ConnectionListing listing{.order = {}, .total = 1, .rows = {row()}, .head = 9};
  const std::string text = json_of(listing);
  EXPECT_THAT(text, HasSubstr(R"("id":"s7","connection":"c0.1.2","kind":"subscriber",)"
                              R"("state":"live","address":"192.0.2.1:40000","protocol":"h2",)"
                              R"("tls":false,"age_ms":1500,"subject":null,"user_agent":null,)"
                              R"("query":null,"channels":[],"channels_total":0,"position":null,)"));
  EXPECT_THAT(text, HasSubstr(R"("tcp":null)"));
  EXPECT_THAT(text, HasSubstr(R"("head":9)"));
}

TEST(Listings, HaveTheKernelsFigures) {
  server::ConnectionRow known = row();
  known.tcp = io::TcpFigures{.rtt_us = 1250,
                             .unacked_segments = 2,
                             .retransmits_total = 3,
                             .unacked_bytes = 4,
                             .unsent_bytes = 5,
                             .sent_bytes_total = 6};
  EXPECT_THAT(json_of({.order = {}, .total = 1, .rows = {known}}),
              HasSubstr(R"("tcp":{"rtt_ms":1.25,"unacked_segments":2,"retransmits":3,)"
                        R"("unacked_bytes":4,"unsent_bytes":5,"sent_bytes":6})"));
}

// What a client chose ended the text, or a page's script.
TEST(Listings, CannotBeBrokenByWhatAClientSays) {
  server::ConnectionRow hostile = row();
  hostile.agent = "\"},</script>\x01\xff\\";
  hostile.subject = "\xe4\xb8\xad\"";
  hostile.query = "channel=a&x=%22\"";
  const std::string text = json_of({.order = {}, .total = 1, .rows = {hostile}});
  EXPECT_THAT(text, HasSubstr("\"subject\":\"\xe4\xb8\xad\\\"\""));
  EXPECT_THAT(text, HasSubstr("\"query\":\"channel=a&x=%22\\\"\""));
}

TEST(Listings, NameTheFirstOfManyChannelsAndHowManyThereAre) {
  std::vector<std::string> names;
  for (int i = 100; i < 150; ++i) names.push_back("c" + std::to_string(i));
  server::ConnectionRow many = row();
  many.topics = std::make_shared<const fanout::Topics>(names);
  const std::string text = json_of({.order = {}, .total = 1, .rows = {many}});
  EXPECT_THAT(text, HasSubstr(R"("c119"],"channels_total":50)"));
}

TEST(Listings, SayWhereTheNextPageBegins) {
  const auto next = [](std::uint64_t total, std::uint32_t offset, std::size_t rows,
                       std::uint32_t gone) {
    server::ConnectionListing listing{.order = {.offset = offset}, .total = total, .gone = gone};
    listing.rows.assign(rows, row());
    return json_of(listing);
  };
  EXPECT_THAT(next(250, 100, 100, 0), HasSubstr(R"("offset":100,"next":200)"));
  EXPECT_THAT(next(250, 100, 98, 2), HasSubstr(R"("next":200)")) << "some had ended";
  EXPECT_THAT(next(250, 200, 50, 0), HasSubstr(R"("next":null)"));
  EXPECT_THAT(next(90'000, 9'000, 1'000, 0), HasSubstr(R"("next":null)")) << "filter instead";
  EXPECT_THAT(next(5, 0, 0, 0), HasSubstr(R"("next":null)"));
}

TEST(Listings, HaveAChannelsFigures) {
  server::ChannelListing listing{.order = {}, .total = 2, .epoch = "ep0ch00"};
  listing.rows.push_back({.name = "room/7",
                          .state = {.events = 2,
                                    .bytes = 99,
                                    .published_total = 5,
                                    .first = 3,
                                    .last = 8,
                                    .finished = true},
                          .subscribers = 4,
                          .rate = 1});
  listing.rows.push_back({.name = "new", .state = {}, .rate = {}});
  EXPECT_EQ(channels_json(listing),
            R"({"total":2,"offset":0,"next":null,"channels":[{"name":"room/7","subscribers":4,)"
            R"("events_s":1,"events":2,"bytes":99,"published":5,"first":"ep0ch00-3",)"
            R"("last":"ep0ch00-8","finished":true},{"name":"new","subscribers":0,"events_s":null,)"
            R"("events":0,"bytes":0,"published":0,"first":null,"last":null,"finished":false}]})"
            "\n");
}

}  // namespace
}  // namespace fanfare::admin
