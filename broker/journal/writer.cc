#include "broker/journal/writer.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "broker/journal/rebuild.h"
#include "broker/journal/segment.h"

#include "common/crc32c.h"

namespace fanfare::journal {
namespace {

// Numbers that events which are not kept may have before another record has to be written.
constexpr fanout::Sequence kReserve = 4'096;

}  // namespace

Writer::Writer(Disk& disk, Manifest manifest, fanout::Sequence head, std::uint64_t seed)
    : disk_(disk),
      manifest_(std::move(manifest)),
      random_(seed),
      head_(head),
      time_(manifest_.clock.log) {
  begin_record();
}

void Writer::begin_record() {
  record_.assign(RecordHead::kSize, '\0');
  weight_ = false;
}

void Writer::add(const Entry& entry) {
  record_ += entry.items;
  weight_ = weight_ || entry.weight;
  numbers_pass_ = numbers_pass_ || (!entry.weight && entry.head > head_);
  head_ = entry.head;
  time_ = std::max(time_, entry.time);
}

Result<> Writer::begin_segment(fanout::WallTime wall) {
  if (!flushed()) {
    if (auto on_disk = flush(); !on_disk) return on_disk;
  }
  Manifest next = manifest_;
  ++next.last;
  next.clean = false;
  next.clock = {.log = time_, .wall = wall};
  auto file = open_file(disk_, segment_name(next.last), /*make=*/true);
  if (!file) return std::unexpected(file.error());
  RecordHead head{.segment = next.last | (random_.next() << 32U),
                  .head = head_,
                  .reserved = head_ + (numbers_pass_ ? kReserve : 0),
                  .clock = next.clock};
  std::string first;
  head.append_to(first);
  Result<> done = disk_.truncate(file->number(), 0);
  if (done) done = disk_.write(file->number(), 0, first);
  if (done) done = disk_.flush(file->number());
  if (done) done = disk_.flush_folder();
  if (done) done = next.write(disk_);
  if (!done) return done;
  manifest_ = next;
  file_ = *std::move(file);
  segment_ = head.segment;
  reserved_ = head.reserved;
  end_ = synced_ = first.size();
  chain_ = head.crc();
  remove_left_over();
  return {};
}

Result<> Writer::write(fanout::WallTime wall) {
  const std::string_view items = std::string_view(record_).substr(RecordHead::kSize);
  const RecordHead head{.segment = segment_,
                        .synced = synced_,
                        .head = head_,
                        .reserved = head_ + (numbers_pass_ ? kReserve : 0),
                        .clock = {.log = time_, .wall = wall},
                        .bytes = static_cast<std::uint32_t>(items.size()),
                        .chain = chain_,
                        .items_crc = crc32c(items)};
  std::string fields;
  head.append_to(fields);
  record_.replace(0, fields.size(), fields);
  const std::size_t items_end = record_.size();
  record_.resize(head.size(), '\0');
  auto done = disk_.write(file_.number(), end_, record_);
  if (!done) {
    record_.resize(items_end);
    return done;
  }
  end_ += head.size();
  chain_ = head.crc();
  // What an earlier record reserved stays so.
  reserved_ = std::max(reserved_, head.reserved);
  begin_record();
  return {};
}

Result<> Writer::flush() {
  auto done = disk_.flush(file_.number());
  if (done) {
    synced_ = end_;
    return {};
  }
  // Room would not bring back what is gone.
  if (done.error().full()) done.error().error = EIO;
  return done;
}

Result<> Writer::adopt_image(std::uint64_t number) {
  Manifest next = manifest_;
  next.image = number;
  next.first = number;
  if (auto done = next.write(disk_); !done) return done;
  manifest_ = next;
  remove_left_over();
  return {};
}

Result<> Writer::end(fanout::Sequence head, fanout::LogClock::Mark clock) {
  head_ = std::max(head, head_);
  Result<> done = write(clock.wall);
  if (done) done = flush();
  if (!done) return done;
  Manifest next = manifest_;
  next.clean = true;
  next.head = head_;
  next.clock = clock;
  done = next.write(disk_);
  if (done) manifest_ = next;
  return done;
}

// Segments and images that the manifest does not name; none is being made. What cannot be removed
// now is removed at the next occasion.
void Writer::remove_left_over() {
  const auto names = disk_.names();
  if (!names) return;
  for (const std::string& name : *names) {
    const std::size_t dash = name.find('-');
    if (dash == std::string::npos) continue;
    const bool image = name.starts_with("image-");
    if (!image && !name.starts_with("segment-")) continue;
    std::uint64_t number = 0;
    std::from_chars(name.data() + dash + 1, name.data() + name.size(), number);
    const bool needed =
        image ? number == manifest_.image : number >= manifest_.first && number <= manifest_.last;
    if (!needed) static_cast<void>(disk_.remove(name));
  }
}

}  // namespace fanfare::journal
