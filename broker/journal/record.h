// Record: what a journal's segment consists of: a head of 72 bytes, the items (item.h) of one or
// more batches, zeros up to a multiple of 8. Numbers are little-endian (docs/JOURNAL.md).
//
// Each record names its segment, and continues the checksum of the one before it: one of another
// file, of an earlier life of the file, or behind one that is missing is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/fanout/event_id.h"
#include "broker/fanout/log_clock.h"

namespace fanfare::journal {

struct RecordHead {
  static constexpr std::size_t kSize = 72;

  // The number of its segment, and above it a random one, which publishers cannot know: no event
  // can hold what is taken for a record.
  std::uint64_t segment = 0;
  static constexpr std::uint64_t number_of(std::uint64_t segment) { return segment & 0xffffffffU; }
  // The segment was on the disk up to this byte when the record was written: what is broken before
  // it is damage, not a write that was cut off.
  std::uint64_t synced = 0;
  fanout::Sequence head = 0;  // the log's newest number
  // Numbers up to this one may have been given to events that are not in the journal.
  fanout::Sequence reserved = 0;
  fanout::LogClock::Mark clock{};
  std::uint32_t bytes = 0;  // of the items
  std::uint32_t chain = 0;  // the checksum of the record before; of the first: 0
  std::uint32_t items_crc = 0;

  // The checksum by which the next record knows this one.
  std::uint32_t crc() const;
  // What it takes in the segment.
  std::uint64_t size() const { return padded(kSize + bytes); }
  static constexpr std::uint64_t padded(std::uint64_t size) {
    return (size + 7) & ~std::uint64_t{7};
  }

  // Nothing: these bytes, at least kSize, are no head.
  static std::optional<RecordHead> read(std::string_view bytes);
  // kSize bytes to `out`.
  void append_to(std::string& out) const;

 private:
  void fields_to(std::string& out) const;
};

}  // namespace fanfare::journal
