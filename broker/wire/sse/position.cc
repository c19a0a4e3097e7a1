#include "broker/wire/sse/position.h"

#include <fmt/format.h>

#include "broker/wire/http/negotiation.h"

namespace fanfare::sse {
namespace {

// Every EventSource asks for no cached answer (WHATWG HTML §9.2.3, cache mode "no-store", which is
// sent as no-cache). What else is built on fetch leaves it out unless its author asks for it.
bool asks_as_an_event_source(const http::RequestHead& head) {
  return head.method == http::Method::get && http::accepts_by_name(head, "text/event-stream") &&
         http::list_has(head.value("cache-control"), "no-cache");
}

// What fetch of node sends (its own, and the undici package's): `eventsource` 3 and 4, undici's own
// EventSource, polyfills. What is built on node's http module says no name, and neither do programs
// written by hand on it, which would see the event.
bool is_fetch_of_node(const http::RequestHead& head) {
  const std::string_view agent = head.value("user-agent");
  return agent == "node" || agent == "undici";
}

}  // namespace

PositionForm position_form(const http::RequestHead& head) {
  const bool dispatches_by_name =
      asks_as_an_event_source(head) && (http::is_browser(head) || is_fetch_of_node(head));
  return dispatches_by_name ? PositionForm::event : PositionForm::line;
}

std::string position_text(PositionForm form, std::string_view id) {
  if (form == PositionForm::line) return fmt::format("id: {}\n", id);
  // The data is JSON: a page that parses whatever comes does not stumble.
  return fmt::format("event: {}\ndata: {{\"position\":\"{}\"}}\nid: {}\n\n", kPositionEvent, id,
                     id);
}

}  // namespace fanfare::sse
