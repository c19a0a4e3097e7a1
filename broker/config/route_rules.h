// What must hold of each [[route]], and between them: their paths, methods and channels, where the
// values of variables come from, and that at most one of them is that of a request.
#pragma once

#include "broker/config/diagnostic.h"
#include "broker/server/base/options.h"

namespace fanfare::config {

// Adds a problem for each rule that is broken, at the place where the value was set.
void check_routes(const server::Options& options, Report& report);

}  // namespace fanfare::config
