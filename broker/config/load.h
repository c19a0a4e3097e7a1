// From broker.toml and --set to Options, or to everything that is wrong with them. The whole text
// is read whatever is wrong with it, so that one run of `fanfare check` reports every problem.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/config/diagnostic.h"
#include "broker/server/base/options.h"

namespace fanfare::config {

using Loaded = std::expected<server::Options, std::vector<Diagnostic>>;

// Reads the file at `path` (empty: none, the defaults) and then the overrides, each "key=value" as
// in --set ("delivery.heartbeat=5s", "listen.http=127.0.0.1:0,[::1]:0"). A file that cannot be read
// is a problem like any other.
Loaded load(const std::string& path, std::span<const std::string> overrides = {});

// The same for a text that is already in memory; `source` is its name in problems.
Loaded parse(std::string_view text, std::string_view source,
             std::span<const std::string> overrides = {});

}  // namespace fanfare::config
