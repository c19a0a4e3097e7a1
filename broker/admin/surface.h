// The admin listener's pages: health, metrics and the live pages. cli/serve makes one and gives it
// to server::Broker, which carries its bytes.
#pragma once

#include <memory>

#include "broker/server/base/admin_surface.h"

namespace fanfare::admin {

// `limits` turns the options in force into the limits that /metrics shows.
std::unique_ptr<server::AdminSurface> make_surface(server::LimitFigures limits = {});

}  // namespace fanfare::admin
