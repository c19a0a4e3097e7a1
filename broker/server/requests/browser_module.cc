#include "broker/server/requests/browser_module.h"

#include "broker/wire/http/negotiation.h"

namespace fanfare::server {
namespace {

// RFC 9110 §13.1.2: "*", or a list; weak validators match strong ones.
bool is_current(std::string_view if_none_match, std::string_view etag) {
  constexpr std::string_view kWeak = "W/";
  if (if_none_match == "*") return true;
  etag.remove_prefix(kWeak.size());
  while (!if_none_match.empty()) {
    std::string_view one = http::take_member(if_none_match);
    if (one.starts_with(kWeak)) one.remove_prefix(kWeak.size());
    if (one == etag) return true;
  }
  return false;
}

}  // namespace

void answer_browser_module(const http::RequestHead& head, Response& response) {
  response.fields.add("Access-Control-Allow-Origin", "*");
  response.fields.add("X-Content-Type-Options", "nosniff");
  if (head.method != http::Method::get && head.method != http::Method::head) {
    response.status = 405;
    response.fields.add("Allow", "GET, HEAD");
    response.fields.add("Content-Type", "text/plain; charset=utf-8");
    response.fixed = "the browser module is read with GET\n";
    return;
  }
  const BrowserModule& module = browser_module();
  response.fields.add("ETag", module.etag);
  response.fields.add("Cache-Control",
                      "no-cache");  // kept, but asked for again: it goes with this broker
  response.fields.add("Cross-Origin-Resource-Policy", "cross-origin");
  response.fields.add("Vary", "Accept-Encoding");
  if (is_current(head.value("if-none-match"), module.etag)) {
    response.status = 304;
    return;
  }
  response.fields.add("Content-Type", "text/javascript; charset=utf-8");
  response.fixed = module.bytes;
  if (http::prefers_coding(head, "gzip")) {
    response.fields.add("Content-Encoding", "gzip");
    response.fixed = module.gzip;
  }
}

}  // namespace fanfare::server
