#include "broker/server/shard/lead_desk.h"

#include <utility>

namespace fanfare::server {

LeadDesk::LeadDesk(Parts parts, fanout::Epoch epoch, const Settings& settings)
    : settings_(settings),
      switchboard_(parts.switchboard),
      surface_(parts.surface),
      clock_(parts.clock),
      lead_(epoch, settings, parts.switchboard, parts.counters,
            parts.gate != nullptr ? *parts.gate : open_gate_, parts.heads, parts.clock,
            std::move(parts.log)),
      hooks_({settings, lead_.roster(), parts.counters, parts.random, std::string(epoch.text())}),
      roll_calls_(parts.switchboard, settings, parts.counters),
      listings_(parts.switchboard, lead_),
      ingest_routes_(settings, lead_, roll_calls_),
      ingest_http_(parts.connections, parts.courier, parts.counters, settings.publisher_requests(),
                   settings, parts.date, publisher_bodies_, ingest_routes_),
      publisher_tokens_(settings, parts.counters),
      publish_door_(publisher_tokens_, lead_, {}, {}),
      publish_routes_(settings, publish_door_, roll_calls_),
      publish_http_(parts.connections, parts.courier, parts.counters, settings.publisher_requests(),
                    settings, parts.date, publisher_bodies_, publish_routes_),
      ingest_port_({.connections = parts.connections,
                    .courier = parts.courier,
                    .counters = parts.counters,
                    .http = ingest_http_,
                    .sink = lead_,
                    .publish_http = publish_http_,
                    .make_door =
                        [this, &connections = parts.connections](io::Slot slot) {
                          return std::make_unique<PublisherDoor>(publisher_tokens_, lead_,
                                                                 connections.peer(slot).text(),
                                                                 connections.certificate(slot));
                        },
                    .switchboard = parts.switchboard,
                    .settings = settings,
                    .heads = parts.heads,
                    .date = parts.date}) {
  // So that a scrape in the first second already sees version and epoch.
  lead_.describe(snapshot_);
  snapshot_.options = settings_.shared();
  snapshot_.backend = parts.backend;
  snapshot_.connections_max = parts.connections_max;
  if (surface_ == nullptr) return;
  admin_routes_ = std::make_unique<AdminRoutes>(
      settings, *surface_, parts.streams, listings_, lead_, parts.counters,
      [this]() -> const Snapshot& { return fresh_snapshot(); });
  admin_port_ = std::make_unique<HttpPort>(parts.connections, parts.courier, parts.counters,
                                           settings.admin_requests(), settings, parts.date,
                                           publisher_bodies_, *admin_routes_);
}

void LeadDesk::collect_shards() {
  const std::lock_guard lock(switchboard_.board);
  snapshot_.shards = switchboard_.snapshots;
  snapshot_.options = settings_.shared();
  snapshot_.phase = switchboard_.phase.load(std::memory_order_relaxed);
  snapshot_.streams = switchboard_.streams.load(std::memory_order_relaxed);
  snapshot_.publishers_paused = switchboard_.publishers_paused.load(std::memory_order_relaxed);
}

const Snapshot& LeadDesk::fresh_snapshot() {
  collect_shards();
  return snapshot_;
}

void LeadDesk::begin_drain() {
  lead_.stop_publishing();
  hooks_.stop();
  switchboard_.phase.store(BrokerPhase::draining, std::memory_order_relaxed);
}

void LeadDesk::second_passed(TimePoint now) {
  if (started_ == TimePoint{}) started_ = now;
  expiring_ = lead_.expire();
  if (surface_ == nullptr) return;
  snapshot_.busiest.clear();
  lead_.describe(snapshot_);
  snapshot_.uptime = now - started_;
  collect_shards();
  // Nobody would see it, and each of them would wait in memory.
  if (snapshot_.stuck() || !snapshot_.gate_failure.empty()) return;
  if (const std::string event = surface_->live_event(snapshot_); !event.empty()) {
    lead_.publish_own(kAdminChannel, event);
  }
}

}  // namespace fanfare::server
