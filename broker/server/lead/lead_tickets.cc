// Lead, the part that issues tickets: what may be granted, and for how long.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "broker/policy/grants.h"
#include "broker/server/base/rules.h"
#include "broker/server/lead/lead.h"

#include "common/quotable.h"
#include "common/units.h"
#include "common/utf8.h"

namespace fanfare::server {
namespace {

constexpr Duration kUsualLife = 60s;
constexpr std::string_view kUseless =
    "a ticket would open nothing: every stream is open to everybody here; set [token] keys, or "
    "need "
    "= \"required\" or \"optional\"";
constexpr Duration kLifeMax = 365 * Duration(24h);  // of the stream that a ticket opens

std::unexpected<ingest::Refused> refused(ingest::Refusal kind, std::string sentence) {
  return std::unexpected(ingest::Refused{.kind = kind, .message = std::move(sentence)});
}

// Why nothing can be granted as it was asked for; empty: it can.
std::string problem_of(const ingest::TicketRequest& request) {
  if (request.channels.size() > policy::kGrantedChannelsMax) {
    return fmt::format("a ticket for {} channels; {} are the most: use patterns",
                       request.channels.size(), policy::kGrantedChannelsMax);
  }
  for (const std::string_view channel : request.channels) {
    if (const std::string problem = policy::grant_problem(channel); !problem.empty()) {
      return fmt::format("channel \"{}\": {}", quotable(channel), problem);
    }
  }
  if (request.subject.size() > policy::kSubjectBytesMax) {
    return fmt::format("\"sub\" has {} bytes; {} are the most", request.subject.size(),
                       policy::kSubjectBytesMax);
  }
  if (utf8_prefix_size(request.subject) != request.subject.size()) return "\"sub\" is not UTF-8";
  return {};
}

}  // namespace

std::expected<ingest::Ticket, ingest::Refused> Lead::issue_ticket(
    const ingest::TicketRequest& request) {
  using enum ingest::Refusal;
  const LimitOptions& limits = settings_->limits;
  const Duration life = request.expires.empty()
                            ? std::min(Duration(kUsualLife), limits.ticket_age)
                            : parse_duration(request.expires).value_or(Duration(0));
  std::string problem =
      takes_tickets(settings_.options()) ? problem_of(request) : std::string(kUseless);
  if (problem.empty() && (life < 1s || life > limits.ticket_age)) {
    problem = fmt::format(
        "\"{}\" is not a time within which a ticket is used: write 1s to {} ([limits] ticket_age)",
        quotable(request.expires), format_duration(limits.ticket_age));
  }
  const Duration stream_life =
      request.life.empty() ? Duration(0) : parse_duration(request.life).value_or(Duration(-1));
  if (problem.empty() && !request.life.empty() && (stream_life < 1s || stream_life > kLifeMax)) {
    problem = fmt::format("\"{}\" is not how long a stream may last: write 1s to {}",
                          quotable(request.life), format_duration(kLifeMax));
  }
  if (!problem.empty()) {
    ++counters_.ingest_errors_total;
    return refused(invalid, std::move(problem));
  }
  if (closed_.stopping)
    return refused(unavailable, "the broker is stopping: no ticket is issued any more");
  policy::Grants grants{.subject = std::string(request.subject),
                        .channels = {request.channels.begin(), request.channels.end()},
                        .stream_life = stream_life};
  auto text = switchboard_.tickets.issue(std::move(grants), life, now_, limits.tickets);
  if (!text) {
    ++counters_.tickets_full_total;
    return refused(unavailable,
                   fmt::format("{} tickets wait to be used, as many as [limits] tickets allows: "
                               "try again, or give them less time",
                               limits.tickets));
  }
  ++counters_.tickets_issued_total;
  return ingest::Ticket{.text = *std::move(text), .expires = life};
}

}  // namespace fanfare::server
