// /metrics: everything the broker counts, as Prometheus text. Families follow the tables of
// server/counters.h; a shard's own figures are families of their own (fanfare_shard_...), so that
// a sum over a family never counts a thing twice.
#pragma once

#include <string>

#include "broker/admin/process.h"
#include "broker/server/counters.h"
#include "broker/server/options.h"

namespace fanfare::admin {

// `options` for the limits that are configured; those the Snapshot knows come from there.
std::string metrics_text(const server::Snapshot& now, const server::Options& options,
                         const ProcessFigures& process);

}  // namespace fanfare::admin
