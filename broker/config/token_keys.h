// The keys of [token] and [publish], read from their files: at the start, at each SIGHUP, and by
// `fanfare check`. Apart from the configuration, because a broker that is running keeps its keys if
// the new ones are bad.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/policy/digest.h"
#include "broker/policy/jwt_keys.h"
#include "broker/server/base/options.h"

namespace fanfare::config {

using TokenKeys = std::shared_ptr<const policy::JwtKeys>;

// Null if the section names none. The error is a sentence for each file that is bad.
std::expected<TokenKeys, std::vector<std::string>> read_token_keys(
    const server::TokenOptions& token);
std::expected<TokenKeys, std::vector<std::string>> read_publish_keys(
    const server::PublishOptions& publish);

// What [listen] admin_token_file holds; nothing if there is none.
std::expected<std::optional<policy::Digest>, std::string> read_admin_token(
    const server::ListenOptions& listen);

// "2 keys: EdDSA, ES256 \"2026\""; empty if there are none.
std::string token_keys_text(const TokenKeys& keys);

}  // namespace fanfare::config
