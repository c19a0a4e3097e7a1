#include "broker/journal/rebuild.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/fanout/log_image.h"
#include "broker/journal/item.h"
#include "broker/journal/segment.h"

#include "common/crc32c.h"
#include "common/packing.h"

namespace fanfare::journal {
namespace {

constexpr std::uint64_t kMagic = 0x6567616d69726e66;  // "fnrimage"
constexpr std::size_t kHeadBytes = 24;

constexpr const char* kWayOut =
    "Put a copy of the folder in its place, or move it away to begin with an empty history";

std::unexpected<Problem> problem(Fault fault) {
  return std::unexpected(Problem{.sentence = std::move(fault.sentence), .damage = false});
}

std::unexpected<Problem> damaged(const Disk& disk, const std::string& name, std::string_view how) {
  return std::unexpected(Problem{
      .sentence = fmt::format("the journal is damaged: {}: {}. {}", disk.path(name), how, kWayOut),
      .damage = true});
}

class Rebuilding {
 public:
  Rebuilding(Disk& disk, const Manifest& manifest, const fanout::Epoch& epoch,
             const Progress& progress)
      : disk_(disk), manifest_(manifest), options_{.epoch = epoch}, progress_(progress) {}

  std::expected<Rebuilt, Problem> run(std::uint64_t through) {
    if (auto counted = count(through); !counted) return problem(counted.error());
    if (auto begun = begin(); !begun) return std::unexpected(begun.error());
    player_.emplace(*rebuilt_->log);
    for (std::uint64_t number = manifest_.first; number <= through; ++number) {
      auto done = play(number, number == manifest_.last);
      if (!done) return std::unexpected(done.error());
    }
    if (through == manifest_.last) {
      player_->pass(manifest_.clean ? manifest_.head : rebuilt_->reserved);
      if (manifest_.clean) rebuilt_->clock = manifest_.clock;
    }
    player_->lose_what_was_not_kept();
    rebuilt_->log->seal({});
    return *std::move(rebuilt_);
  }

 private:
  // What there is to read.
  Result<> count(std::uint64_t through);
  std::expected<void, Problem> begin();
  std::expected<void, Problem> play(std::uint64_t number, bool last);
  std::expected<void, Problem> end(SegmentReader& reader, std::uint64_t number, bool last);
  std::expected<void, Problem> advance(std::uint64_t bytes);

  Disk& disk_;
  const Manifest& manifest_;
  const fanout::LogOptions options_;
  const Progress& progress_;
  std::optional<Rebuilt> rebuilt_;
  std::optional<Player> player_;
  std::uint64_t all_bytes_ = 0;
  std::uint64_t done_bytes_ = 0;
};

Result<> Rebuilding::count(std::uint64_t through) {
  const auto add = [this](const std::string& name) -> Result<> {
    const auto file = open_file(disk_, name, /*make=*/false);
    if (!file) return std::unexpected(file.error());
    const auto size = disk_.size(file->number());
    if (!size) return std::unexpected(size.error());
    all_bytes_ += *size;
    return {};
  };
  Result<> added;
  if (manifest_.image != 0) added = add(image_name(manifest_.image));
  for (std::uint64_t number = manifest_.first; added && number <= through; ++number) {
    added = add(segment_name(number));
  }
  return added;
}

std::expected<void, Problem> Rebuilding::advance(std::uint64_t bytes) {
  done_bytes_ += bytes;
  if (progress_(done_bytes_, all_bytes_)) return {};
  return std::unexpected(Problem{.sentence = "stopped", .damage = false});
}

std::expected<void, Problem> Rebuilding::begin() {
  if (manifest_.image == 0) {
    const TimePoint began{manifest_.clock.log.nanoseconds};
    rebuilt_.emplace(Rebuilt{.log = std::make_unique<fanout::Log>(options_),
                             .past = fanout::Past(began),
                             .clock = manifest_.clock});
    return {};
  }
  const std::string name = image_name(manifest_.image);
  const auto bytes = read_file(disk_, name);
  if (!bytes) return problem(bytes.error());
  Unpacker from(*bytes);
  const bool known = from.value<std::uint64_t>() == kMagic;
  const auto size = from.value<std::uint64_t>();
  const auto crc = from.value<std::uint32_t>();
  from.value<std::uint32_t>();
  if (!known || from.rest().size() != size || crc != crc32c(from.rest())) {
    return damaged(disk_, name, "it is not what was written");
  }
  const auto image = fanout::LogImage::open(from.rest());
  if (!image) return damaged(disk_, name, image.error());
  auto log = image->make(options_);
  if (!log) return damaged(disk_, name, "it makes no log");
  log->seal({});
  rebuilt_.emplace(Rebuilt{.log = std::move(log),
                           .past = image->past(),
                           .clock = image->clock(),
                           .reserved = image->head(),
                           .image_bytes = bytes->size()});
  return advance(bytes->size());
}

std::expected<void, Problem> Rebuilding::play(std::uint64_t number, bool last) {
  auto reader = SegmentReader::open(disk_, number);
  if (!reader) return problem(reader.error());
  player_->begin_segment();
  while (true) {
    const auto read = reader->next();
    if (!read) return problem(read.error());
    if (!*read) break;
    const RecordHead& head = (*read)->head;
    if (!player_->play((*read)->items)) {
      return damaged(
          disk_, segment_name(number),
          fmt::format("the record that ends at byte {} contradicts those before it", reader->at()));
    }
    player_->pass(head.head);
    // Nobody else has to hear of it.
    rebuilt_->log->seal({});
    rebuilt_->past.note({head.clock.log.nanoseconds}, head.head);
    rebuilt_->clock = head.clock;
    rebuilt_->reserved = std::max({rebuilt_->reserved, head.reserved, head.head});
    if (auto advanced = advance(head.size()); !advanced) return advanced;
  }
  return end(*reader, number, last);
}

std::expected<void, Problem> Rebuilding::end(SegmentReader& reader, std::uint64_t number,
                                             bool last) {
  rebuilt_->segment_bytes += reader.at();
  const auto ended = reader.ended();
  if (!ended) return problem(ended.error());
  if (*ended == SegmentReader::End::clean) return {};
  const std::string name = segment_name(number);
  if (!last || *ended == SegmentReader::End::damage || manifest_.clean) {
    return damaged(disk_, name,
                   fmt::format("what was written at byte {}, after event {}, is not there",
                               reader.at(), rebuilt_->log->head()));
  }
  rebuilt_->torn_bytes = reader.size() - reader.at();
  const auto file = open_file(disk_, name, /*make=*/false);
  if (!file) return problem(file.error());
  auto cut = disk_.truncate(file->number(), reader.at());
  if (cut) cut = disk_.flush(file->number());
  if (!cut) return problem(cut.error());
  return {};
}

}  // namespace

std::string image_name(std::uint64_t number) {
  return fmt::format("image-{:08}", number);
}

std::expected<Rebuilt, Problem> rebuild(Disk& disk, const Manifest& manifest, std::uint64_t through,
                                        const fanout::Epoch& epoch, const Progress& progress) {
  return Rebuilding(disk, manifest, epoch, progress).run(through);
}

Result<std::uint64_t> write_image(Disk& disk, std::uint64_t number, const Rebuilt& rebuilt) {
  const auto file = open_file(disk, image_name(number), /*make=*/true);
  if (!file) return std::unexpected(file.error());
  Result<> done = disk.truncate(file->number(), 0);
  std::uint64_t size = 0;
  std::uint32_t crc = 0;
  write_log_image(*rebuilt.log, rebuilt.clock, rebuilt.past, [&](std::string_view piece) {
    if (done) done = disk.write(file->number(), kHeadBytes + size, piece);
    size += piece.size();
    crc = crc32c(piece, crc);
    return done.has_value();
  });
  std::string head;
  Packer(head).value(kMagic).value(size).value(crc).value(std::uint32_t{0});
  if (done) done = disk.write(file->number(), 0, head);
  if (done) done = disk.flush(file->number());
  if (done) done = disk.flush_folder();
  if (!done) return std::unexpected(done.error());
  return kHeadBytes + size;
}

}  // namespace fanfare::journal
