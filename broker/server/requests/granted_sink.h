// GrantedSink: what a publisher that presented a token may do: everything that the Sink behind it
// can, with the channels that the token grants. Every channel of every operation is checked here,
// so that no dialect can forget one.
//
//   publish, finish, delete   the channel has to be granted
//   read about a channel      the same; lists leave out the others
//   issue a ticket            each channel and pattern of it
//   watch                     "**", since notices name every channel
//   what tells of no channel  (version, uptime, counts) anyone with a good token
//
// Thread: the lead's.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "broker/policy/grants.h"
#include "broker/server/base/counters.h"
#include "broker/wire/ingest/sink.h"

namespace fanfare::server {

class GrantedSink final : public ingest::Sink {
 public:
  // All of them outlive this; `grants` may change between two calls.
  GrantedSink(ingest::Sink& behind, const policy::Grants& grants, Counters& counters)
      : behind_(behind), grants_(grants), counters_(counters) {}

  std::expected<ingest::Published, ingest::Refused> publish(const ingest::Publish& event) override;
  void publish_all(std::span<const ingest::Publish> events, const Answer& answer) override;
  std::optional<ingest::Refused> check(const ingest::Change& change) override;
  std::unique_ptr<ingest::Rehearsal> rehearse() override;
  std::expected<void, ingest::Refused> finish(std::string_view channel) override;
  std::expected<bool, ingest::Refused> erase(std::string_view channel) override;
  std::expected<ingest::Ticket, ingest::Refused> issue_ticket(
      const ingest::TicketRequest& request) override;
  std::optional<ingest::Refused> watch_problem() override;
  std::optional<ingest::Refused> name_problem(std::string_view channel) override;
  std::optional<ingest::ChannelState> find(std::string_view channel) override;
  void for_each_channel(const ChannelVisitor& visit) override;
  std::uint64_t subscribers(std::string_view channel) override;
  std::uint64_t pattern_count() override { return behind_.pattern_count(); }
  void for_each_fact(const FactVisitor& visit) override { behind_.for_each_fact(visit); }

 private:
  class Picture;

  bool granted(std::string_view topic) const { return policy::covers(grants_, topic); }
  // Counted: it goes to the publisher.
  std::optional<ingest::Refused> refusal_of(std::string_view topic) const;

  ingest::Sink& behind_;
  const policy::Grants& grants_;
  Counters& counters_;
};

}  // namespace fanfare::server
