// Access: who may subscribe, publish and look on, by a configuration. For `fanfare check`, so that
// nobody has to work it out from [listen], [token], [subscribe], [publish] and [[route]].
#pragma once

#include <string>

#include "broker/server/base/options.h"

namespace fanfare::config {

// A line for each path and listener, under headings, each with its line feed.
std::string access_text(const server::Options& options);

}  // namespace fanfare::config
