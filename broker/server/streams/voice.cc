#include "broker/server/streams/voice.h"

#include "broker/wire/sse/json_control.h"

namespace fanfare::server {
namespace {

std::string position_in(std::optional<sse::PositionForm> form, std::string_view id) {
  return form ? sse::position_text(*form, id) : std::string();
}

}  // namespace

void Voice::open(std::string& out, Duration retry, std::optional<sse::PositionForm> form,
                 std::string_view id) const {
  if (is_event_stream()) {
    say(out, sse::opening_text(retry, position_in(form, id)));
  } else if (is_json(framing_) && form) {
    say(out, sse::json_position(id));
  }
}

void Voice::retry(std::string& out, Duration retry) const {
  if (is_event_stream()) say(out, sse::retry_text(retry));
}

void Voice::position(std::string& out, std::optional<sse::PositionForm> form,
                     std::string_view id) const {
  if (!form || is_raw(framing_)) return;
  say(out, is_json(framing_) ? sse::json_position(id) : sse::position_text(*form, id));
}

bool Voice::gap(std::string& out, std::string_view type, const sse::GapEvent& gap) const {
  if (is_raw(framing_)) return false;
  say(out, is_json(framing_) ? sse::json_gap(gap) : sse::gap_text(type, gap));
  return true;
}

void Voice::end(std::string& out, std::string_view type) const {
  if (is_raw(framing_)) return;
  say(out, is_json(framing_) ? sse::json_end() : sse::end_text(type));
}

void Voice::come_back(std::string& out, Duration retry, std::string_view reason) const {
  if (is_raw(framing_)) return;
  say(out, is_json(framing_) ? sse::json_come_back(retry, reason, {})
                             : sse::retry_text(retry) + sse::comment_text(reason));
}

void Voice::overload(std::string& out, Duration retry, std::optional<sse::PositionForm> form,
                     std::string_view id, std::string_view reason) const {
  if (is_event_stream()) {
    say(out, sse::opening_text(retry, position_in(form, id), reason));
  } else if (is_json(framing_)) {
    say(out, sse::json_come_back(retry, reason, id));
  }
}

}  // namespace fanfare::server
