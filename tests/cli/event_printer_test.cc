#include "broker/cli/event_printer.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace fanfare::cli {
namespace {

using Format = EventPrinter::Format;

template <class Item>
std::string printed(Format format, const Item& item) {
  Console console{.in = stdin, .out = tmpfile(), .err = stderr};
  EventPrinter(console, format).print(item);
  std::string text(static_cast<std::size_t>(ftell(console.out)), '\0');
  rewind(console.out);
  text.resize(fread(text.data(), 1, text.size(), console.out));
  fclose(console.out);
  return text;
}

TEST(EventPrinter, PrintsALineAnEvent) {
  const client::ReceivedEvent event{.type = "tick", .data = "{\"a\":1}", .id = "e-1"};
  EXPECT_EQ(printed(Format::plain, event), "e-1  tick  {\"a\":1}\n");
  EXPECT_EQ(printed(Format::raw, event), "{\"a\":1}\n");
  EXPECT_EQ(printed(Format::json, event),
            "{\"id\":\"e-1\",\"event\":\"tick\",\"data\":\"{\\\"a\\\":1}\"}\n");
}

TEST(EventPrinter, IndentsFurtherLinesOfData) {
  const client::ReceivedEvent event{.type = "message", .data = "a\nb\n", .id = "e-1"};
  EXPECT_EQ(printed(Format::plain, event), "e-1  message  a\n    b\n    \n");
}

TEST(EventPrinter, LetsNobodysDataMoveTheCursor) {
  const client::ReceivedEvent event{
      .type = "t\x1b", .data = "\x1b[2Jred\x07\x7f\tok \xc2\x9b \xc3\xa9", .id = "e"};
  EXPECT_EQ(printed(Format::plain, event), "e  t\\x1b  \\x1b[2Jred\\x07\\x7f\tok \\x9b \xc3\xa9\n");
}

TEST(EventPrinter, SaysWhatAGapHides) {
  const client::ReceivedGap gap{.reason = "restarted", .after = "a-9", .resumed = "b-3"};
  EXPECT_EQ(printed(Format::plain, gap),
            "gap: events after a-9 and up to b-3 are gone (the broker was restarted)\n");
  EXPECT_EQ(printed(Format::json, gap),
            "{\"gap\":{\"reason\":\"restarted\",\"after\":\"a-9\",\"resumed\":\"b-3\"}}\n");
  EXPECT_EQ(printed(Format::raw, gap), "");
}

}  // namespace
}  // namespace fanfare::cli
