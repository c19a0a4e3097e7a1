// The pages of `fanfare top`: keys, what they ask for, and what fits into how wide a terminal.
#include "broker/cli/top_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "broker/cli/top_tables.h"

namespace fanfare::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Page = TopView::Page;
using Size = TopView::Size;
using Wish = TopView::Wish;

client::ListedConnection connection(std::string_view id) {
  client::ListedConnection row;
  row.id = id;
  row.state = "blocked";
  row.address = "192.0.2.7:40000";
  row.channels = {"room/7"};
  row.channels_total = 1;
  row.lag_events = 12'345;
  row.lag_ms = 61'000;
  row.tcp = client::ListedTcp{.rtt_ms = 31.25};
  return row;
}

TopView::Shown shown(std::initializer_list<std::string_view> ids) {
  TopView::Shown shown{.header = "a\nb\nc\n", .channels = {}, .connections = {}, .note = {}};
  for (const std::string_view id : ids) shown.connections.rows.push_back(connection(id));
  return shown;
}

TEST(TopView, AsksForNoMoreThanThePageShows) {
  TopView view;
  const Size size{.columns = 80, .rows = 30};
  EXPECT_EQ(view.connections_target(size), "/api/connections?sort=-lag&limit=10");
  EXPECT_EQ(view.channels_target(size), "/api/channels?sort=-rate&limit=10");
  EXPECT_EQ(view.key("2"), Wish::ask);
  EXPECT_EQ(view.page(), Page::channels);
  EXPECT_EQ(view.connections_target(size), "");
  EXPECT_EQ(view.channels_target(size), "/api/channels?sort=-rate&limit=30");
  EXPECT_EQ(view.key("\t"), Wish::ask);
  EXPECT_EQ(view.page(), Page::connections);
  EXPECT_EQ(view.channels_target(size), "");
  EXPECT_EQ(view.connections_target(size), "/api/connections?sort=-lag&limit=30");
  EXPECT_EQ(view.key("\t"), Wish::ask);
  EXPECT_EQ(view.page(), Page::overview);
}

TEST(TopView, SortsByTheNextColumnAndTheOtherWayRound) {
  TopView view(Page::connections);
  view.key("s");
  EXPECT_THAT(view.connections_target({}), HasSubstr("sort=-lag_ms&"));
  view.key("r");
  EXPECT_THAT(view.connections_target({}), HasSubstr("sort=lag_ms&"));
  for (int i = 0; i < 4; ++i) view.key("s");
  EXPECT_THAT(view.connections_target({}), HasSubstr("sort=lag&"));
}

TEST(TopView, FiltersByWhatTheWordLooksLike) {
  const auto filtered = [](std::string_view text, Page page = Page::connections) {
    TopView view(page);
    view.key("/");
    for (const char c : text) EXPECT_EQ(view.key(std::string_view(&c, 1)), Wish::redraw);
    EXPECT_EQ(view.key("\r"), Wish::ask);
    return page == Page::connections ? view.connections_target({}) : view.channels_target({});
  };
  EXPECT_THAT(filtered("10.0.0.0/8"), HasSubstr("&address=10.0.0.0/8"));
  EXPECT_THAT(filtered("blocked"), HasSubstr("&state=blocked"));
  EXPECT_THAT(filtered("room/7"), HasSubstr("&channel=room/7"));
  EXPECT_THAT(filtered("q"), HasSubstr("&channel=q")) << "it does not quit";
  EXPECT_THAT(filtered("a&b", Page::channels), HasSubstr("&contains=a%26b"));
  EXPECT_THAT(filtered("ab\x7f"
                       "c",
                       Page::channels),
              HasSubstr("&contains=ac"));
  TopView view(Page::channels);
  view.key("/");
  view.key("a");
  view.key("\x1b");
  EXPECT_THAT(view.channels_target({}), Not(HasSubstr("contains")));
}

// A row that moves up took the selection's place, and a stranger was closed.
TEST(TopView, TheSelectionStaysWithItsConnectionAndClosesOnlyWhenConfirmed) {
  TopView view(Page::connections);
  const Size size{.columns = 100, .rows = 20};
  view.draw(shown({"s1", "s2", "s3"}), size);
  view.key("\x1b[B");
  view.draw(shown({"s1", "s2", "s3"}), size);
  view.draw(shown({"s9", "s1", "s2", "s3"}), size);
  EXPECT_EQ(view.key("x"), Wish::redraw);
  EXPECT_THAT(view.draw(shown({"s2", "s1"}), size), HasSubstr("close s2?"));
  EXPECT_EQ(view.key("n"), Wish::redraw);
  EXPECT_EQ(view.key("y"), Wish::none);
  view.key("x");
  EXPECT_EQ(view.key("y"), Wish::close);
  EXPECT_EQ(view.chosen(), "s2");
}

TEST(TopView, NothingIsClosedWhereNothingIsSelected) {
  TopView view(Page::connections);
  view.draw(shown({}), {});
  EXPECT_EQ(view.key("x"), Wish::none);
  TopView overview;
  overview.draw(shown({"s1"}), {});
  EXPECT_EQ(overview.key("x"), Wish::none);
}

TEST(TopView, PausesAndQuits) {
  TopView view;
  EXPECT_EQ(view.key("p"), Wish::redraw);
  EXPECT_TRUE(view.paused());
  EXPECT_THAT(view.draw(shown({}), {}), HasSubstr("PAUSED"));
  EXPECT_EQ(view.key("p"), Wish::ask);
  EXPECT_EQ(view.key("q"), Wish::quit);
}

TEST(TopView, DrawsExactlyAsManyLinesAndPlacesAsThereAre) {
  for (const std::size_t columns : {20U, 80U, 200U}) {
    for (const std::size_t rows : {5U, 24U, 50U}) {
      for (const Page page : {Page::overview, Page::channels, Page::connections}) {
        TopView view(page);
        std::string text = view.draw(shown({"s1", "s2"}), {.columns = columns, .rows = rows});
        EXPECT_EQ(std::ranges::count(text, '\n') + 1, static_cast<std::ptrdiff_t>(rows));
        for (std::string_view rest = text; !rest.empty();) {
          std::string line(rest.substr(0, rest.find('\n')));
          rest.remove_prefix(std::min(rest.size(), line.size() + 1));
          if (line.starts_with("\x1b[7m")) line = line.substr(4, line.size() - 8);
          EXPECT_EQ(line.size(), columns) << line;
        }
      }
    }
  }
}

TEST(TopTables, HaveMoreColumnsWhereThereIsRoom) {
  const client::Listed<client::ListedConnection> list{.total = 1, .rows = {connection("s1")}};
  const std::string narrow = connection_table(list, 80, 9);
  EXPECT_THAT(narrow, HasSubstr("12,345"));
  EXPECT_THAT(narrow, HasSubstr("61.0 s"));
  EXPECT_THAT(narrow, HasSubstr("192.0.2.7:40000"));
  EXPECT_THAT(narrow, HasSubstr("room/7"));
  EXPECT_THAT(narrow, Not(HasSubstr("RTT")));
  const std::string wide = connection_table(list, 200, 9);
  EXPECT_THAT(wide, HasSubstr("31.25 ms"));
  EXPECT_THAT(wide, HasSubstr("SUBJECT"));
}

// What a client calls itself moved the cursor about.
TEST(TopTables, ShowNoByteThatATerminalActsOn) {
  client::ListedConnection hostile = connection("s1");
  hostile.subject = "\x1b[2J\xff\xe4\xb8\xad";
  const std::string text = connection_table({.total = 1, .rows = {hostile}}, 200, 9);
  EXPECT_THAT(text, HasSubstr("?[2J?\xe4\xb8\xad"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(TopTables, SayDurationsInTheUnitThatFits) {
  EXPECT_EQ(readable_time(950), "950 ms");
  EXPECT_EQ(readable_time(12'340), "12.3 s");
  EXPECT_EQ(readable_time(240'000), "4 min");
  EXPECT_EQ(readable_time(11'160'000), "3.1 h");
  EXPECT_EQ(readable_time(432'000'000), "5.0 d");
}

}  // namespace
}  // namespace fanfare::cli
