// Conversation: one session fed with an input in pieces, and all that came of it.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/ingest/session.h"
#include "tests/wire/ingest/recording_sink.h"
#include "tests/wire/split.h"

namespace fanfare::ingest_test {

struct Outcome {
  std::string replies;
  std::vector<std::string> calls;
  bool closed = false;

  friend bool operator==(const Outcome&, const Outcome&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
    out << outcome.replies << (outcome.closed ? "(closed)" : "(open)");
    for (const std::string& call : outcome.calls) out << "\n  " << call;
    return out;
  }
};

// Feeds all of `input`, then the end; sends replies (that is, takes them) whenever it pauses.
inline Outcome converse(ingest::Dialect dialect, std::string_view input,
                        const wire_test::Cuts& cuts = {},
                        const ingest::SessionOptions& options = {.connection = 7,
                                                                 .version = "1.2.3"}) {
  RecordingSink sink;
  const auto session = ingest::make_session(dialect, sink, options);
  Outcome outcome;
  const auto flush = [&] {
    while (session->paused() && !session->closed()) {
      std::string more;
      session->receive({}, more);
      outcome.replies += more;
    }
  };
  wire_test::feed_in_pieces(input, cuts, [&](std::string_view piece) {
    std::string out;
    session->receive(piece, out);
    outcome.replies += out;
    flush();
  });
  std::string out;
  session->end_of_input(out);
  outcome.replies += out;
  outcome.calls = sink.calls;
  outcome.closed = session->closed();
  return outcome;
}

// The same however the input is cut, and however early the session pauses.
inline Outcome converse_in_every_split(ingest::Dialect dialect, std::string_view input,
                                       std::size_t event_bytes = 64U << 10U) {
  const ingest::SessionOptions options{
      .event_bytes = event_bytes, .connection = 7, .version = "1.2.3"};
  const Outcome outcome = wire_test::expect_same_for_every_split(
      input, [&](const wire_test::Cuts& cuts) { return converse(dialect, input, cuts, options); });
  ingest::SessionOptions hasty = options;
  hasty.reply_bytes = 1;
  EXPECT_EQ(converse(dialect, input, {}, hasty), outcome) << "pausing after every reply";
  return outcome;
}

}  // namespace fanfare::ingest_test
