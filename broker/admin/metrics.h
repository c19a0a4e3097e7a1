// /metrics: everything the broker counts, as Prometheus text. Families follow the tables of
// server/base/counters.h; a shard's own figures are families of their own (fanfare_shard_...), so
// that a sum over a family never counts a thing twice.
#pragma once

#include <string>
#include <vector>

#include "broker/admin/process.h"
#include "broker/server/base/admin_surface.h"
#include "broker/server/base/counters.h"

namespace fanfare::admin {

// `limits` come from the options in force; the number of connections that fit is in the Snapshot.
std::string metrics_text(const server::Snapshot& now,
                         const std::vector<server::LimitFigure>& limits,
                         const ProcessFigures& process);

}  // namespace fanfare::admin
