#include "broker/server/streams/heartbeats.h"

#include <algorithm>

#include "broker/wire/sse/control.h"
#include "broker/wire/sse/json_control.h"

#include "common/check.h"

namespace fanfare::server {
namespace {

std::size_t form_of(fanout::Framing framing) {
  return (is_json(framing) ? 2U : 0U) + (is_chunked(framing) ? 1U : 0U);
}

}  // namespace

// Its place, or the end of the list: there are only a few names.
std::size_t Heartbeats::find(std::string_view name) const {
  const auto found = std::ranges::find(known_, name, &Known::name);
  return static_cast<std::size_t>(found - known_.begin());
}

bool Heartbeats::fits(std::string_view name, std::size_t names_max) const {
  return name.empty() || count_ < std::min(names_max, kNamesMax) || find(name) < known_.size();
}

Heartbeats::Name Heartbeats::take(std::string_view name) {
  if (name.empty() || !fits(name, kNamesMax)) return kUnseen;
  std::size_t place = find(name);
  if (place == known_.size()) {
    place = find({});  // a free one
    if (place == known_.size()) known_.emplace_back();
    known_[place].name = name;
    write(known_[place]);
    ++count_;
  }
  ++known_[place].uses;
  return static_cast<Name>(place + 1);
}

void Heartbeats::give_back(Name name) {
  if (name == kUnseen) return;
  Known& known = known_[name - 1U];
  CHECK(known.uses > 0, "what is given back was taken");
  if (--known.uses > 0) return;
  known = {};
  --count_;
}

std::string_view Heartbeats::text(fanout::Framing framing, Name name) {
  if (is_raw(framing)) return {};
  if (name == kUnseen) {
    const sse::Wrap wrap = is_chunked(framing) ? sse::Wrap::chunk : sse::Wrap::bare;
    return is_json(framing) ? sse::json_heartbeat(wrap) : sse::heartbeat(wrap);
  }
  Known& known = known_[name - 1U];
  if (known.written != now_) write(known);
  return known.texts[form_of(framing)];
}

void Heartbeats::write(Known& known) const {
  known.written = now_;
  const std::array<std::string, 2> texts = {sse::heartbeat_event_text(known.name, now_),
                                            sse::json_heartbeat_seen(known.name, now_)};
  for (std::size_t form = 0; form < kForms; ++form) {
    known.texts[form].clear();
    sse::append_wrapped(known.texts[form], form % 2 == 1 ? sse::Wrap::chunk : sse::Wrap::bare,
                        texts[form / 2]);
  }
}

}  // namespace fanfare::server
