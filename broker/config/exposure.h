// Exposure: what a configuration shows to more than its operator may think. None of it is wrong;
// `fanfare check` and the log say it once, calmly.
#pragma once

#include <string>
#include <vector>

#include "broker/server/base/options.h"

namespace fanfare::config {

// A sentence for each. Looks at the files of keys.
std::vector<std::string> exposures(const server::Options& options);

}  // namespace fanfare::config
