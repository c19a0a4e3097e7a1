// PublisherDoor: the Door before a publisher that came over TCP: its token is verified by the keys
// of [publish], and it publishes to the channels that the token grants. Where it has shown a
// certificate, with a name that a [[publish.client]] has, that stands for a token until it presents
// one; from then on the token alone counts.
//
// The token itself is kept while its connection lasts: after a SIGHUP it is verified again, by the
// keys that are there then, before the next request is served. So is the name of a certificate.
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
#include "broker/server/sockets/connection.h"
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
  // What the certificate grants; nothing, with a word in the log: no [[publish.client]] has a name
  // of it.
  std::optional<policy::Grants> look_up(const tls::PeerCertificate& certificate,
                                        std::string_view peer);

 private:
  void log_refusal(std::string_view peer, std::string_view why);

  const Settings& settings_;
  Counters& counters_;
  TokenVerifier verifier_;
  std::chrono::sys_seconds date_{};
  TimePoint now_{};
  log::Limit log_;
};

class PublisherDoor final : public ingest::Door {
 public:
  // `peer`: where the publisher is, for the log; `certificate`: may be null. The others outlive
  // this.
  PublisherDoor(PublisherTokens& tokens, ingest::Sink& behind, std::string peer,
                Certificate certificate)
      : tokens_(tokens),
        peer_(std::move(peer)),
        certificate_(std::move(certificate)),
        granted_(behind, grants_, tokens.counters()) {}

  std::optional<ingest::Refused> present(std::string_view token) override;
  bool open() override;
  ingest::Refused refusal() override;
  void shut() override;
  bool tried_enough() const override;
  ingest::Sink& sink() override { return granted_; }

  // For the next request, which may be another publisher's.
  void stand_before(std::string peer, Certificate certificate);

 private:
  bool open_by_certificate();

  PublisherTokens& tokens_;
  std::string peer_;
  std::string token_;                       // the one that was good last; empty: none
  std::string why_shut_;                    // what became of it; empty: none was presented
  Certificate certificate_;                 // counts until a token is presented
  bool by_token_ = false;                   // one was, good or bad
  std::optional<std::uint32_t> looked_up_;  // the revision of the settings in which it was
  bool known_ = false;                      // …and whether it was found
  std::uint32_t revision_ = 0;              // of the settings that the token was verified by
  std::uint32_t tries_ = 0;                 // bad ones since the last good one
  policy::Grants grants_;
  GrantedSink granted_;
};

}  // namespace fanfare::server
