// AccessWriter: the thread that writes the access log. It looks at what the shards have left ten
// times a second, so that no shard has to wake it, and writes it in one go. A disk that is full or
// a pipe that nobody reads makes it wait, and then the shards leave lines out; they never wait.
//
// The file is opened anew by reopen(), for logrotate: SIGHUP.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <expected>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "broker/io/descriptor.h"
#include "broker/server/base/access_sink.h"

#include "common/log.h"
#include "common/time.h"

namespace fanfare::server {

class AccessWriter final : public AccessSink {
 public:
  explicit AccessWriter(std::uint32_t shards);
  // What the shards have left is written, if that takes no longer than a second.
  ~AccessWriter() override;
  AccessWriter(const AccessWriter&) = delete;
  AccessWriter& operator=(const AccessWriter&) = delete;

  // Whatever is left from now on goes to `place`: a path, "stderr", "stdout", or nowhere if it is
  // empty. The error is a sentence; then the place stays the one that it was. Not at the same time
  // on two threads.
  std::expected<void, std::string> reopen(const std::string& place);

  bool take(std::uint32_t shard, std::string& lines) override;

 private:
  void run();
  void use(io::Descriptor file);
  void write(std::string lines);
  bool wait_for_room();

  std::mutex mutex_;  // guards all of these
  std::condition_variable changed_;
  std::vector<std::string> left_;  // by each shard
  io::Descriptor next_;            // opened, and not in use yet
  bool replaced_ = false;
  bool stop_ = false;

  io::Descriptor file_;     // the thread's own from here on
  bool regular_ = false;    // not a pipe or a terminal
  bool cut_ = false;        // what was written last ends in the middle of a line
  std::uint64_t lost_ = 0;  // lines that could not be written
  std::optional<TimePoint> give_up_;
  log::Limit log_;
  std::thread thread_;
};

}  // namespace fanfare::server
