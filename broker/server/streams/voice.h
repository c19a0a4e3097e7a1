// Voice: what a stream says besides events, in the form that its events have: the lines and events
// of an event stream (wire/sse/control.h), lines of JSON (json_control.h), or nothing where a
// stream carries payload bytes only. What is said is appended to `out`, wrapped as the framing
// wants it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/fanout/cursor.h"
#include "broker/fanout/span.h"
#include "broker/wire/sse/control.h"
#include "broker/wire/sse/position.h"

#include "common/time.h"

namespace fanfare::server {

// Why a reader that was not slow finds events missing.
inline sse::GapReason reason_of(const fanout::Gap& gap) {
  return gap.thinned ? sse::GapReason::conflated : sse::GapReason::evicted;
}

// Whether a reader may go on with what it has of channels that keep the latest of each key: what is
// missing is of others. (Of older values alone, the reason says so.)
inline bool keys_kept(const fanout::Gap& gap, bool keeps_keys) {
  return keeps_keys && !gap.removals && !gap.thinned;
}

class Voice {
 public:
  // Where the stream is compressed, what is said is the text that is still to be.
  explicit Voice(fanout::Framing framing)
      : framing_(is_gzipped(framing) ? text_form(framing) : framing) {}

  // What comes first. `form`: how a new client is given its position `id`; none: it is not.
  void open(std::string& out, Duration retry, std::optional<sse::PositionForm> form,
            std::string_view id) const;
  // Parts of that, where they are said apart: in the answer to a poll.
  void retry(std::string& out, Duration retry) const;
  void position(std::string& out, std::optional<sse::PositionForm> form, std::string_view id) const;
  // `type`: [delivery] gap_event. False: this form has no words for it.
  bool gap(std::string& out, std::string_view type, const sse::GapEvent& gap) const;
  // `type`: [delivery] end_event.
  void end(std::string& out, std::string_view type) const;
  // The last words of a stream that breaks off: when its client is to come back, and why, for
  // people (one line; empty: it is not said).
  void come_back(std::string& out, Duration retry, std::string_view reason = {}) const;
  // All that is said on a stream that is not begun; for whom `id` is empty, nothing of a position.
  void overload(std::string& out, Duration retry, std::optional<sse::PositionForm> form,
                std::string_view id, std::string_view reason) const;

  // The end of a body of which nothing is missing.
  std::string_view clean_end() const { return sse::clean_end(wrap()); }

 private:
  sse::Wrap wrap() const { return is_chunked(framing_) ? sse::Wrap::chunk : sse::Wrap::bare; }
  bool is_event_stream() const { return !is_raw(framing_) && !is_json(framing_); }
  void say(std::string& out, std::string_view text) const {
    sse::append_wrapped(out, wrap(), text);
  }

  fanout::Framing framing_;
};

}  // namespace fanfare::server
