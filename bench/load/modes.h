// The modes of fanfare-load: one function a question. Each returns its figures by name, in the
// order in which they are printed.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bench/load/target.h"

namespace fanfare::load {

struct Settings {
  Target target;
  int server_pid = 0;  // 0: no CPU or memory figures
  std::uint32_t subscribers = 1000;
  std::uint32_t channels = 1;
  std::uint32_t window = 1;  // events in flight (fanout); 0: as fast as acknowledged
  double rate = 0;           // events a second over all channels (paced); 0: not paced
  double seconds = 10;
  std::size_t event_bytes = 200;
  std::uint32_t verify = 0;    // events sent to everybody at the end (idle)
  std::uint32_t missed = 100;  // events that each client misses (storm)
  double stalled = 0.1;        // share of subscribers that stop reading (slow)
  std::uint32_t live = 0;      // storm, beside: subscribers that are not part of the load
  double live_rate = 20;       // events a second to them

  // Streams of one group follow the same channels.
  std::uint32_t groups() const { return channels / target.channels_each; }
};

using Figures = std::vector<std::pair<std::string, double>>;

// Memory and CPU of streams on which nothing happens.
Figures measure_idle(const Settings& settings);
// Deliveries per second of server CPU, with a window of events in flight, or paced; latencies.
Figures measure_fanout(const Settings& settings);
// Events a second of server CPU without subscribers.
Figures measure_publish(const Settings& settings);
// All clients cut, `missed` events published, all back at once; what `live` others notice.
Figures measure_storm(const Settings& settings);
// `window` events in flight to all, and what `live` others, each on a channel of its own, notice.
Figures measure_beside(const Settings& settings);
// Some subscribers stop reading: what the others and the memory notice.
Figures measure_slow(const Settings& settings);
// Streams opened and closed, again and again: the cost of setting one up.
Figures measure_churn(const Settings& settings);

// TLS connections that shake hands and end, one after the other.
Figures measure_handshake(const Settings& settings);
// Plain answers over HTTP/2: what they cost, and what a session keeps after one.
Figures measure_fetch(const Settings& settings);
// Publishing and opening streams beside `subscribers` streams with a pattern each.
Figures measure_patterns(const Settings& settings);

}  // namespace fanfare::load
