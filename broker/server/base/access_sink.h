// AccessSink: where a shard leaves the lines of the access log that it has written. What becomes of
// them is another thread's business: no shard ever waits for a disk.
//
// Thread: any.
#pragma once

#include <cstdint>
#include <string>

namespace fanfare::server {

class AccessSink {
 public:
  virtual ~AccessSink() = default;
  // Takes whole lines and leaves an empty text in their place. False: those that this shard left
  // before are still there; it keeps these, within its bound, and tries again.
  virtual bool take(std::uint32_t shard, std::string& lines) = 0;
};

}  // namespace fanfare::server
