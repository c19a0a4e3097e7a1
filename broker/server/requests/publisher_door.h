// PublisherDoor: the Door before a publisher that came over TCP: its token is verified by the keys
// of [publish], and it publishes to the channels that the token grants.
//
// The token itself is kept while its connection lasts: after a SIGHUP it is verified again, by the
// keys that are there then, before the next request is served.
//
// Thread: the lead's.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/policy/grants.h"
#include "broker/policy/jwt.h"
#include "broker/server/base/counters.h"
#include "broker/server/base/settings.h"
#include "broker/server/requests/granted_sink.h"
#include "broker/server/requests/token_verifier.h"
#include "broker/wire/ingest/door.h"

#include "common/log.h"
#include "common/time.h"

namespace fanfare::server {

// What the doors of all publishers have in common.
class PublisherTokens {
 public:
  PublisherTokens(const Settings& settings, Counters& counters)
      : settings_(settings),
        counters_(counters),
        verifier_(settings, &Options::publish_keys, settings.publish_tokens()) {}

  void turn_begins(TimePoint now) { now_ = now; }
  void tell_date(std::chrono::sys_seconds date) { date_ = date; }

  const Settings& settings() const { return settings_; }
  Counters& counters() { return counters_; }
  std::chrono::sys_seconds date() const { return date_; }
  // Counted, and logged if it is not good. `peer` presents it.
  std::expected<policy::Grants, policy::JwtRefusal> verify(std::string_view token,
                                                           std::string_view peer);

 private:
  const Settings& settings_;
  Counters& counters_;
  TokenVerifier verifier_;
  std::chrono::sys_seconds date_{};
  TimePoint now_{};
  log::Limit log_;
};

class PublisherDoor final : public ingest::Door {
 public:
  // `peer`: where the publisher is, for the log. All of them outlive this.
  PublisherDoor(PublisherTokens& tokens, ingest::Sink& behind, std::string peer)
      : tokens_(tokens), peer_(std::move(peer)), granted_(behind, grants_, tokens.counters()) {}

  std::optional<ingest::Refused> present(std::string_view token) override;
  bool open() override;
  ingest::Refused refusal() override;
  void shut() override;
  bool tried_enough() const override;
  ingest::Sink& sink() override { return granted_; }

  // For the next request, which may be another publisher's.
  void stand_before(std::string peer);

 private:
  PublisherTokens& tokens_;
  std::string peer_;
  std::string token_;           // the one that was good last; empty: none
  std::string why_shut_;        // what became of it; empty: none was presented
  std::uint32_t revision_ = 0;  // of the settings that it was verified by
  std::uint32_t tries_ = 0;     // bad ones since the last good one
  policy::Grants grants_;
  GrantedSink granted_;
};

}  // namespace fanfare::server
