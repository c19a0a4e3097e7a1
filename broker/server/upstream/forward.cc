#include "broker/server/upstream/forward.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "broker/wire/http/negotiation.h"
#include "broker/wire/http/query.h"

#include "common/letters.h"

namespace fanfare::server {
namespace {

using std::string_view;

bool is_one_of(string_view name, std::span<const string_view> names) {
  return std::ranges::any_of(names, [name](string_view n) { return same_ignoring_case(n, name); });
}

bool begins_with(string_view name, string_view prefix) {
  return same_ignoring_case(name.substr(0, prefix.size()), prefix);
}

// All values of a field as one list (RFC 9110 §5.3).
std::string joined(const http::RequestHead& head, string_view name) {
  std::string list;
  for (const http::Field* f = head.find(name); f != nullptr; f = head.find(name, f)) {
    if (!list.empty()) list += ", ";
    list += f->value;
  }
  return list;
}

// Fields that this broker says itself, whatever the client has said. Expect has been met: the body
// is here.
constexpr string_view kSaidAnew[] = {"host",
                                     "content-length",
                                     "expect",
                                     "via",
                                     "x-forwarded-for",
                                     "x-forwarded-proto",
                                     "x-forwarded-host"};
constexpr string_view kOurs = "fanfare-";

bool passes(string_view name, string_view connection) {
  return !is_hop_by_hop(name, connection) && !is_one_of(name, kSaidAnew) &&
         !begins_with(name, kOurs);
}

void append_field(std::string& out, string_view name, string_view value) {
  fmt::format_to(std::back_inserter(out), "{}: {}\r\n", name, value);
}

// As a front has said it, or as it is for a client of ours.
void append_unless_said(std::string& out, const http::RequestHead& head, string_view name,
                        string_view value) {
  const string_view said = head.value(name);
  append_field(out, name, said.empty() ? value : said);
}

// Spelt in any way: "lastEventId", "last-event-id".
bool is_cursor(string_view key) {
  std::string plain;
  for (const char c : key) {
    if (c != '-' && c != '_') plain += lower(c);
  }
  return plain == "lasteventid";
}

}  // namespace

bool is_hop_by_hop(string_view name, string_view connection) {
  constexpr string_view kAlways[] = {"connection",
                                     "keep-alive",
                                     "proxy-connection",
                                     "te",
                                     "trailer",
                                     "transfer-encoding",
                                     "upgrade",
                                     "proxy-authenticate",
                                     "proxy-authorization",
                                     "http2-settings"};
  return is_one_of(name, kAlways) || http::list_has(connection, name);
}

void append_forwarded(std::string& out, const Request& request, string_view client,
                      string_view connection) {
  const http::RequestHead& head = request.head;
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "{} {}{}{} HTTP/1.1\r\n", head.method_text, head.path,
                 head.query.empty() ? "" : "?", head.query);
  append_field(out, "Host", head.authority);
  const std::string hop = joined(head, "connection");
  for (const http::Field& field : head.fields) {
    if (passes(field.name, hop)) append_field(out, field.name, field.value);
  }
  std::string via = joined(head, "via");
  if (!via.empty()) via += ", ";
  const bool http2 = request.body_end == BodyEnd::end_of_stream;
  append_field(out, "Via",
               via + (http2 ? "2.0 fanfare" : fmt::format("1.{} fanfare", head.minor_version)));
  std::string chain = joined(head, "x-forwarded-for");
  if (!client.empty()) chain += fmt::format("{}{}", chain.empty() ? "" : ", ", client);
  if (!chain.empty()) append_field(out, "X-Forwarded-For", chain);
  append_unless_said(out, head, "X-Forwarded-Proto", request.secure ? "https" : "http");
  append_unless_said(out, head, "X-Forwarded-Host", head.authority);
  append_field(out, "Fanfare-Connection", connection);
  if (!request.body.empty() || head.method == http::Method::post) {
    fmt::format_to(to, "Content-Length: {}\r\n", request.body.size());
  }
  out += "\r\n";
  out += request.body;
}

std::string identity_of(const Request& request) {
  // They differ from one request to the next, and prove nothing.
  constexpr string_view kVary[] = {"last-event-id", "x-request-id",   "traceparent",
                                   "tracestate",    "content-length", "expect",
                                   "via",           "x-forwarded-for"};
  const http::RequestHead& head = request.head;
  std::string text = fmt::format("{} {} {}\n", head.method_text, head.authority, head.path);
  const http::Query query(head.query);
  for (const auto& [key, value] : query) {
    if (!is_cursor(key))
      fmt::format_to(std::back_inserter(text), "{}:{}={}:{}&", key.size(), key, value.size(),
                     value);
  }
  text += '\n';
  const std::string hop = joined(head, "connection");
  for (const http::Field& field : head.fields) {
    if (is_hop_by_hop(field.name, hop) || is_one_of(field.name, kVary)) continue;
    append_field(text, field.name, field.value);
  }
  text += "\r\n";
  text += request.body;
  return text;
}

}  // namespace fanfare::server
