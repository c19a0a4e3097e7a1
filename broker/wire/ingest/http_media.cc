#include "broker/wire/ingest/http_media.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "broker/wire/http/head.h"
#include "broker/wire/http/negotiation.h"

#include "common/quotable.h"

namespace fanfare::ingest {
namespace {

// The first coding other than identity (RFC 9110 §8.4), or nothing.
std::string_view coding_of(const http::RequestHead& head) {
  for (const http::Field* field = head.find("content-encoding"); field != nullptr;
       field = head.find("content-encoding", field)) {
    std::string_view list = field->value;
    while (!list.empty()) {
      const std::string_view coding = http::take_member(list);
      if (!coding.empty() && !http::list_has("identity", coding)) return coding;
    }
  }
  return {};
}

// The parameter `charset`, without its quotes; empty: none.
std::string_view charset_of(std::string_view content_type) {
  http::take_member(content_type, ';');
  while (!content_type.empty()) {
    std::string_view value = http::take_member(content_type, ';');
    if (!http::list_has("charset", http::take_member(value, '='))) continue;
    if (value.starts_with('"')) value.remove_prefix(1);
    return value.substr(0, value.find('"'));
  }
  return {};
}

bool is_utf8(std::string_view charset) {
  return charset.empty() || http::list_has("utf-8,utf8,us-ascii", charset);
}

}  // namespace

bool is_ndjson(const http::RequestHead& head) {
  const std::string_view type = head.value("content-type");
  constexpr auto kNames = std::to_array<std::string_view>(
      {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl",
       "application/jsonlines", "application/x-jsonlines"});
  return std::ranges::any_of(
      kNames, [type](std::string_view name) { return http::media_type_is(type, name); });
}

MediaProblem media_problem(const http::RequestHead& head, bool batch) {
  if (const std::string_view coding = coding_of(head); !coding.empty()) {
    return {fmt::format("the body has Content-Encoding: {}: events are stored and sent as "
                        "received, so send it unencoded",
                        quotable(coding)),
            true};
  }
  const std::string_view type = head.value("content-type");
  if (http::media_type_is(type, "multipart/form-data")) {
    return {
        "multipart/form-data (curl -F) would publish the form, not the file in it: send the data "
        "alone, as curl --data-binary @file does"};
  }
  if (!batch) return {};
  if (const std::string_view charset = charset_of(type); !is_utf8(charset)) {
    return {fmt::format("JSON lines must be UTF-8, not {}", quotable(charset))};
  }
  if (type.empty() || is_ndjson(head)) return {};
  return {
      "POST /publish accepts a batch, Content-Type: application/x-ndjson, with a channel in every "
      "line; to publish the body itself: POST /publish/<channel>"};
}

}  // namespace fanfare::ingest
