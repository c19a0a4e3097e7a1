// The admin listener's pages: health, metrics, the live page and the data screen. cli/serve makes
// one and gives it to server::Broker, which carries its bytes.
#pragma once

#include <memory>

#include "broker/server/admin_surface.h"
#include "broker/server/options.h"

namespace fanfare::admin {

// `options` as the broker was started with: /metrics shows the limits, /screen the listeners.
std::unique_ptr<server::AdminSurface> make_surface(const server::Options& options = {});

}  // namespace fanfare::admin
