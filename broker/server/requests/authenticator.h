// Authenticator: who asks for a stream, by the token in the request: found, verified, remembered.
// It is asked before anything is made for the request, and makes nothing itself but an entry in a
// table that has a bound.
//
// A token comes in the Authorization field (Bearer, RFC 6750 §2.1), in a cookie or in the query;
// two different ones in one request are refused, since somebody on the way may have read the other.
//
// Thread: the shard's.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "broker/policy/grants.h"
#include "broker/server/base/counters.h"
#include "broker/server/base/settings.h"
#include "broker/server/base/tickets.h"
#include "broker/server/requests/token_verifier.h"
#include "broker/wire/http/head.h"

#include "common/log.h"

namespace fanfare::server {

// An answer of 400 or 401.
struct TokenRefusal {
  int status = 401;
  std::string sentence;   // for the client: nothing about our keys; without a full stop
  bool presented = true;  // a token was; false: there is none
};

class Authenticator {
 public:
  Authenticator(const Settings& settings, Counters& counters, Tickets& tickets)
      : settings_(settings),
        counters_(counters),
        tickets_(tickets),
        verifier_(settings, &Options::token_keys, settings.tokens()) {}

  void turn_begins(TimePoint now) { now_ = now; }
  void tell_date(std::chrono::sys_seconds date) { date_ = date; }

  // The grants, valid until the next call; null if there is no token and none is required.
  std::expected<const policy::Grants*, TokenRefusal> ask(const http::RequestHead& head,
                                                         TokenNeed need);
  // The same, but a ticket in the query goes before any token, and is used up whatever becomes of
  // the request.
  std::expected<const policy::Grants*, TokenRefusal> ask_or_use_ticket(
      const http::RequestHead& head, TokenNeed need);

 private:
  std::expected<const policy::Grants*, TokenRefusal> verify(std::string_view token);
  std::expected<const policy::Grants*, TokenRefusal> use(std::string_view ticket);
  void log_refusal(std::string_view reason);

  const Settings& settings_;
  Counters& counters_;
  Tickets& tickets_;
  policy::Grants of_ticket_;  // the last that was used
  TokenVerifier verifier_;
  std::chrono::sys_seconds date_{};
  TimePoint now_{};
  log::Limit log_;
};

inline constexpr std::string_view kTicketParameter = "ticket";

}  // namespace fanfare::server
