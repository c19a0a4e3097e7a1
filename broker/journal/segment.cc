#include "broker/journal/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/crc32c.h"

namespace fanfare::journal {
namespace {

constexpr std::size_t kReadBytes = 1U << 20U;

}  // namespace

std::string segment_name(std::uint64_t number) {
  return fmt::format("segment-{:08}", number);
}

Result<SegmentReader> SegmentReader::open(Disk& disk, std::uint64_t number) {
  auto file = open_file(disk, segment_name(number), /*make=*/false);
  if (!file) return std::unexpected(file.error());
  // What a process that was killed has written may still be on its way.
  if (auto flushed = disk.flush(file->number()); !flushed) {
    return std::unexpected(flushed.error());
  }
  const auto size = disk.size(file->number());
  if (!size) return std::unexpected(size.error());
  return SegmentReader(disk, std::move(*file), number, *size);
}

Result<std::string_view> SegmentReader::bytes(std::uint64_t at, std::size_t size) {
  const bool there = at >= buffer_at_ && at + size <= buffer_at_ + buffer_.size();
  if (!there) {
    buffer_at_ = at;
    buffer_.resize(std::min<std::uint64_t>(std::max(size, kReadBytes), size_ - at));
    if (auto read = disk_->read(file_.number(), at, buffer_); !read) {
      return std::unexpected(read.error());
    }
  }
  return std::string_view(buffer_).substr(at - buffer_at_, size);
}

bool SegmentReader::belongs(const RecordHead& head) const {
  if (at_ == 0) return RecordHead::number_of(head.segment) == number_;
  return head.segment == segment_;
}

Result<std::optional<SegmentReader::Read>> SegmentReader::next() {
  constexpr std::nullopt_t kEnd = std::nullopt;
  if (size_ - at_ < RecordHead::kSize) return kEnd;
  const auto first = bytes(at_, RecordHead::kSize);
  if (!first) return std::unexpected(first.error());
  const auto head = RecordHead::read(*first);
  if (!head || !belongs(*head) || head->chain != chain_) return kEnd;
  if (head->size() > size_ - at_) return kEnd;
  const auto whole = bytes(at_, RecordHead::kSize + head->bytes);
  if (!whole) return std::unexpected(whole.error());
  const std::string_view items = whole->substr(RecordHead::kSize);
  if (crc32c(items) != head->items_crc) return kEnd;
  segment_ = head->segment;
  at_ += head->size();
  chain_ = head->crc();
  return Read{.head = *head, .items = items};
}

// A later record that says that this place was on the disk already makes it damage. Such a record
// may be anywhere behind, since the length of the broken one is not to be believed.
Result<SegmentReader::End> SegmentReader::ended() {
  if (at_ == size_) return End::clean;
  for (std::uint64_t at = at_; at + RecordHead::kSize <= size_; at += 8) {
    const auto found = bytes(at, RecordHead::kSize);
    if (!found) return std::unexpected(found.error());
    const auto head = RecordHead::read(*found);
    if (head && belongs(*head) && head->synced > at_) return End::damage;
  }
  return End::torn;
}

}  // namespace fanfare::journal
