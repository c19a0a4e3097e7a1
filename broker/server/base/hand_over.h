// HandOver: what one shard is asked for while the broker gives itself to another process, and whom
// it gives that to (docs/decisions/0025-hand-over.md):
//
//   freeze   no publisher is read from, what is under way is sent; then the shard does nothing any
//            more, and the lead has written down the log
//   give     a second descriptor of each plain stream, and what is to be known of it
//   thaw     the other process was not able to: on as if nothing had happened
//   leave    it serves: what was given is its own, everybody else is told to come back
//
// Thread: any; one shard at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fanfare::server {

class HandOver {
 public:
  virtual ~HandOver() = default;
  // The lead's log, piece by piece. False: it cannot be written.
  virtual bool write(std::string_view piece) = 0;
  // Some streams: their records, one after another, and a descriptor for each, which stays the
  // shard's. False: the other process is gone.
  virtual bool send(std::string_view records, std::span<const int> descriptors) = 0;
  // The shard is frozen, or has given what it has.
  virtual void done(std::uint32_t shard, std::uint64_t streams) = 0;
};

// Broker to a shard.
struct HandOverMessage {
  enum class Step : std::uint8_t { freeze, give, thaw, leave };
  Step step{};
  std::shared_ptr<HandOver> to;
};

// The same in the other process: streams for a shard, which takes them before it serves.
struct AdoptMessage {
  std::string records;
  std::vector<int> descriptors;                     // the shard's from now on
  std::function<void(std::uint64_t streams)> done;  // so many were taken
};

}  // namespace fanfare::server
