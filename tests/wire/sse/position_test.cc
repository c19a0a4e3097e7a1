// How a client gets its position depends on what it sends, byte for byte as the real clients do.
#include "broker/wire/sse/position.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/wire/sse/parser.h"

namespace fanfare::sse {
namespace {

using Fields = std::vector<http::Field>;

PositionForm form_for(const Fields& fields, http::Method method = http::Method::get) {
  http::RequestHead head;
  head.method = method;
  head.fields = fields;
  return position_form(head);
}

const Fields kChromium = {{"Pragma", "no-cache"},
                          {"Cache-Control", "no-cache"},
                          {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"},
                          {"Accept", "text/event-stream"}};
const Fields kFetchOfNode = {{"connection", "keep-alive"}, {"Accept", "text/event-stream"},
                             {"accept-language", "*"},     {"sec-fetch-mode", "cors"},
                             {"user-agent", "node"},       {"pragma", "no-cache"},
                             {"cache-control", "no-cache"}};
TEST(Position, IsAnEventToEverythingThatAsksAsAnEventSource) {
  EXPECT_EQ(form_for(kChromium), PositionForm::event);
  EXPECT_EQ(form_for(kFetchOfNode), PositionForm::event) << "eventsource 3 and 4";
  Fields undici = kFetchOfNode;
  undici[4].value = "undici";
  EXPECT_EQ(form_for(undici), PositionForm::event);
}

TEST(Position, IsALineIfTheRequestLacksAnyMarkOfAnEventSource) {
  EXPECT_EQ(form_for(kChromium, http::Method::post), PositionForm::line);
  for (const std::string_view mark : {"Cache-Control", "User-Agent", "Accept"}) {
    Fields fields = kChromium;
    std::erase_if(fields, [&](const http::Field& field) { return field.name == mark; });
    EXPECT_EQ(form_for(fields), PositionForm::line) << mark;
  }
  for (const std::string_view mark : {"user-agent", "Accept", "cache-control"}) {
    Fields fields = kFetchOfNode;
    std::erase_if(fields, [&](const http::Field& field) { return field.name == mark; });
    EXPECT_EQ(form_for(fields), PositionForm::line) << mark;
  }
}

// Each hands all events to one function, so that a further event would be a phantom message.
TEST(Position, IsALineToClientsThatHandOutEveryEvent) {
  const http::Field stream = {"Accept", "text/event-stream"};
  const http::Field uncached = {"Cache-Control", "no-cache"};
  for (const std::string_view agent :
       {"Go-http-client/1.1", "python-requests/2.32.3", "python-httpx/0.27.0", "okhttp/4.12.0",
        "Python/3.11 aiohttp/3.8.4", "curl/7.88.1", "ReactPHP/1", "fanfare", "nodejs", "Node"}) {
    EXPECT_EQ(form_for({stream, uncached, {"User-Agent", agent}, {"Connection", "keep-alive"}}),
              PositionForm::line)
        << agent;
  }
  EXPECT_EQ(form_for({uncached, stream, {"Connection", "close"}}), PositionForm::line)
      << "node's http module, which names nothing: eventsource 1 and 2, and what is written by "
         "hand";
  EXPECT_EQ(form_for({{"User-Agent", "Mozilla/5.0"}, stream}), PositionForm::line)
      << "fetch-event-source in a browser";
  EXPECT_EQ(form_for({{"user-agent", "node"}, stream}), PositionForm::line) << "and in node";
}

TEST(Position, AsALineIsPartOfTheFirstEvent) {
  const std::string text = position_text(PositionForm::line, "k3-17");
  EXPECT_EQ(text, "id: k3-17\n");
  Parser parser;
  const std::string stream = text + ":\ndata: first\nid: k3-18\n\n";
  std::string_view input = stream;
  const ParsedEvent* first = parser.next(input);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->data, "first");
  EXPECT_EQ(first->last_event_id, "k3-18") << "the event's own id comes later and counts";
  EXPECT_EQ(parser.next(input), nullptr);
}

TEST(Position, AsAnEventHasAReservedNameAndDataThatParses) {
  const std::string text = position_text(PositionForm::event, "k3-17");
  EXPECT_EQ(text, "event: ~position\ndata: {\"position\":\"k3-17\"}\nid: k3-17\n\n");
  Parser parser;
  std::string_view input = text;
  const ParsedEvent* event = parser.next(input);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->type, kPositionEvent);
  EXPECT_EQ(event->last_event_id, "k3-17");
}

}  // namespace
}  // namespace fanfare::sse
