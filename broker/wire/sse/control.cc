#include "broker/wire/sse/control.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace fanfare::sse {
namespace {

// Longer than any id of ours; a longer cursor is the client's invention.
constexpr std::size_t kCursorBytesMax = 128;

// A foreign cursor can hold anything: what is left of it cannot end the JSON string or the line.
std::string shown_cursor(std::string_view cursor) {
  std::string shown(cursor.substr(0, kCursorBytesMax));
  std::erase_if(shown, [](char c) { return c <= ' ' || c > '~' || c == '"' || c == '\\'; });
  return shown;
}

}  // namespace

void append_wrapped(std::string& out, Wrap wrap, std::string_view text) {
  if (wrap == Wrap::chunk) return http::append_chunk(out, text);
  out.append(text);
}

std::string retry_text(Duration retry) {
  return fmt::format("retry: {}\n", in_milliseconds(retry));
}

std::string comment_text(std::string_view comment) {
  return comment.empty() ? std::string() : fmt::format(": {}\n", comment);
}

std::int64_t in_milliseconds(Duration time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

std::string time_text(std::chrono::sys_seconds time) {
  return fmt::format("{:%FT%TZ}", time);
}

std::string opening_text(Duration retry, std::string_view position, std::string_view comment) {
  std::string text = retry_text(retry);
  text.append(position).append(":\n").append(comment_text(comment));
  return text;
}

std::string_view name_of(GapReason reason) {
  switch (reason) {
    case GapReason::evicted:
      return "evicted";
    case GapReason::restarted:
      return "restarted";
    case GapReason::unknown:
      return "unknown";
    case GapReason::slow:
      return "slow";
    case GapReason::limit:
      return "limit";
    case GapReason::conflated:
      return "conflated";
  }
  return "unknown";
}

std::string gap_text(std::string_view type, const GapEvent& gap) {
  return fmt::format("event: {}\ndata: {}\nid: {}\n\n", type, gap_data(gap), gap.id);
}

std::string gap_data(const GapEvent& gap) {
  return fmt::format(R"({{"reason":"{}","after":"{}","resumed":"{}"{}}})", name_of(gap.reason),
                     shown_cursor(gap.after), gap.resumed,
                     gap.keys_kept ? R"(,"keys":"kept")" : "");
}

std::string heartbeat_event_text(std::string_view type, std::chrono::sys_seconds now) {
  return fmt::format("event: {}\ndata: {{\"time\":\"{}\"}}\n\n", type, time_text(now));
}

std::string end_text(std::string_view type) {
  return fmt::format("event: {}\ndata: \n\n", type);
}

}  // namespace fanfare::sse
