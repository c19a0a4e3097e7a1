// Lead: the writing end of the broker, on the lead shard only. Behind it stands the Sequencer; in
// front of it the three dialects, for which it is the one Sink: every event is validated here,
// numbered, and sealed once a turn into a batch. The batch goes through the Gate, and is posted to
// all shards when it is durable. The ack is written when the event is in the log, and leaves when
// the shards have been told of it.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "broker/fanout/sequencer.h"
#include "broker/policy/event_rules.h"
#include "broker/server/base/gate.h"
#include "broker/server/base/heads.h"
#include "broker/server/base/listing.h"
#include "broker/server/base/settings.h"
#include "broker/server/base/switchboard.h"
#include "broker/server/lead/admission.h"
#include "broker/server/lead/roster.h"
#include "broker/wire/ingest/sink.h"

namespace fanfare::server {

class Lead final : public ingest::Sink, public ChannelSource {
 public:
  // How far the log goes is written into `heads`. All outlive this. `clock` counts ages. `log`: of
  // an earlier life of the broker; null: a new one.
  Lead(fanout::Epoch epoch, const Settings& settings, Switchboard& switchboard, Counters& counters,
       Gate& gate, Heads& heads, const fanout::LogClock& clock = {},
       std::unique_ptr<fanout::Log> log = {});

  // The shard tells the time once a turn; publishes are stamped with it.
  void turn_begins(TimePoint now) {
    now_ = now;
    if (started_ == TimePoint{}) started_ = now;
    closed_.failure = gate_.failure();
    heads_.stopped = !closed_.failure.empty();
  }
  // From now on every change that a publisher asks for is refused: the broker is stopping.
  void stop_publishing() { closed_.stopping = true; }

  // Seals what happened since the last time, if anything did, and hands it to the gate.
  void seal();
  // Posts the oldest batch that is durable and not told yet to the other shards; it is for the
  // lead's own replica as well. Null: there is none.
  fanout::BatchPtr tell();
  // Once a second: ages, idle channels. True: more to do, in the next turn.
  bool expire() { return !heads_.stopped && sequencer_.expire(now_); }
  // Publishers should wait: the log is too far behind what they published, or a shard behind it.
  bool overrun() const;

  // The broker's own events (kAdminChannel), past the rules for publishers.
  void publish_own(std::string_view channel, std::string_view data);

  Roster& roster() { return roster_; }
  const fanout::Sequencer& sequencer() const { return sequencer_; }
  // Fills the log's part of a snapshot.
  void describe(Snapshot& snapshot);

  // ChannelSource: the channels of the log, but the broker's own
  std::uint32_t places() const override { return sequencer_.places(); }
  std::optional<Seen> at(std::uint32_t place) const override;
  std::uint64_t subscribers_of(std::string_view channel) override {
    return roster_.receivers(channel);
  }
  std::string_view epoch() const override { return sequencer_.epoch().text(); }

  // ingest::Sink
  std::expected<ingest::Published, ingest::Refused> publish(const ingest::Publish& event) override;
  void publish_all(std::span<const ingest::Publish> events, const Answer& answer) override;
  std::optional<ingest::Refused> check(const ingest::Change& change) override {
    return admission_.check(change, closed_);
  }
  std::unique_ptr<ingest::Rehearsal> rehearse() override {
    return admission_.rehearse(closed_, now_);
  }
  std::expected<void, ingest::Refused> finish(std::string_view channel) override;
  std::expected<bool, ingest::Refused> erase(std::string_view channel) override;
  std::string_view position() override { return write_id(sequencer_.head()); }
  std::expected<ingest::Ticket, ingest::Refused> issue_ticket(
      const ingest::TicketRequest& request) override;
  std::optional<ingest::Refused> name_problem(std::string_view channel) override;
  std::optional<ingest::ChannelState> find(std::string_view channel) override;
  void for_each_channel(const ChannelVisitor& visit) override;
  std::uint64_t subscribers(std::string_view name) override;
  std::uint64_t pattern_count() override { return roster_.pattern_count(); }
  void for_each_fact(const FactVisitor& visit) override;

 private:
  std::expected<ingest::Published, ingest::Refused> publish(const ingest::Publish& event,
                                                            const fanout::Sequencer::Place& place);
  ingest::ChannelState state_of(std::string_view name,
                                const fanout::Sequencer::ChannelState& state);
  std::string id_text(fanout::Sequence sequence) const;
  // Into id_.
  std::string_view write_id(fanout::Sequence sequence);

  const Settings& settings_;
  Switchboard& switchboard_;
  Counters& counters_;
  Gate& gate_;
  Heads& heads_;
  fanout::Sequencer sequencer_;
  const Admission admission_;
  Roster roster_;
  TimePoint now_{};
  TimePoint started_{};
  std::uint64_t sealed_bytes_ = 0;  // of the log's counter, at the last seal
  std::deque<LogMessage> untold_;   // sealed, oldest first
  std::uint64_t untold_bytes_ = 0;  // of their frames
  TimePoint stalled_since_{};       // the newest of: one was told; the oldest was sealed
  Closed closed_;
  bool rates_known_ = false;  // describe() has looked at every channel
  std::array<char, fanout::EventId::kSizeMax> id_{};
  std::vector<fanout::Sequencer::Coming> coming_;
};

}  // namespace fanfare::server
