// LeadDesk: the rooms that only the lead shard has: the log's writing end, the publishers' port and
// the admin listener's.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "broker/server/base/admin_surface.h"
#include "broker/server/lead/hooks.h"
#include "broker/server/lead/lead.h"
#include "broker/server/requests/admin_routes.h"
#include "broker/server/requests/listings.h"
#include "broker/server/requests/publish_routes.h"
#include "broker/server/requests/publisher_door.h"
#include "broker/server/sockets/http_port.h"
#include "broker/server/sockets/ingest_port.h"

namespace fanfare::server {

class LeadDesk {
 public:
  struct Parts {
    ConnectionTable& connections;
    Courier& courier;
    Counters& counters;
    Streams& streams;
    Switchboard& switchboard;
    AdminSurface* surface = nullptr;  // may be null
    std::string_view backend;
    std::uint64_t connections_max = 0;
    const http::Date& date;
    Heads& heads;
    Gate* gate = nullptr;  // null: all that is sealed is durable
    fanout::LogClock clock = {};
    std::unique_ptr<fanout::Log> log;  // null: a new one
    Random& random;
  };
  LeadDesk(Parts parts, fanout::Epoch epoch, const Settings& settings);

  void turn_begins(TimePoint now) {
    lead_.turn_begins(now);
    publisher_tokens_.turn_begins(now);
  }
  void tell_date(std::chrono::sys_seconds date) { publisher_tokens_.tell_date(date); }
  // Once a second: ages the log, takes a snapshot, updates the live page.
  void second_passed(TimePoint now);
  // Publishes are refused from now on, and /readyz says so.
  void begin_drain();
  // In the turns after it: what of the ages is left.
  void turn_passes() {
    if (expiring_) expiring_ = lead_.expire();
  }
  bool work_waiting() const { return expiring_ || listings_.work_waiting(); }
  HttpPort* admin_port() { return admin_port_.get(); }
  // Null where there is no admin listener.
  AdminRoutes* admin_routes() { return admin_routes_.get(); }
  Listings& listings() { return listings_; }

  Lead& lead() { return lead_; }
  const fanout::LogClock& log_clock() const { return clock_; }
  // For publishers that speak HTTP: on the ingest socket, and over TCP.
  HttpPort& ingest_http() { return ingest_http_; }
  HttpPort& publish_http() { return publish_http_; }
  IngestPort& ingest_port() { return ingest_port_; }
  RollCalls& roll_calls() { return roll_calls_; }
  PublishRoutes& ingest_routes() { return ingest_routes_; }
  Hooks& hooks() { return hooks_; }

 private:
  const Snapshot& fresh_snapshot();
  void collect_shards();

  const Settings& settings_;
  Switchboard& switchboard_;
  AdminSurface* surface_;
  std::atomic<std::uint64_t> publisher_bodies_{0};  // apart, so that clients cannot use it up
  OpenGate open_gate_;
  const fanout::LogClock clock_;
  Lead lead_;
  Hooks hooks_;
  RollCalls roll_calls_;
  Listings listings_;
  PublishRoutes ingest_routes_;
  HttpPort ingest_http_;
  PublisherTokens publisher_tokens_;
  PublisherDoor publish_door_;  // for requests over HTTP
  PublishRoutes publish_routes_;
  HttpPort publish_http_;
  IngestPort ingest_port_;
  Snapshot snapshot_;
  TimePoint started_{};
  bool expiring_ = false;
  std::unique_ptr<AdminRoutes> admin_routes_;
  std::unique_ptr<HttpPort> admin_port_;
};

}  // namespace fanfare::server
