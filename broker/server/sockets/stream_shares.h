// StreamShares: what an event stream holds of its client's quotas.
#pragma once

#include "broker/server/base/quotas.h"

namespace fanfare::server {

struct StreamShares {
  Quotas::Share address = Quotas::kUncounted;
  Quotas::Share token = Quotas::kUncounted;
};

}  // namespace fanfare::server
