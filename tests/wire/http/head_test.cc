// Heads and what their fields say: methods, look-up, lists, media types, which client is asking.
#include "broker/wire/http/head.h"

#include <gtest/gtest.h>

#include "broker/wire/http/negotiation.h"

namespace fanfare::http {
namespace {

RequestHead with(std::vector<Field> fields) {
  RequestHead head;
  head.fields = std::move(fields);
  return head;
}

TEST(Method, IsCaseSensitive) {
  EXPECT_EQ(method_of("GET"), Method::get);
  EXPECT_EQ(method_of("HEAD"), Method::head);
  EXPECT_EQ(method_of("POST"), Method::post);
  EXPECT_EQ(method_of("PUT"), Method::put);
  EXPECT_EQ(method_of("DELETE"), Method::del);
  EXPECT_EQ(method_of("OPTIONS"), Method::options);
  EXPECT_EQ(method_of("CONNECT"), Method::connect);
  EXPECT_EQ(method_of("get"), Method::other);
  EXPECT_EQ(method_of("QUERY"), Method::other);
}

TEST(RequestHead, FindsEveryFieldOfANameWhateverItsCase) {
  const RequestHead head = with({{"Cookie", "a"}, {"x", "y"}, {"cookie", "b"}, {"COOKIE", "c"}});
  std::string found;
  for (const Field* f = head.find("cOOkie"); f != nullptr; f = head.find("cOOkie", f)) {
    found += f->value;
  }
  EXPECT_EQ(found, "abc");
  EXPECT_EQ(head.value("cookie"), "a");
  EXPECT_EQ(head.find("cooki"), nullptr);
  EXPECT_EQ(head.value("absent"), "");
  EXPECT_EQ(with({}).find("x"), nullptr);
}

TEST(Lists, HaveMembersWhateverTheirCaseAndBlanks) {
  EXPECT_TRUE(list_has("keep-alive, Upgrade", "upgrade"));
  EXPECT_TRUE(list_has(" \tno-cache\t,,", "no-cache"));
  EXPECT_FALSE(list_has("no-cache=x", "no-cache"));
  EXPECT_FALSE(list_has("", "close"));
  EXPECT_FALSE(list_has("closed", "close"));
}

TEST(MediaTypes, AreComparedWithoutTheirParameters) {
  EXPECT_TRUE(media_type_is("application/json", "application/json"));
  EXPECT_TRUE(media_type_is("Application/JSON ; charset=utf-8", "application/json"));
  EXPECT_FALSE(media_type_is("application/json-seq", "application/json"));
  EXPECT_FALSE(media_type_is("", "application/json"));
}

// R1: EventSource names the type, a plain fetch sends a wildcard, and both get the stream.
TEST(Accept, NamesATypeOrDoesNot) {
  EXPECT_TRUE(accepts_by_name(with({{"Accept", "text/event-stream"}}), "text/event-stream"));
  EXPECT_FALSE(accepts_by_name(with({{"Accept", "*/*"}}), "text/event-stream"));
  EXPECT_FALSE(accepts_by_name(with({{"Accept", "text/*"}}), "text/plain"));
  EXPECT_FALSE(accepts_by_name(with({}), "text/plain"));
}

TEST(Accept, IsReadOverAllItsLinesAndMembers) {
  EXPECT_TRUE(accepts_by_name(
      with({{"accept", "text/html, application/json;q=0.9"}, {"ACCEPT", "Text/Plain ;q=0.1"}}),
      "text/plain"));
}

TEST(Accept, TreatsAWeightOfZeroAsARefusal) {
  for (const std::string_view zero : {"q=0", "Q=0", "q=0.", "q=0.000"}) {
    const std::string value = "text/plain; " + std::string(zero);
    EXPECT_FALSE(accepts_by_name(with({{"Accept", value}}), "text/plain")) << zero;
  }
  for (const std::string_view more : {"q=0.001", "q=1", "q=0.5", "qs=0", "charset=q"}) {
    const std::string value = "text/plain; " + std::string(more);
    EXPECT_TRUE(accepts_by_name(with({{"Accept", value}}), "text/plain")) << more;
  }
}

TEST(UserAgent, IsABrowsers) {
  EXPECT_TRUE(is_browser(with({{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"}})));
  EXPECT_FALSE(is_browser(with({{"User-Agent", "curl/7.88.1"}})));
  EXPECT_FALSE(is_browser(with({})));
}

}  // namespace
}  // namespace fanfare::http
