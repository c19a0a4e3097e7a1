// Shares: what one client may hold and ask for by a configuration, and who counts as one. For
// `fanfare check`.
#pragma once

#include <string>

#include "broker/server/base/options.h"

namespace fanfare::config {

// Lines, each with its line feed.
std::string shares_text(const server::Options& options);

}  // namespace fanfare::config
