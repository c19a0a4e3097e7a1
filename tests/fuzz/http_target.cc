// Targets, authorities, percent-decoding, queries, lists: parts lie within the whole, decoding what
// was encoded gives it back, and nothing grows.
#include <string>
#include <string_view>

#include "broker/wire/http/negotiation.h"
#include "broker/wire/http/query.h"
#include "broker/wire/http/target.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace fanfare;

std::string percent_encoded(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text.append({'%', kHex[byte >> 4U], kHex[byte & 15U]});
  }
  return text;
}

void check_target(std::string_view text) {
  const auto target = http::parse_target(text);
  if (!target) return;
  CHECK(target->path == "/" || fuzz::lies_within(target->path, text), "the path is a part");
  CHECK(target->query.empty() || fuzz::lies_within(target->query, text), "the query is a part");
  CHECK(target->path == "*" || target->path.front() == '/', "a path begins with a slash");
  CHECK(http::is_authority(target->authority), "an authority");
  CHECK((target->form == http::TargetForm::absolute) == !target->authority.empty(), "form");
}

void check_query(std::string_view text) {
  const http::Query query(text);
  std::size_t bytes = 0;
  for (const auto& [key, value] : query) {
    bytes += key.size() + value.size();
    CHECK(query.last_of({key}).has_value(), "what is there is found");
    CHECK(query.all(key).back() == query.last_of({key}), "the last is the last");
  }
  CHECK(bytes <= text.size(), "decoding never grows");
}

void check_round_trip(std::string_view bytes) {
  const std::string encoded = percent_encoded(bytes);
  CHECK(http::percent_decoded(encoded) == bytes, "decode(encode(x)) is x");
  const std::string text = "a=b&" + encoded + "=" + encoded + "&a=c";
  const http::Query query(text);
  CHECK(query.last_of({bytes}).value_or("") == (bytes == "a" ? "c" : bytes), "also in a query");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_target(text);
  check_query(text);
  check_round_trip(text);
  http::RequestHead head;
  head.fields = {{"Accept", text}, {"Content-Type", text}};
  http::accepts_by_name(head, "text/plain");
  http::media_type_is(text, "application/json");
  http::list_has(text, "close");
  if (const auto decoded = http::percent_decoded(text)) {
    CHECK(decoded->size() <= size, "decoding never grows");
  }
  return 0;
}
