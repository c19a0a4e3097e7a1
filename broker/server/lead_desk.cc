#include "broker/server/lead_desk.h"

#include <algorithm>
#include <utility>

namespace fanfare::server {
namespace {

http::Limits publish_limits(const Options& options) {
  http::Limits limits;
  limits.body_bytes = std::max(options.limits.ingest_batch_bytes, options.limits.event_bytes);
  return limits;
}

}  // namespace

LeadDesk::LeadDesk(const Parts& parts, fanout::Epoch epoch,
                   const std::shared_ptr<const Options>& options, const HttpPort::Bounds& bounds)
    : switchboard_(parts.switchboard),
      surface_(parts.surface),
      publish_limits_(publish_limits(*options)),
      lead_(epoch, options, parts.switchboard, parts.counters),
      publish_routes_(*options, lead_),
      publish_port_(parts.connections, parts.courier, parts.counters, publish_limits_, bounds,
                    publish_routes_),
      ingest_port_(parts.connections, parts.courier, parts.counters, publish_port_, lead_,
                   parts.switchboard, options) {
  // Who asks before the first second has passed is told what runs, too.
  lead_.describe(snapshot_);
  snapshot_.backend = parts.backend;
  snapshot_.connections_max = parts.connections_max;
  if (surface_ == nullptr) return;
  admin_routes_ = std::make_unique<AdminRoutes>(
      options, *surface_, parts.streams, [this]() -> const Snapshot& { return fresh_snapshot(); });
  admin_port_ = std::make_unique<HttpPort>(parts.connections, parts.courier, parts.counters,
                                           admin_limits_, bounds, *admin_routes_);
}

void LeadDesk::take_settings(const std::shared_ptr<const Options>& options,
                             const HttpPort::Bounds& bounds) {
  publish_port_.take_bounds(bounds);
  if (admin_port_) admin_port_->take_bounds(bounds);
  lead_.take_settings(options);
  publish_limits_ = publish_limits(*options);
  publish_routes_.take_settings(*options);
  ingest_port_.take_settings(options);
  if (admin_routes_) admin_routes_->take_settings(options);
}

void LeadDesk::collect_shards() {
  const std::lock_guard lock(switchboard_.board);
  snapshot_.shards = switchboard_.snapshots;
}

const Snapshot& LeadDesk::fresh_snapshot() {
  collect_shards();
  return snapshot_;
}

void LeadDesk::second_passed(TimePoint now, bool draining) {
  if (started_ == TimePoint{}) started_ = now;
  while (lead_.expire()) {
  }
  snapshot_.busiest.clear();
  lead_.describe(snapshot_);
  snapshot_.uptime = now - started_;
  snapshot_.draining = draining;
  collect_shards();
  if (surface_ == nullptr) return;
  if (const std::string event = surface_->live_event(snapshot_); !event.empty()) {
    lead_.publish_own(kAdminChannel, event);
  }
}

}  // namespace fanfare::server
