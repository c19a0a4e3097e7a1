#include "broker/server/requests/selftest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "broker/wire/http/negotiation.h"
#include "broker/wire/sse/control.h"

#include "common/json_text.h"
#include "common/utf8.h"

namespace fanfare::server {
namespace {

constexpr std::size_t kEchoedBytesMax = 120;  // of one field

constexpr std::array<std::string_view, 7> kEchoed{"accept",   "accept-encoding",  "cache-control",
                                                  "cdn-loop", "fanfare-selftest", "last-event-id",
                                                  "via"};
// They may hold addresses of a network that its operator keeps to himself.
constexpr std::array<std::string_view, 8> kNoticed{
    "cf-ray",           "forwarded",         "x-amzn-trace-id", "x-forwarded-for",
    "x-forwarded-host", "x-forwarded-proto", "x-real-ip",       "x-varnish"};

constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string_view cut(std::string_view text) {
  text = text.substr(0, kEchoedBytesMax);
  return text.substr(0, utf8_prefix_size(text));
}

std::string_view version_of(BodyEnd end) {
  switch (end) {
    case BodyEnd::last_chunk:
      return "HTTP/1.1";
    case BodyEnd::connection_close:
      return "HTTP/1.0";
    case BodyEnd::end_of_stream:
      return "HTTP/2";
  }
  return {};
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  if (out.back() != '{') out += ',';
  append_json_string(out, name);
  out += ':';
  append_json_string(out, value);
}

// {"version","heartbeat_ms","end_event","fields":{…},"noticed":[…]}
std::string echo(const Request& request, const Options& options) {
  std::string out = "{";
  append_member(out, "version", version_of(request.body_end));
  append_member(out, "end_event", options.delivery.end_event);
  out += fmt::format(",\"heartbeat_ms\":{},\"fields\":{{", options.delivery.heartbeat / 1ms);
  for (const std::string_view name : kEchoed) {
    if (const http::Field* field = request.head.find(name)) {
      append_member(out, name, cut(field->value));
    }
  }
  out += "},\"noticed\":[";
  for (const std::string_view name : kNoticed) {
    if (request.head.find(name) == nullptr) continue;
    if (out.back() != '[') out += ',';
    append_json_string(out, name);
  }
  return out + "]}\n";
}

// What was asked comes back in a field, to see whether those arrive: letters and digits alone.
void add_answer_fields(const http::RequestHead& head, std::string_view type, Response& response) {
  response.fields.add("Content-Type", type);
  response.fields.add("Cache-Control", "no-store, no-cache, no-transform");
  response.fields.add("X-Accel-Buffering", "no");
  response.fields.add("X-Content-Type-Options", "nosniff");
  const std::string_view mark = head.value("fanfare-selftest");
  const bool plain = std::ranges::all_of(mark, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (plain && !mark.empty() && mark.size() <= 32) response.fields.add("Fanfare-Selftest", mark);
}

}  // namespace

bool is_selftest(std::string_view path) {
  if (!path.starts_with(kSelftestPath)) return false;
  return path.size() == kSelftestPath.size() || path[kSelftestPath.size()] == '/';
}

bool answer_selftest_file(const http::RequestHead& head, Response& response) {
  const auto files = selftest_files();
  const auto file = std::ranges::find(files, head.path, &SelftestFile::path);
  if (file == files.end()) return false;
  response.fields.add("Content-Type", file->content_type);
  response.fields.add("Cache-Control", "no-cache");
  response.fields.add("X-Content-Type-Options", "nosniff");
  response.fields.add("Referrer-Policy", "no-referrer");
  response.fields.add("Content-Security-Policy", kPolicy);
  response.fields.add("Vary", "Accept-Encoding");
  response.fixed = file->bytes;
  if (!file->gzip.empty() && http::prefers_coding(head, "gzip")) {
    response.fields.add("Content-Encoding", "gzip");
    response.fixed = file->gzip;
  }
  return true;
}

void answer_selftest_echo(const Request& request, const Options& options, Response& response) {
  add_answer_fields(request.head, "application/json", response);
  response.body = echo(request, options);
}

void say_selftest_event(const Request& request, std::string& out) {
  std::string text = "id: selftest-1\nevent: selftest\ndata: ";
  append_json_string(text, cut(request.head.value("last-event-id")));
  text += "\n\n";
  const bool chunked = request.body_end == BodyEnd::last_chunk;
  sse::append_wrapped(out, chunked ? sse::Wrap::chunk : sse::Wrap::bare, text);
}

}  // namespace fanfare::server
