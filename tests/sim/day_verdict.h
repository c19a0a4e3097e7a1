// DayVerdict: how a day ended, and how often it came to where days seldom come.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fanfare::sim {

struct DayVerdict {
  std::vector<std::string> problems;  // none: a good day
  std::vector<std::string> trace;
  std::uint64_t digest = 0;  // of everything that was sent and received
  std::uint64_t events = 0;  // received by readers
  std::uint64_t gaps = 0;    // told to readers
  std::uint64_t publications = 0;
  std::uint64_t streams = 0;  // opened
  std::uint64_t restarts = 0;
  // What would be easy to miss: how often days came there.
  std::uint64_t ends = 0;              // streams that were complete
  std::uint64_t pauses = 0;            // of publishers, because shards were behind
  std::uint64_t notices = 0;           // told to watchers
  std::uint64_t sights = 0;            // pages and live events of the admin listener
  std::uint64_t answers = 0;           // rounds of more questions than a session answers at once
  std::uint64_t forgotten = 0;         // channels, after a long silence
  std::uint64_t cancels = 0;           // of streams that shared a connection
  std::uint64_t stalls = 0;            // of streams whose windows stayed used up
  std::uint64_t errands = 0;           // answered beside streams on one connection
  std::uint64_t refused = 0;           // streams, beyond what one connection may carry
  std::uint64_t goodbyes = 0;          // GOAWAY, from either side
  std::uint64_t handshakes = 0;        // of TLS
  std::uint64_t resumed = 0;           // of these, with a ticket
  std::uint64_t deferred = 0;          // of these, to the next turn
  std::uint64_t no_tls = 0;            // connections that were none, where TLS was due
  std::uint64_t transactions = 0;      // that publishers wanted executed
  std::uint64_t late_acks = 0;         // of events, by a broker that had been told to stop
  std::uint64_t patterns_refused = 0;  // streams that [limits] patterns kept waiting
  std::uint64_t snapshots = 0;         // of the latest of each key
  std::uint64_t conflated = 0;         // events sent as the latest of their keys
  std::uint64_t keys_refused = 0;      // events, where channels had as many keys as they may have
  std::uint64_t named = 0;             // connections, by a front
  std::uint64_t over_address = 0;      // connections, streams and requests, beyond their limit
  std::uint64_t outlived = 0;          // streams, by the longest life
  std::uint64_t questions = 0;         // to applications
  std::uint64_t admissions = 0;        // by an application
  std::uint64_t resumptions = 0;       // of clients about whom no application was asked again
  std::uint64_t passed = 0;            // answers of applications themselves
  std::uint64_t slow = 0;              // applications that had not answered in time
  std::uint64_t unusable = 0;          // answers of no use, and none
  std::uint64_t crowds = 0;            // days with some two hundred connections
  std::uint64_t calms = 0;             // days that ended with a calm

  void add(const DayVerdict& other);
  std::string reached() const;
};

}  // namespace fanfare::sim
