// What a subscriber asks for: query, Last-Event-ID, Accept and body, a line each, from anyone. It
// is understood or refused with a sentence; what is understood is what was said.
#include "broker/wire/sse/subscribe_request.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "broker/wire/http/query.h"

#include "common/check.h"

using namespace fanfare;  // NOLINT(google-build-using-namespace): a program of one function

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto take_line = [&rest] {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    return line;
  };
  http::RequestHead head;
  head.query = take_line();
  head.method = head.query.size() % 2 == 0 ? http::Method::post : http::Method::get;
  const std::string_view id = take_line();
  head.fields = {
      {"Last-Event-ID", id}, {"Accept", take_line()}, {"Content-Type", "application/json"}};
  const auto asked = sse::parse_subscribe_request(head, rest);
  if (!asked) {
    CHECK(!asked.error().empty() && asked.error().back() != '.', "a sentence without a full stop");
    return 0;
  }
  CHECK(asked->cursor != "earliest" && !(asked->earliest && !asked->cursor.empty()), "earliest");
  const bool is_cursor =
      id == asked->cursor || (id.starts_with(asked->cursor) && id[asked->cursor.size()] == ',');
  CHECK(id.empty() || asked->earliest || is_cursor, "the field is the cursor, less its channel");
  CHECK(!asked->heartbeat || asked->heartbeat->count() >= 0, "no time before now");
  CHECK(!asked->since || asked->since->count() >= 0, "no time before now");
  CHECK(!asked->since || !asked->replay, "one place to begin");
  CHECK(asked->replay || !asked->of_each, "the newest, and how many");
  CHECK(asked->poll || asked->wait == Duration(0), "only a poll waits");
  const http::Query query(head.query);
  for (const std::string_view topic : query.all("channel")) {
    const bool found =
        std::find(asked->topics.begin(), asked->topics.end(), topic) != asked->topics.end();
    CHECK(topic.empty() || found, "every channel of the query");
  }
  return 0;
}
