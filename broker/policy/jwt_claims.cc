// read_claims(): what a token says once its signature is verified (RFC 7519 §4.1).
#include <fmt/format.h>

#include <optional>
#include <utility>

#include "broker/policy/json_object.h"
#include "broker/policy/jwt.h"

#include "common/quotable.h"

namespace fanfare::policy {
namespace {

namespace dom = simdjson::dom;
using std::chrono::seconds;
using std::chrono::sys_seconds;
using MaybeRefusal = std::optional<JwtRefusal>;

// The year 9999: later is no date that somebody meant, and sums stay far from their bounds.
constexpr std::int64_t kLastSecond = 253'402'300'799;

MaybeRefusal refusal(JwtFault fault, std::string reason) {
  return JwtRefusal{fault, std::move(reason)};
}

// NumericDate (RFC 7519 §2): seconds, perhaps with a fraction, which is dropped.
std::optional<sys_seconds> date_of(const dom::element& value) {
  std::int64_t whole = 0;
  if (value.get(whole) != simdjson::SUCCESS) {
    double number = 0;
    if (value.get(number) != simdjson::SUCCESS) return std::nullopt;
    if (!(number >= 0 && number <= static_cast<double>(kLastSecond))) return std::nullopt;
    whole = static_cast<std::int64_t>(number);
  }
  if (whole < 0 || whole > kLastSecond) return std::nullopt;
  return sys_seconds(seconds(whole));
}

// One of "exp", "nbf", "iat" into `date`, if it is there.
MaybeRefusal read_date(const dom::object& claims, std::string_view name,
                       std::optional<sys_seconds>& date) {
  dom::element value;
  if (claims.at_key(name).get(value) != simdjson::SUCCESS) return std::nullopt;
  date = date_of(value);
  if (date) return std::nullopt;
  return refusal(JwtFault::malformed,
                 fmt::format("the token's \"{}\" is not a number of seconds since 1970", name));
}

MaybeRefusal check_dates(const dom::object& claims, const JwtRules& rules, sys_seconds now,
                         sys_seconds& expires) {
  std::optional<sys_seconds> exp;
  std::optional<sys_seconds> nbf;
  std::optional<sys_seconds> iat;
  if (auto wrong = read_date(claims, "exp", exp)) return wrong;
  if (auto wrong = read_date(claims, "nbf", nbf)) return wrong;
  if (auto wrong = read_date(claims, "iat", iat)) return wrong;
  if (!exp) {
    return refusal(JwtFault::not_accepted,
                   "the token has no \"exp\": one that never expires is not accepted");
  }
  expires = *exp + rules.leeway;
  if (now >= expires) {
    return refusal(JwtFault::expired, fmt::format("the token expired {} s ago, \"leeway\" included",
                                                  (now - expires).count()));
  }
  for (const auto& [name, date] : {std::pair("nbf", nbf), std::pair("iat", iat)}) {
    if (date && now + rules.leeway < *date) {
      return refusal(JwtFault::not_valid_yet,
                     fmt::format("the token's \"{}\" is {} s from now, more than the leeway: does "
                                 "the issuer's clock agree with this one?",
                                 name, (*date - now).count()));
    }
  }
  return std::nullopt;
}

MaybeRefusal check_issuer(const dom::object& claims, const JwtRules& rules, std::string& found) {
  std::string_view issuer;
  const bool named = claims.at_key("iss").get(issuer) == simdjson::SUCCESS;
  found = issuer;
  if (rules.issuer.empty()) return std::nullopt;
  if (!named) {
    return refusal(JwtFault::not_accepted,
                   fmt::format("the token has no \"iss\"; [{}] issuer is \"{}\"", rules.section,
                               rules.issuer));
  }
  if (issuer == rules.issuer) return std::nullopt;
  return refusal(JwtFault::not_accepted,
                 fmt::format("the token's \"iss\" is \"{}\"; [{}] issuer is \"{}\"",
                             quotable(issuer), rules.section, rules.issuer));
}

// A string or a list of them (RFC 7519 §4.1.3). A token that is for somebody must be for us.
MaybeRefusal check_audience(const dom::object& claims, const JwtRules& rules) {
  const auto value = claims.at_key("aud");
  if (value.error() != simdjson::SUCCESS) {
    if (rules.audience.empty()) return std::nullopt;
    return refusal(JwtFault::not_accepted,
                   fmt::format("the token has no \"aud\"; [{}] audience is \"{}\"", rules.section,
                               rules.audience));
  }
  std::string_view one;
  dom::array several;
  std::string shown;
  if (value.get(one) == simdjson::SUCCESS) {
    if (!rules.audience.empty() && one == rules.audience) return std::nullopt;
    shown = quotable(one);
  } else if (value.get(several) == simdjson::SUCCESS) {
    for (const dom::element item : several) {
      if (item.get(one) != simdjson::SUCCESS) {
        return refusal(JwtFault::malformed, "the token's \"aud\" holds what is not a string");
      }
      if (!rules.audience.empty() && one == rules.audience) return std::nullopt;
      if (shown.empty()) shown = quotable(one);
    }
  } else {
    return refusal(JwtFault::malformed, "the token's \"aud\" is neither a string nor a list");
  }
  return refusal(JwtFault::not_accepted,
                 rules.audience.empty()
                     ? fmt::format("the token is for \"{}\" (\"aud\"), and no [{}] audience says "
                                   "that this broker is that",
                                   shown, rules.section)
                     : fmt::format("the token is for \"{}\" (\"aud\"); [{}] audience is \"{}\"",
                                   shown, rules.section, rules.audience));
}

MaybeRefusal read_subject(const dom::object& claims, std::string& subject) {
  const auto value = claims.at_key("sub");
  if (value.error() != simdjson::SUCCESS) return std::nullopt;
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) {
    return refusal(JwtFault::malformed, "the token's \"sub\" is not a string");
  }
  if (text.size() > kSubjectBytesMax) {
    return refusal(JwtFault::malformed,
                   fmt::format("the token's \"sub\" has {} bytes; {} are the most", text.size(),
                               kSubjectBytesMax));
  }
  subject = text;
  return std::nullopt;
}

// The claim of this name, else the one at this path.
std::optional<dom::element> find_claim(const dom::object& claims, std::string_view path) {
  dom::element value;
  if (claims.at_key(path).get(value) == simdjson::SUCCESS) return value;
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos;
       dot = path.find('.', dot + 1)) {
    dom::object inner;
    if (claims.at_key(path.substr(0, dot)).get(inner) != simdjson::SUCCESS) continue;
    if (const auto found = find_claim(inner, path.substr(dot + 1))) return found;
  }
  return std::nullopt;
}

MaybeRefusal grant(std::string_view channel, const JwtRules& rules, Grants& grants) {
  if (const std::string problem = grant_problem(channel); !problem.empty()) {
    return refusal(
        JwtFault::no_grants,
        fmt::format("the token's \"{}\" holds \"{}\", which is no channel or pattern: {}",
                    rules.claim, quotable(channel), problem));
  }
  if (grants.channels.size() == kGrantedChannelsMax) {
    return refusal(JwtFault::no_grants,
                   fmt::format("the token's \"{}\" has more than {} entries: use patterns",
                               rules.claim, kGrantedChannelsMax));
  }
  grants.channels.emplace_back(channel);
  return std::nullopt;
}

// One string, or a list of them. A token need not grant channels: a route may be content with
// who its bearer is.
MaybeRefusal read_grants(const dom::object& claims, const JwtRules& rules, Grants& grants) {
  const auto claim = find_claim(claims, rules.claim);
  if (!claim || claim->is_null()) return std::nullopt;
  std::string_view one;
  if (claim->get(one) == simdjson::SUCCESS) return grant(one, rules, grants);
  dom::array several;
  if (claim->get(several) != simdjson::SUCCESS) {
    return refusal(JwtFault::no_grants,
                   fmt::format("the token's \"{}\" is not a list of channels", rules.claim));
  }
  for (const dom::element item : several) {
    if (item.get(one) != simdjson::SUCCESS) {
      return refusal(JwtFault::no_grants,
                     fmt::format("the token's \"{}\" holds what is not a string", rules.claim));
    }
    if (auto wrong = grant(one, rules, grants)) return wrong;
  }
  return std::nullopt;
}

// What cannot be kept is as if it were not there: whether that matters is for others to say.
void keep(const dom::object& claims, const JwtRules& rules, Grants& grants) {
  for (const std::string& name : rules.kept) {
    const auto claim = find_claim(claims, name);
    if (!claim) continue;
    std::string_view text;
    std::int64_t number = 0;
    if (claim->get(text) == simdjson::SUCCESS) {
      if (text.size() <= kSubjectBytesMax) grants.claims.emplace_back(name, text);
    } else if (claim->get(number) == simdjson::SUCCESS) {
      grants.claims.emplace_back(name, std::to_string(number));
    }
  }
}

}  // namespace

std::expected<Grants, JwtRefusal> read_claims(std::string_view text, const JwtRules& rules,
                                              sys_seconds now) {
  dom::parser parser;
  const auto claims = parse_object(parser, text);
  if (!claims) {
    return std::unexpected(
        JwtRefusal{JwtFault::malformed, "the claims object of the token " + claims.error()});
  }
  Grants grants;
  if (auto wrong = check_dates(*claims, rules, now, grants.expires)) return std::unexpected(*wrong);
  if (auto wrong = check_issuer(*claims, rules, grants.issuer)) return std::unexpected(*wrong);
  if (auto wrong = check_audience(*claims, rules)) return std::unexpected(*wrong);
  if (auto wrong = read_subject(*claims, grants.subject)) return std::unexpected(*wrong);
  if (auto wrong = read_grants(*claims, rules, grants)) return std::unexpected(*wrong);
  keep(*claims, rules, grants);
  return grants;
}

}  // namespace fanfare::policy
