#include "broker/config/exposure.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "broker/config/file.h"
#include "broker/policy/hosts.h"
#include "broker/policy/jwt_keys.h"
#include "broker/server/base/listen_address.h"
#include "broker/server/base/rules.h"
#include "broker/server/base/upstream_address.h"

namespace fanfare::config {
namespace {

using server::Options;
using server::TokenNeed;

constexpr std::uint64_t kKeyFileBytesMax = 1U << 20U;

// Whether somebody who reads the file could sign tokens.
bool is_secret(const std::string& path, bool key_set) {
  const auto text = read_file(path, kKeyFileBytesMax, "it is too large");
  if (!text) return false;  // which is said elsewhere
  const auto keys = key_set ? policy::read_jwks(*text, {{policy::Algorithm::hs256}})
                            : policy::read_key_file(*text);
  return keys &&
         std::ranges::count(keys->keys, policy::Algorithm::hs256, &policy::JwtKey::algorithm) != 0;
}

// Empty: only those read the file who should. A group is fine if it is the broker's own, or what
// lets the broker read another user's file.
std::string_view readers_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {};
  if ((status.st_mode & S_IROTH) != 0) return "every user of this machine";
  const bool needed = status.st_uid != ::geteuid() || status.st_gid == ::getegid();
  return (status.st_mode & S_IRGRP) != 0 && !needed ? "its group" : "";
}

template <class Section>
void look_at_keys(std::string_view name, const Section& section,
                  std::vector<std::string>& sentences) {
  const auto look = [&](const std::string& path, bool key_set) {
    const std::string_view readers = readers_of(path);
    if (readers.empty() || !is_secret(path, key_set)) return;
    sentences.push_back(fmt::format(
        "[{}] {} holds a secret, and {} can read it: with it one can sign tokens (chmod 0600, or "
        "use a public key)",
        name, path, readers));
  };
  for (const std::string& path : section.keys) look(path, false);
  if (!section.jwks.empty()) look(section.jwks, true);
}

bool everything_is_open(const Options& options) {
  const auto& allow = options.subscribe.allow;
  return options.subscribe.events && std::ranges::find(allow, "**") != allow.end() &&
         server::token_need(options, nullptr) != TokenNeed::required;
}

}  // namespace

std::vector<std::string> exposures(const Options& options) {
  std::vector<std::string> sentences;
  const std::string& admin = options.listen.admin;
  const std::string& admin_token = options.listen.admin_token_file;
  if (!admin.empty() && !policy::is_loopback(admin) && admin_token.empty()) {
    sentences.push_back(
        fmt::format("[listen] admin is {}: who reaches that sees the metrics and the live pages, "
                    "with names of channels and addresses of clients; set [listen] "
                    "admin_token_file (without it /api is refused there)",
                    admin));
  } else if (!admin.empty() && !policy::is_loopback(admin)) {
    sentences.push_back(
        fmt::format("[listen] admin is {}: its token travels there in the clear, unless a proxy "
                    "or a private network protects it",
                    admin));
  }
  if (const std::string_view readers = admin_token.empty() ? "" : readers_of(admin_token);
      !readers.empty()) {
    sentences.push_back(
        fmt::format("[listen] {} holds the operators' token, and {} can read it (chmod 0600)",
                    admin_token, readers));
  }
  std::vector<std::string> http = options.listen.http;
  http.insert(http.end(), options.listen.https.begin(), options.listen.https.end());
  const auto outside = std::ranges::find_if(http, [](const auto& address) {
    return !policy::is_loopback(address) && !server::socket_path(address).has_value();
  });
  if (outside != http.end() && everything_is_open(options)) {
    sentences.push_back(
        fmt::format("whoever reaches {} may subscribe to every channel, which is right for public "
                    "data; otherwise see [token], and [subscribe] allow",
                    *outside));
  }
  for (const std::string& address : options.publish.listen) {
    if (policy::is_loopback(address)) continue;
    sentences.push_back(
        fmt::format("[publish] listen has {}: tokens and events travel there in the clear, unless "
                    "a proxy or a private network protects them",
                    address));
  }
  for (const server::RouteRule& route : options.routes) {
    const auto upstream = server::parse_upstream(route.upstream);
    if (!upstream || upstream->kind == server::UpstreamAddress::Kind::path ||
        policy::is_loopback(upstream->place)) {
      continue;
    }
    sentences.push_back(
        fmt::format("[[route]] path \"{}\" asks {} in the clear: cookies and tokens of clients "
                    "travel there",
                    route.path, route.upstream));
  }
  look_at_keys("token", options.token, sentences);
  look_at_keys("publish", options.publish, sentences);
  return sentences;
}

}  // namespace fanfare::config
