// What must hold between the values of a configuration, and what their strings may look like: all
// that a single key's type and bounds cannot say.
#pragma once

#include <string>
#include <vector>

#include "broker/config/diagnostic.h"
#include "broker/server/base/options.h"

namespace fanfare::config {

// Adds a problem for each rule that is broken, at the place where the value was set.
void check_rules(const server::Options& options, Report& report);

// What is allowed and unwise: a sentence each, for `fanfare check` and the log.
std::vector<std::string> warnings(const server::Options& options);

}  // namespace fanfare::config
