#include "broker/config/token_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/config/file.h"

#include "common/quotable.h"

namespace fanfare::config {
namespace {

constexpr std::uint64_t kKeyFileBytesMax = 64U << 10U;
constexpr std::uint64_t kJwksBytesMax = 1U << 20U;
constexpr std::uint64_t kAdminTokenBytesMax = 4U << 10U;
constexpr std::size_t kAdminTokenMin = 16;

using policy::Algorithm;
using policy::JwtKeys;

// What a section says of its keys.
struct Source {
  std::string_view section;
  const std::vector<std::string>& files;
  const std::string& jwks;
  std::vector<Algorithm> algorithms;
};

std::vector<Algorithm> algorithms_of(const std::vector<std::string>& names) {
  std::vector<Algorithm> algorithms;
  for (const std::string& name : names) {
    if (const auto algorithm = policy::algorithm_named(name)) algorithms.push_back(*algorithm);
  }
  return algorithms;
}

std::expected<JwtKeys, std::string> read_key(const Source& source, const std::string& path) {
  const auto bytes =
      read_file(path, kKeyFileBytesMax, "it is larger than 64 KiB, too large for a key");
  if (!bytes) return std::unexpected(bytes.error());
  auto keys = policy::read_key_file(*bytes);
  if (!keys) return keys;
  for (const policy::JwtKey& key : keys->keys) {
    if (std::ranges::count(source.algorithms, key.algorithm()) != 0) continue;
    return std::unexpected(fmt::format("it holds a key for {}, which is not in {}.algorithms",
                                       policy::name_of(key.algorithm()), source.section));
  }
  return keys;
}

std::expected<JwtKeys, std::string> read_key_set(const std::string& path,
                                                 const std::vector<Algorithm>& algorithms) {
  const auto text = read_file(path, kJwksBytesMax, "it is larger than 1 MiB, too large for a JWKS");
  if (!text) return std::unexpected(text.error());
  auto keys = policy::read_jwks(*text, algorithms);
  if (!keys || !keys->keys.empty()) return keys;
  return std::unexpected(keys->left_out.empty()
                             ? std::string("it has no keys")
                             : fmt::format("it has no key that a token can be signed with here: {}",
                                           keys->left_out.front()));
}

std::expected<TokenKeys, std::vector<std::string>> read_keys(const Source& source) {
  JwtKeys keys;
  std::vector<std::string> problems;
  const auto take = [&](std::string_view name, const std::string& path,
                        std::expected<JwtKeys, std::string> read) {
    if (read) return keys.add(*std::move(read));
    problems.push_back(fmt::format("[{}] {}: {}: {}", source.section, name, path, read.error()));
  };
  for (const std::string& path : source.files) take("keys", path, read_key(source, path));
  if (!source.jwks.empty()) {
    take("jwks", source.jwks, read_key_set(source.jwks, source.algorithms));
  }
  if (keys.keys.size() > policy::kJwtKeysMax) {
    problems.push_back(fmt::format("[{}] keys and jwks hold {} keys; {} are the most",
                                   source.section, keys.keys.size(), policy::kJwtKeysMax));
  }
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return std::make_shared<const JwtKeys>(std::move(keys));
}

}  // namespace

std::expected<TokenKeys, std::vector<std::string>> read_token_keys(
    const server::TokenOptions& token) {
  if (!token.has_keys()) return nullptr;
  return read_keys({.section = "token",
                    .files = token.keys,
                    .jwks = token.jwks,
                    .algorithms = algorithms_of(token.algorithms)});
}

std::expected<TokenKeys, std::vector<std::string>> read_publish_keys(
    const server::PublishOptions& publish) {
  if (!publish.has_keys()) return nullptr;
  return read_keys({.section = "publish",
                    .files = publish.keys,
                    .jwks = publish.jwks,
                    .algorithms = algorithms_of(publish.algorithms)});
}

std::expected<std::optional<policy::Digest>, std::string> read_admin_token(
    const server::ListenOptions& listen) {
  const std::string& path = listen.admin_token_file;
  if (path.empty()) return std::nullopt;
  const auto problem = [&path](std::string_view what) {
    return std::unexpected(fmt::format("[listen] admin_token_file: {}: {}", path, what));
  };
  const auto text =
      read_file(path, kAdminTokenBytesMax, "it is larger than 4 KiB, too large for a token");
  if (!text) return problem(text.error());
  std::string_view token = *text;
  while (token.ends_with('\n') || token.ends_with('\r')) token.remove_suffix(1);
  const bool plain = std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; });
  if (!plain) return problem("it must hold one line of printable ASCII without blanks");
  if (token.size() < kAdminTokenMin) {
    return problem(fmt::format("it holds {} characters; 16 are the fewest (openssl rand -hex 16)",
                               token.size()));
  }
  return policy::sha256(token);
}

std::string token_keys_text(const TokenKeys& keys) {
  if (keys == nullptr) return {};
  std::string text =
      fmt::format("{} key{}: ", keys->keys.size(), keys->keys.size() == 1 ? "" : "s");
  for (std::size_t i = 0; i < keys->keys.size(); ++i) {
    const policy::JwtKey& key = keys->keys[i];
    if (i > 0) text += ", ";
    text += policy::name_of(key.algorithm());
    if (!key.id().empty()) text += fmt::format(" \"{}\"", quotable(key.id()));
  }
  return text;
}

}  // namespace fanfare::config
