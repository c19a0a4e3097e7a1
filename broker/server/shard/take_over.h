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

#include "common/packing.h"
#include "common/time.h"

namespace fanfare::server {

// Of everything that is said between the two, but for the log's own (fanout::kLogImageVersion).
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
  std::vector<HandedPlace>& places() { return places_; }
  const std::vector<HandedPlace>& places() const { return places_; }
  // Streams: some more; without any, those were all.
  std::expected<io::Parcel, std::string> more_streams();
  // They are taken: waits for the word to go.
  std::expected<void, std::string> adopted();

 private:
  std::expected<io::Parcel, std::string> next(HandOverWord& word);

  io::Descriptor end_;
  std::optional<io::MappedFile> file_;
  std::optional<fanout::LogImage> image_;
  std::vector<HandedPlace> places_;
};

class GoingOver final : public HandOver {
 public:
  explicit GoingOver(int end) : end_(end) {}

  // Waits until the other process is ready. The error is a sentence.
  std::expected<void, std::string> wait_until_ready();
  // Waits until so many more shards are done; false: not in time. How many streams they gave.
  bool wait_for(std::uint32_t shards, std::uint64_t& streams);
  bool send_log();
  bool send(const HandedPlace& place);
  bool end_of_places();
  // That was all; waits until it is taken, and gives the word. `going` is called just before.
  bool finish(const std::function<void()>& going);

  bool write(std::string_view piece) override;
  bool send(std::string_view records, std::span<const int> descriptors) override;
  void done(std::uint32_t shard, std::uint64_t streams) override;

 private:
  const int end_;
  std::optional<io::MemoryFile> file_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  std::uint32_t done_ = 0;
  std::uint64_t streams_ = 0;
};

}  // namespace fanfare::server
