// Admission: what the log would refuse, and the sentence a publisher gets for it. Lead asks it for
// the sentences; a change that is only planned (a transaction, a list of channels) is tried here,
// and changes nothing.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "broker/fanout/sequencer.h"
#include "broker/policy/event_rules.h"
#include "broker/server/base/counters.h"
#include "broker/server/base/settings.h"
#include "broker/wire/ingest/sink.h"

#include "common/time.h"

namespace fanfare::server {

// Why every change is refused, whatever it is.
struct Closed {
  bool stopping = false;
  std::string_view failure;  // of the gate (Gate::failure)

  explicit operator bool() const { return stopping || !failure.empty(); }
};
ingest::Refused refusal_of(const Closed& closed, ingest::Change::Kind kind);
fanout::Event event_of(const ingest::Publish& event);
// What is checked of an event by itself.
policy::Proposal proposal_of(const ingest::Publish& event);
ingest::Refused refusal_of(policy::Violation problem);
ingest::Refused refusal_of(fanout::PublishError error, std::string_view channel);
// Counts a publish that is refused for it.
void count_refusal(Counters& counters, fanout::PublishError error);

class Admission {
 public:
  // All of them outlive this and its rehearsals.
  Admission(const Settings& settings, const fanout::Sequencer& sequencer, Counters& counters)
      : settings_(settings), sequencer_(sequencer), counters_(counters) {}

  // The contracts of ingest::Sink. A refusal is counted: its reason goes to the publisher.
  std::optional<ingest::Refused> check(const ingest::Change& change, const Closed& closed) const;
  std::unique_ptr<ingest::Rehearsal> rehearse(const Closed& closed, TimePoint now) const;

 private:
  class Picture;

  const Settings& settings_;
  const fanout::Sequencer& sequencer_;
  Counters& counters_;
};

}  // namespace fanfare::server
