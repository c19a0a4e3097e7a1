#include "broker/server/requests/operator_gate.h"

#include <algorithm>

#include "broker/policy/base64url.h"
#include "broker/policy/digest.h"
#include "broker/policy/hosts.h"
#include "broker/server/requests/bearer.h"

#include "common/letters.h"

namespace fanfare::server {
namespace {

// A password comes in the other of the two alphabets (RFC 4648 §4, not §5).
std::optional<std::string> decoded(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string url(text);
  std::ranges::replace(url, '+', '-');
  std::ranges::replace(url, '/', '_');
  return policy::base64url_decoded(url);
}

bool is_probe(std::string_view path) {
  return path == "/healthz" || path == "/readyz";
}

}  // namespace

std::optional<std::string> basic_password(std::string_view field) {
  constexpr std::string_view kScheme = "basic ";
  if (!same_ignoring_case(field.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  field.remove_prefix(kScheme.size());
  while (field.starts_with(' ')) field.remove_prefix(1);
  const auto credentials = decoded(field);
  if (!credentials) return std::nullopt;
  const std::size_t colon = credentials->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return credentials->substr(colon + 1);
}

std::optional<GateRefusal> refused_operator(const http::RequestHead& head,
                                            const Settings& settings) {
  if (is_probe(head.path)) return std::nullopt;
  if (!settings->admin_token) {
    const bool open =
        policy::is_loopback(settings->listen.admin) || !head.path.starts_with("/api/");
    if (open) return std::nullopt;
    return GateRefusal{403,
                       "elsewhere than on loopback, /api needs a token: set [listen] "
                       "admin_token_file"};
  }
  const std::string_view field = head.value("authorization");
  std::optional<std::string> shown = basic_password(field);
  if (const auto bearer = bearer_token(head)) shown = *bearer;
  if (shown && policy::same_digest(policy::sha256(*shown), *settings->admin_token)) {
    return std::nullopt;
  }
  return GateRefusal{401, shown ? "this is not the token of [listen] admin_token_file"
                                : "show the token of [listen] admin_token_file: as a bearer "
                                  "token, or as the password of any user"};
}

}  // namespace fanfare::server
