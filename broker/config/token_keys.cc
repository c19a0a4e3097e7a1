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

using policy::Algorithm;
using policy::JwtKeys;

std::vector<Algorithm> algorithms_of(const server::TokenOptions& token) {
  std::vector<Algorithm> algorithms;
  for (const std::string& name : token.algorithms) {
    if (const auto algorithm = policy::algorithm_named(name)) algorithms.push_back(*algorithm);
  }
  return algorithms;
}

std::expected<JwtKeys, std::string> read_key(const std::string& path,
                                             const std::vector<Algorithm>& algorithms) {
  const auto bytes =
      read_file(path, kKeyFileBytesMax, "it is larger than 64 KiB, too large for a key");
  if (!bytes) return std::unexpected(bytes.error());
  auto keys = policy::read_key_file(*bytes);
  if (!keys) return keys;
  for (const policy::JwtKey& key : keys->keys) {
    if (std::ranges::find(algorithms, key.algorithm()) != algorithms.end()) continue;
    return std::unexpected(fmt::format("it holds a key for {}, which is not in token.algorithms",
                                       policy::name_of(key.algorithm())));
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

}  // namespace

std::expected<TokenKeys, std::vector<std::string>> read_token_keys(
    const server::TokenOptions& token) {
  if (!token.has_keys()) return nullptr;
  const std::vector<Algorithm> algorithms = algorithms_of(token);
  JwtKeys keys;
  std::vector<std::string> problems;
  const auto take = [&](std::string_view name, const std::string& path,
                        std::expected<JwtKeys, std::string> read) {
    if (read) return keys.add(*std::move(read));
    problems.push_back(fmt::format("[token] {}: {}: {}", name, path, read.error()));
  };
  for (const std::string& path : token.keys) take("keys", path, read_key(path, algorithms));
  if (!token.jwks.empty()) take("jwks", token.jwks, read_key_set(token.jwks, algorithms));
  if (keys.keys.size() > policy::kJwtKeysMax) {
    problems.push_back(fmt::format("[token] keys and jwks hold {} keys; {} are the most",
                                   keys.keys.size(), policy::kJwtKeysMax));
  }
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return std::make_shared<const JwtKeys>(std::move(keys));
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
