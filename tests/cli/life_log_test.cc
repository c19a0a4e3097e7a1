// The lives of connections as lines.
#include "broker/cli/life_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fanfare::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

client::ListedConnection row(std::string_view id, std::uint64_t age_ms) {
  client::ListedConnection row;
  row.id = id;
  row.address = "192.0.2.7:40000";
  row.protocol = "h2";
  row.channels = {"room/7"};
  row.age_ms = age_ms;
  return row;
}

client::LiveReport report(std::int64_t unix_ms) {
  client::LiveReport report;
  report.unix_ms = unix_ms;
  return report;
}

TEST(LifeLog, TellsOnceOfEachStreamThatCameAfterTheFirstLook) {
  LifeLog log(false);
  EXPECT_EQ(log.lines(report(1'000), {.total = 1, .rows = {row("s1", 10)}}), "")
      << "it was there before";
  const std::string second = log.lines(
      report(2'000), {.total = 3, .rows = {row("s3", 100), row("s2", 500), row("s1", 9)}});
  EXPECT_EQ(second,
            "1970-01-01T00:00:01.500Z opened  s2 192.0.2.7:40000 h2 room/7\n"
            "1970-01-01T00:00:01.900Z opened  s3 192.0.2.7:40000 h2 room/7\n");
  EXPECT_EQ(log.lines(report(3'000), {.total = 2, .rows = {row("s3", 1'100), row("s2", 1'500)}}),
            "");
}

TEST(LifeLog, TellsWhyAConnectionEndedAndHowManyMoreDid) {
  LifeLog log(false);
  log.lines(report(1'000), {});
  client::LiveReport seen = report(2'000);
  seen.closes = {{.unix_ms = 1'800,
                  .reason = "slow_stalled",
                  .peer = "192.0.2.1:4",
                  .topics = "a b",
                  .lived_s = 12.25}};
  seen.closed = {{"slow_stalled", 1}, {"peer_closed", 7}};
  seen.refused_s = 3;
  EXPECT_EQ(log.lines(seen, {}),
            "1970-01-01T00:00:01.800Z closed  slow_stalled 192.0.2.1:4 a b after 12.2 s\n"
            "1970-01-01T00:00:02.000Z closed  peer_closed 7 more\n"
            "1970-01-01T00:00:02.000Z refused 3 requests/s\n");
}

TEST(LifeLog, IsALineOfJsonForEach) {
  LifeLog log(true);
  log.lines(report(1'000), {});
  client::LiveReport seen = report(2'000);
  seen.closes = {{.unix_ms = 2'000, .reason = "dismissed", .peer = "192.0.2.1:4", .topics = "a"}};
  client::ListedConnection hostile = row("s9", 0);
  hostile.subject = "\x1b\"x";
  EXPECT_EQ(log.lines(seen, {.total = 1, .rows = {hostile}}),
            R"({"time":"1970-01-01T00:00:02.000Z","what":"opened","id":"s9",)"
            R"("address":"192.0.2.7:40000","protocol":"h2","channels":"room/7",)"
            R"("subject":"\u001b\"x"})"
            "\n"
            R"({"time":"1970-01-01T00:00:02.000Z","what":"closed","reason":"dismissed",)"
            R"("address":"192.0.2.1:4","channels":"a","lived_s":0.000})"
            "\n");
}

TEST(LifeLog, LetsNoNameMoveTheCursor) {
  LifeLog log(false);
  log.lines(report(1'000), {});
  client::ListedConnection hostile = row("s9", 0);
  hostile.subject = "\x1b[2J";
  EXPECT_THAT(log.lines(report(2'000), {.total = 1, .rows = {hostile}}), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace fanfare::cli
