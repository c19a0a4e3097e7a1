#include "broker/server/streams/framing.h"

#include <fmt/format.h>

#include <iterator>

namespace fanfare::server {

using fanout::Framing;

bool is_raw(Framing framing) {
  return framing == Framing::raw || framing == Framing::raw_chunked;
}

bool is_chunked(Framing framing) {
  return framing == Framing::chunked || framing == Framing::raw_chunked;
}

void append_framed(std::string& out, Framing framing, std::string_view text) {
  if (text.empty()) return;
  if (is_chunked(framing)) {
    fmt::format_to(std::back_inserter(out), "{:x}\r\n{}\r\n", text.size(), text);
  } else {
    out += text;
  }
}

std::string_view heartbeat_text(Framing framing) {
  switch (framing) {
    case Framing::chunked:
      return "2\r\n:\n\r\n";
    case Framing::plain:
      return ":\n";
    case Framing::raw_chunked:
    case Framing::raw:
      return {};
  }
  return {};
}

std::string retry_line(Duration retry) {
  return fmt::format("retry: {}\n",
                     std::chrono::duration_cast<std::chrono::milliseconds>(retry).count());
}

std::string opening_text(Duration retry, std::string_view position) {
  return fmt::format("{}{}:\n", retry_line(retry), position);
}

std::string gap_event(std::string_view name, std::string_view reason, std::string_view after,
                      std::string_view resumed, std::string_view id) {
  // `after` is what the client presented: printable ASCII without quotes by the time it gets here.
  return fmt::format(
      "event: {}\ndata: {{\"reason\":\"{}\",\"after\":\"{}\",\"resumed\":\"{}\"}}\nid: {}\n\n",
      name, reason, after, resumed, id);
}

std::string_view last_chunk(Framing framing) {
  return is_chunked(framing) ? std::string_view("0\r\n\r\n") : std::string_view();
}

}  // namespace fanfare::server
