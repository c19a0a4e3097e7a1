#include "broker/policy/jwt.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "broker/policy/base64url.h"
#include "broker/policy/json_object.h"

#include "common/quotable.h"

namespace fanfare::policy {
namespace {

namespace dom = simdjson::dom;

std::unexpected<JwtRefusal> refused(JwtFault fault, std::string reason) {
  return std::unexpected(JwtRefusal{fault, std::move(reason)});
}

struct Parts {
  std::string_view header, claims, signature;
  std::string_view signed_text;  // header and claims, with the dot
};

std::optional<Parts> split(std::string_view token) {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  if (token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return Parts{.header = token.substr(0, first),
               .claims = token.substr(first + 1, second - first - 1),
               .signature = token.substr(second + 1),
               .signed_text = token.substr(0, second)};
}

struct Header {
  Algorithm algorithm{};
  std::string kid;  // empty: none
};

// "EdDSA, HS256": those that one of the keys is used with.
std::string algorithms_of(const JwtKeys& keys) {
  std::string text;
  for (const Algorithm algorithm :
       {Algorithm::eddsa, Algorithm::es256, Algorithm::rs256, Algorithm::hs256}) {
    if (std::ranges::count(keys.keys, algorithm, &JwtKey::algorithm) == 0) continue;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", name_of(algorithm));
  }
  return text.empty() ? "nothing" : text;
}

std::expected<Header, JwtRefusal> read_header(std::string_view encoded, const JwtKeys& keys) {
  const auto text = base64url_decoded(encoded);
  if (!text) return refused(JwtFault::malformed, "the token's header is not base64url");
  dom::parser parser;
  const auto object = parse_object(parser, *text);
  if (!object) return refused(JwtFault::malformed, "the token's header " + object.error());
  std::string_view name;
  if (object->at_key("alg").get(name) != simdjson::SUCCESS) {
    return refused(JwtFault::malformed, "the token's header has no \"alg\"");
  }
  const auto algorithm = algorithm_named(name);
  if (!algorithm) {
    return refused(JwtFault::not_accepted,
                   fmt::format("the token's algorithm is \"{}\"; the keys are for {}",
                               quotable(name), algorithms_of(keys)));
  }
  // RFC 7515 §4.1.11: extensions that must be understood, and none is here.
  if (object->at_key("crit").error() == simdjson::SUCCESS) {
    return refused(JwtFault::not_accepted,
                   "the token's header has \"crit\": it demands an extension that is not known");
  }
  Header header{.algorithm = *algorithm, .kid = {}};
  const auto kid = object->at_key("kid");
  std::string_view id;
  if (kid.error() != simdjson::SUCCESS) return header;
  if (kid.get(id) != simdjson::SUCCESS) {
    return refused(JwtFault::malformed, "the token's \"kid\" is not a string");
  }
  header.kid = id;
  return header;
}

// Keys without an id are tried whatever the token says, those with one only if it names them, or
// none.
std::optional<JwtRefusal> check_signature(const Header& header, const Parts& parts,
                                          const JwtKeys& keys) {
  const auto signature = base64url_decoded(parts.signature);
  if (!signature || signature->empty()) {
    return JwtRefusal{JwtFault::malformed, "the token's signature is not base64url, or not there"};
  }
  std::size_t tried = 0;
  for (const JwtKey& key : keys.keys) {
    if (key.algorithm() != header.algorithm) continue;
    if (!header.kid.empty() && !key.id().empty() && key.id() != header.kid) continue;
    if (key.verifies(parts.signed_text, *signature)) return std::nullopt;
    ++tried;
  }
  const std::string named = header.kid.empty()
                                ? std::string("no \"kid\"")
                                : fmt::format("the \"kid\" \"{}\"", quotable(header.kid));
  if (tried == 0) {
    return JwtRefusal{
        JwtFault::not_accepted,
        fmt::format("there is no key for the token's algorithm {} and {}; the keys are "
                    "for {}",
                    name_of(header.algorithm), named, algorithms_of(keys))};
  }
  return JwtRefusal{JwtFault::not_accepted,
                    fmt::format("the token's signature ({}, {}) is not that of any of our keys",
                                name_of(header.algorithm), named)};
}

}  // namespace

std::string_view sentence_of(JwtFault fault) {
  static constexpr std::array<std::string_view, 5> kSentences = {
      "the token is malformed", "the token is not accepted here", "the token has expired",
      "the token is not valid yet", "the token grants no channels in the way that is known here"};
  return kSentences[static_cast<std::size_t>(fault)];
}

std::expected<Grants, JwtRefusal> verify_jwt(std::string_view token, const JwtKeys& keys,
                                             const JwtRules& rules, std::chrono::sys_seconds now) {
  if (token.size() > rules.bytes_max) {
    return refused(JwtFault::malformed,
                   fmt::format("the token has {} bytes; [limits] token_bytes allows {}",
                               token.size(), rules.bytes_max));
  }
  const auto parts = split(token);
  if (!parts) {
    return refused(JwtFault::malformed,
                   "the token is not three parts with a dot between each (compact JWS)");
  }
  const auto header = read_header(parts->header, keys);
  if (!header) return std::unexpected(header.error());
  if (auto refusal = check_signature(*header, *parts, keys)) {
    return std::unexpected(*std::move(refusal));
  }
  const auto claims = base64url_decoded(parts->claims);
  if (!claims) return refused(JwtFault::malformed, "the token's claims are not base64url");
  return read_claims(*claims, rules, now);
}

}  // namespace fanfare::policy
