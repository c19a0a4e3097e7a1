// SegmentReader: the records of one segment, in order, with everything checked: that a record is
// this segment's, follows the one before it, and holds what was written. Where they end it says
// why: a write that was cut off is not the same as damage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/journal/disk.h"
#include "broker/journal/record.h"

namespace fanfare::journal {

// "segment-00000012"
std::string segment_name(std::uint64_t number);

class SegmentReader {
 public:
  // The disk outlives it.
  static Result<SegmentReader> open(Disk& disk, std::uint64_t number);

  struct Read {
    RecordHead head;
    std::string_view items;  // until the next call
  };
  // Nothing: there is no further record that can be read; ended() says how that is.
  Result<std::optional<Read>> next();

  enum class End : std::uint8_t {
    clean,   // with the file
    torn,    // a write was cut off: nothing that was on the disk is missing
    damage,  // what was on the disk is not there as it was written
  };
  // After the last record. Reads on, if what follows has to be looked at.
  Result<End> ended();
  std::uint64_t at() const { return at_; }      // where the records end
  std::uint64_t size() const { return size_; }  // of the file

 private:
  SegmentReader(Disk& disk, OpenFile file, std::uint64_t number, std::uint64_t size)
      : disk_(&disk), file_(std::move(file)), number_(number), size_(size) {}
  // So many bytes at that place, which the file has; until the next call.
  Result<std::string_view> bytes(std::uint64_t at, std::size_t size);
  bool belongs(const RecordHead& head) const;

  Disk* disk_;
  OpenFile file_;
  std::uint64_t number_;
  std::uint64_t size_;
  std::uint64_t segment_ = 0;  // as its first record says
  std::uint64_t at_ = 0;
  std::uint32_t chain_ = 0;
  std::string buffer_;
  std::uint64_t buffer_at_ = 0;
};

}  // namespace fanfare::journal
