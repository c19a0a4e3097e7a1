// TakeOver: the new process's side of a hand-over: what a running broker gives it, over one end of
// a parcel pair (docs/decisions/0025-hand-over.md). GoingOver is the old one's.
//
//   new ── ready, version ──▶ old     it has read its configuration; the old one still serves
//   new ◀── log ───────────── old     frozen
//   new ◀── listeners …, all  old
//   new ◀── streams … ─────── old
//   new ◀── all ───────────── old
//   new ── adopted ─────────▶ old     it has sent nothing yet: either may still serve
//   new ◀── go ────────────── old     from here on the new one
//
// Anything else than the next of these, or none in time, is the end: the old one goes on.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/fanout/log_image.h"
#include "broker/io/descriptor.h"
#include "broker/io/memory_file.h"
#include "broker/io/parcel.h"
#include "broker/server/base/hand_over.h"
#include "broker/server/base/switchboard.h"

#include "common/packing.h"
#include "common/time.h"

namespace fanfare::server {

// The version of everything that is said between the two, but for the log's own
// (fanout::kLogImageVersion).
inline constexpr std::uint32_t kHandOverVersion = 1;

enum class HandOverWord : std::uint8_t { ready, log, listeners, streams, all, adopted, go };

// Listeners at one address.
struct HandedPlace {
  std::string key;   // of broker.toml: "http"
  std::string text;  // as it is configured
  std::string address;
  bool inherited = false;  // from a service manager
  std::vector<io::Descriptor> sockets;
};

class TakeOver {
 public:
  explicit TakeOver(io::Descriptor end) : end_(std::move(end)) {}

  // Says that this process is ready, and waits for the log and the listeners. The error is a
  // sentence.
  std::expected<void, std::string> begin();
  const fanout::LogImage& image() const { return *image_; }
  // Where `key` listens: `configured`, or the addresses of the sockets that a service manager has
  // named after it.
  std::vector<std::string> addresses(std::string_view key,
                                     const std::vector<std::string>& configured) const;
  // The listeners for `key` at `text`, which are the caller's from now on; nothing: make one.
  std::optional<HandedPlace> take(std::string_view key, std::string_view text);
  // Gives all streams to the shards, which run and do not serve yet; returns when this process is
  // to serve. If anything fails it ends the process: what is shared with the other one would be
  // closed for both if this one took its shards apart.
  void adopt(const Switchboard& switchboard);

 private:
  // Some more; without any, those were all.
  std::expected<io::Parcel, std::string> more_streams();
  // They are taken: waits for the word to go.
  std::expected<void, std::string> adopted();
  std::expected<io::Parcel, std::string> next(HandOverWord& word);

  io::Descriptor end_;
  std::optional<io::MappedFile> file_;
  std::optional<fanout::LogImage> image_;
  std::vector<HandedPlace> places_;
};

class GoingOver final : public HandOver {
 public:
  explicit GoingOver(int end) : end_(end) {}

  // All of it: how many streams went over; or the shards go on, and the error is a sentence.
  static std::expected<std::uint64_t, std::string> run(int end, const Switchboard& switchboard,
                                                       const std::vector<HandedPlace>& places,
                                                       const std::function<void()>& going);

 private:
  // Waits until the other process is ready. The error is a sentence.
  std::expected<void, std::string> wait_until_ready();
  // Waits until so many more shards are done; false: not in time. How many streams they gave.
  bool wait_for(std::uint32_t shards, std::uint64_t& streams);
  bool send_log();
  bool send(const HandedPlace& place);
  bool end_of_places();
  bool give(const Switchboard& switchboard, const std::vector<HandedPlace>& places,
            const std::shared_ptr<HandOver>& self, std::uint64_t& streams);
  // That was all; waits until it is taken, and gives the word. `going` is called just before.
  bool finish(const std::function<void()>& going);

  bool write(std::string_view piece) override;
  bool send(std::string_view records, std::span<const int> descriptors) override;
  void done(std::uint32_t shard, std::uint64_t streams) override;

  const int end_;
  std::optional<io::MemoryFile> file_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  std::uint32_t done_ = 0;
  std::uint64_t streams_ = 0;
};

}  // namespace fanfare::server
