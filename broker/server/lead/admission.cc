#include "broker/server/lead/admission.h"

#include <fmt/format.h>

#include <unordered_map>
#include <utility>

#include "broker/fanout/key_trial.h"

namespace fanfare::server {

using ingest::Change;
using ingest::Refusal;
using ingest::Refused;

ingest::Refused refusal_of(const Closed& closed, Change::Kind kind) {
  const std::string_view what = kind == Change::Kind::finish  ? "finish the channel"
                                : kind == Change::Kind::erase ? "delete the channel"
                                                              : "publish";
  if (!closed.stopping) {
    return {Refusal::unavailable,
            fmt::format("the journal cannot be written ({}); {} again when the broker was started "
                        "anew",
                        closed.failure, what)};
  }
  return {Refusal::unavailable,
          fmt::format("the broker is stopping; {} again when it is back", what)};
}

fanout::Event event_of(const ingest::Publish& event) {
  return {.type = event.type, .data = event.data, .retry_ms = event.retry_ms, .key = event.key};
}

policy::Proposal proposal_of(const ingest::Publish& event) {
  return {.channel = event.channel,
          .type = event.type,
          .data = event.data,
          .retry_ms = event.retry_ms,
          .key = event.key,
          .idempotency_key = event.idempotency_key};
}

ingest::Refused refusal_of(policy::Violation problem) {
  const bool too_large = problem.kind == policy::Violation::Kind::too_large;
  return {too_large ? Refusal::too_large : Refusal::invalid, std::move(problem.sentence)};
}

ingest::Refused refusal_of(fanout::PublishError error, std::string_view channel) {
  using enum fanout::PublishError;
  switch (error) {
    case channel_finished:
      return {Refusal::finished,
              fmt::format("channel {} was finished; delete it to publish to it again", channel)};
    case too_many_channels:
      return {Refusal::unavailable,
              "the broker has as many channels as [limits] channels allows; publish to an existing "
              "one, or raise the limit"};
    case keeps_no_keys:
      return {Refusal::invalid,
              fmt::format("channel {} keeps no keys; publish without a key, or set keep = "
                          "\"latest\" in its [[channel]]",
                          channel)};
    case too_many_keys:
      return {Refusal::unavailable,
              fmt::format("channel {} has as many keys as keys_max in its [[channel]] allows; "
                          "remove some, or raise the limit",
                          channel)};
    case type_of_removals:
      return {Refusal::invalid,
              fmt::format("the event name \"removed\" is reserved in channel {}, which keeps the "
                          "latest event of each key: choose another name, or publish no data to "
                          "remove the key",
                          channel)};
    case keys_too_large:
      return {Refusal::unavailable,
              fmt::format("the latest values of channel {} take as many bytes as keys_bytes in its "
                          "[[channel]], or a quarter of [history] total_bytes, allows; remove some "
                          "keys, or raise the limit",
                          channel)};
  }
  std::unreachable();
}

void count_refusal(Counters& counters, fanout::PublishError error) {
  ++counters.ingest_errors_total;
  if (error == fanout::PublishError::too_many_channels) ++counters.ingest_channels_full_total;
}

namespace {

bool publishes(Change::Kind kind) {
  return kind == Change::Kind::publish || kind == Change::Kind::publish_if_there;
}

std::optional<Refused> refusal_by_itself(const Change& change, const policy::EventLimits& limits,
                                         const Closed& closed) {
  if (closed) return refusal_of(closed, change.kind);
  auto problem = publishes(change.kind) ? policy::event_problem(proposal_of(change.event), limits)
                                        : policy::channel_problem(change.event.channel);
  if (problem) return refusal_of(std::move(*problem));
  return std::nullopt;
}

}  // namespace

std::optional<Refused> Admission::check(const Change& change, const Closed& closed) const {
  auto refused = refusal_by_itself(change, settings_.events(), closed);
  if (refused) ++counters_.ingest_errors_total;
  return refused;
}

// The log, with what the changes so far would have made of it: only the channels that differ.
class Admission::Picture final : public ingest::Rehearsal {
 public:
  Picture(const Admission& admission, const Closed& closed, TimePoint now)
      : admission_(admission), closed_(closed), now_(now), keys_(admission.sequencer_) {}

  std::optional<Refused> add(const Change& change) override {
    auto refused = refusal(change);
    if (refused) ++admission_.counters_.ingest_errors_total;
    return refused;
  }
  bool repeats(const ingest::Publish& event) const override {
    return admission_.sequencer_.repeats(event.channel, event.idempotency_key, now_);
  }

 private:
  struct Standing {
    bool there = false;
    bool finished = false;
  };

  Standing standing(std::string_view channel) const {
    if (const auto changed = changed_.find(channel); changed != changed_.end()) {
      return changed->second;
    }
    const auto state = admission_.sequencer_.find(channel);
    return {.there = state.has_value(), .finished = state && state->finished};
  }

  std::optional<Refused> refusal(const Change& change) {
    if (auto refused = refusal_by_itself(change, admission_.settings_.events(), closed_)) {
      return refused;
    }
    const std::string_view channel = change.event.channel;
    const Standing now = standing(channel);
    const bool appears =
        !now.there && (change.kind == Change::Kind::publish || change.kind == Change::Kind::finish);
    if (!now.there && !appears) return std::nullopt;
    if (appears && !admission_.sequencer_.room_for(appeared_ + 1)) {
      ++admission_.counters_.ingest_channels_full_total;
      return refusal_of(fanout::PublishError::too_many_channels, channel);
    }
    if (publishes(change.kind)) {
      // Published before it was finished: a repeat is answered, not published.
      if (!appears && repeats(change.event)) return std::nullopt;
      if (now.finished) return refusal_of(fanout::PublishError::channel_finished, channel);
      if (const auto error = keys_.publish(channel, event_of(change.event))) {
        return refusal_of(*error, channel);
      }
      if (!appears) return std::nullopt;
    } else if (change.kind == Change::Kind::erase) {
      keys_.erase(channel);
    }
    if (appears) ++appeared_;
    changed_[channel] = {.there = true, .finished = change.kind == Change::Kind::finish};
    return std::nullopt;
  }

  const Admission& admission_;
  const Closed closed_;
  const TimePoint now_;
  fanout::KeyTrial keys_;
  std::size_t appeared_ = 0;
  std::unordered_map<std::string_view, Standing> changed_;
};

std::unique_ptr<ingest::Rehearsal> Admission::rehearse(const Closed& closed, TimePoint now) const {
  return std::make_unique<Picture>(*this, closed, now);
}

}  // namespace fanfare::server
