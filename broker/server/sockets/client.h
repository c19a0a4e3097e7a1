// Whose request it is (broker/policy/client_address.h), on a listener that may have fronts.
#pragma once

#include "broker/server/base/settings.h"
#include "broker/server/sockets/packed_address.h"
#include "broker/server/sockets/routes.h"

namespace fanfare::server {

struct Client {
  PackedAddress address;
  // A front asks for itself (a health check), or does not say for whom.
  bool front = false;
};

Client client_of(const Request& request, const Settings& settings);

}  // namespace fanfare::server
