// Writer: the end of the journal at which it grows: the segment that is written, and the manifest.
// It waits for the disk, so that it belongs to a thread of its own (journal.h), or to a test.
#pragma once

#include <cstdint>
#include <string>

#include "broker/journal/disk.h"
#include "broker/journal/manifest.h"
#include "broker/journal/record.h"

#include "common/random.h"

namespace fanfare::journal {

// What happened to the log between two of its batches, and how far it had come then.
struct Entry {
  std::string items;
  bool weight = false;  // it has to be in the journal before it is durable
  bool ends_segment = false;
  fanout::Sequence head = 0;
  fanout::LogTime time{};
};

class Writer {
 public:
  // `manifest` is what the last life left, but for what this one says of itself, and with the
  // log's clock; nothing is written before begin_segment(). The disk outlives it. `head`: the
  // log's.
  Writer(Disk& disk, Manifest manifest, fanout::Sequence head, std::uint64_t seed);

  // After the manifest's last segment another one begins: what was written is on the disk, and the
  // manifest names it when this returns. After a fault that a full disk was the reason of it can be
  // tried again.
  Result<> begin_segment(fanout::WallTime wall);
  // It is kept until the next record is written.
  void add(const Entry& entry);
  // What was added has to be written before it is durable.
  bool due() const { return weight_ || head_ > reserved_; }
  // What was added is with the kernel when it returns, and can be read from there by another
  // process. After a fault that a full disk was the reason of it can be tried again.
  Result<> write(fanout::WallTime wall);
  // It is on the disk. Never tried again.
  Result<> flush();
  bool flushed() const { return synced_ == end_; }
  // An image of that number has everything before the segment of the same number.
  Result<> adopt_image(std::uint64_t number);
  // The broker ends, and its log has come to `head`.
  Result<> end(fanout::Sequence head, fanout::LogClock::Mark clock);

  const Manifest& manifest() const { return manifest_; }
  std::uint64_t segment_bytes() const { return end_; }
  std::size_t added_bytes() const { return record_.size(); }

 private:
  void begin_record();
  void remove_left_over();

  Disk& disk_;
  Manifest manifest_;
  Random random_;
  OpenFile file_;
  std::uint64_t segment_ = 0;  // RecordHead::segment
  std::uint64_t end_ = 0;      // of what was written
  std::uint64_t synced_ = 0;   // up to here it is on the disk
  std::uint32_t chain_ = 0;
  std::string record_;  // the next one: room for its head, then items
  bool weight_ = false;
  bool numbers_pass_ = false;  // some are given to events that are not kept
  fanout::Sequence head_;
  fanout::Sequence reserved_ = 0;
  fanout::LogTime time_{};
};

}  // namespace fanfare::journal
