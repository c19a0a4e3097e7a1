// The admin listener's pages: health, metrics, the live page and the data screen. cli/serve makes
// one and gives it to server::Broker, which carries its bytes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/server/base/admin_surface.h"

namespace fanfare::admin {

// `limits` turns the options in force into the limits that /metrics shows. Until the broker reports
// where it listens, /screen uses `http`.
std::unique_ptr<server::AdminSurface> make_surface(std::vector<std::string> http = {},
                                                   server::LimitFigures limits = {});

}  // namespace fanfare::admin
