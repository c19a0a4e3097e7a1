// Access: which clients may subscribe to what, by a configuration. For `fanfare check`, so that
// nobody has to work it out from [token], [subscribe] and [[route]].
#pragma once

#include <string>

#include "broker/server/base/options.h"

namespace fanfare::config {

// A line for each path on which streams are served, each with its line feed.
std::string access_text(const server::Options& options);

}  // namespace fanfare::config
