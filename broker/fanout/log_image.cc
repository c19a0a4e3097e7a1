#include "broker/fanout/log_image.h"

#include <fmt/format.h>

#include <unordered_map>
#include <utility>
#include <vector>

#include "common/packing.h"

namespace fanfare::fanout {
namespace {

constexpr std::uint64_t kMagic = 0x676f6c7261666e66;  // "fnfarlog"
// Collected before the sink gets it.
constexpr std::size_t kPieceBytes = 1U << 20U;
// Frames of latest events in one run.
constexpr std::size_t kKeptBytes = 64U << 10U;

// Packs, and gives the sink what has come together.
class Stream {
 public:
  explicit Stream(const ImageSink& sink) : sink_(sink) {}

  Packer& pack() {
    if (piece_.size() >= kPieceBytes) flush();
    return packer_;
  }
  bool flush() {
    wanted_ = wanted_ && sink_(piece_);
    piece_.clear();
    return wanted_;
  }

 private:
  const ImageSink& sink_;
  std::string piece_;
  Packer packer_{piece_};
  bool wanted_ = true;
};

// What of a segment its window still has.
struct Live {
  std::uint32_t first = 0, count = 0, begin = 0, end = 0;
};

void write_channels(const Log& log, Stream& to, std::vector<std::uint32_t>& numbers,
                    std::unordered_map<const Segment*, Live>& live) {
  to.pack().value(std::uint64_t{log.sources().count()});
  numbers.resize(log.sources().all().size());
  std::uint32_t number = 0;
  for (const auto& source : log.sources().all()) {
    if (!source) continue;
    numbers[source->id] = number++;
    to.pack()
        .text(source->name)
        .value(source->window.evicted_through())
        .value(source->newest)
        .value(source->begun_after)
        .value(source->published)
        .value(std::uint64_t{source->last_footprint})
        .value(source->last_activity)
        .value(source->keys != nullptr)
        .value(source->keys ? source->keys->forgotten_through() : Sequence{0})
        .value(source->finished);
    source->window.for_each_segment(
        [&live](const Segment& segment, std::uint32_t first, std::uint32_t count,
                std::uint32_t begin,
                std::uint32_t end) { live[&segment] = {first, count, begin, end}; });
  }
}

void write_tombstones(const Tombstones& tombstones, Stream& to) {
  to.pack().value(std::uint64_t{tombstones.count()});
  tombstones.for_each([&](std::string_view name, Sequence evicted_through) {
    to.pack().text(name).value(evicted_through);
  });
  to.pack().value(tombstones.floor());
}

// As if they still lay in the window: they leave it when the log is made again.
void write_kept(const Log& log, Stream& to, const std::vector<std::uint32_t>& numbers) {
  for (const auto& source : log.sources().all()) {
    if (!source || !source->keys) continue;
    std::string entries;
    std::string frames;
    Sequence first = 0;
    const auto flush = [&] {
      if (entries.empty()) return;
      to.pack().value(true).value(numbers[source->id]).value(first).text(entries).text(frames);
      entries.clear();
      frames.clear();
    };
    source->keys->for_each_kept(
        [&](const Segment::Entry& entry, Sequence sequence, std::string_view frame) {
          if (frames.size() + frame.size() > kKeptBytes || sequence - first > UINT32_MAX) flush();
          if (entries.empty()) first = sequence;
          Packer(entries).value(
              Segment::Entry{.sequence_offset = static_cast<std::uint32_t>(sequence - first),
                             .frame_offset = static_cast<std::uint32_t>(frames.size()),
                             .committed_s = entry.committed_s});
          frames += frame;
        });
    flush();
  }
  to.pack().value(false);
}

// One that holds nothing any more is not worth it, even if it takes the next event.
void write_segments(const Log& log, Stream& to, const std::vector<std::uint32_t>& numbers,
                    const std::unordered_map<const Segment*, Live>& live) {
  to.pack().value(std::uint64_t{live.size()});
  std::string entries;
  const Segment* segment = log.segments().oldest();
  for (; segment != nullptr; segment = SegmentList::newer(*segment)) {
    const auto found = live.find(segment);
    if (found == live.end()) continue;
    const auto [first, count, begin, end] = found->second;
    const ChannelId channel = SegmentList::channel(*segment);
    const bool open = log.sources().all()[channel]->writer.segment().get() == segment;
    entries.clear();
    Packer packer(entries);
    for (std::uint32_t i = first; i < count; ++i) packer.value(segment->entry(i));
    to.pack()
        .value(numbers[channel])
        .value(std::uint64_t{segment->footprint()})
        .value(open)
        .value(segment->first_sequence())
        .value(begin)
        .text(entries)
        .text({segment->bytes() + begin, end - begin});
  }
}

void write_receipts(const Receipts& receipts, Stream& to) {
  to.pack().value(std::uint64_t{receipts.count()});
  receipts.for_each([&](std::string_view key, Sequence sequence, LogTime added) {
    to.pack().text(key).value(sequence).value(added);
  });
}

// A channel, and what is to be said of it when it has its events.
struct Made {
  Resume resume;
  Sequence evicted_through = 0;
  bool finished = false;
};

std::vector<Made> make_channels(Unpacker& from, Log& log) {
  std::vector<Made> made;
  for (auto left = from.value<std::uint64_t>(); left > 0 && from.whole(); --left) {
    const std::string_view name = from.text();
    const auto evicted_through = from.value<Sequence>();
    Resume resume{.channel = log.sources().next_id(),
                  .newest = from.value<Sequence>(),
                  .begun_after = from.value<Sequence>(),
                  .published = from.value<std::uint64_t>(),
                  .last_footprint = from.value<std::uint64_t>(),
                  .last_activity = from.value<LogTime>()};
    const bool keeps_latest = from.value<bool>();
    resume.removals_forgotten = from.value<Sequence>();
    const bool finished = from.value<bool>();
    if (!from.whole() || log.sources().find(name) != nullptr) return {};
    log.apply(Appear{.channel = resume.channel,
                     .name = name,
                     .time = resume.last_activity,
                     .keeps_latest = keeps_latest});
    made.push_back({resume, evicted_through, finished});
  }
  return made;
}

// Each is a channel that had lost something when it went.
void make_tombstones(Unpacker& from, Log& log) {
  for (auto left = from.value<std::uint64_t>(); left > 0 && from.whole(); --left) {
    const std::string_view name = from.text();
    const auto evicted_through = from.value<Sequence>();
    if (!from.whole() || log.sources().find(name) != nullptr) continue;
    const ChannelId channel = log.sources().next_id();
    log.apply(Appear{.channel = channel, .name = name, .time = {}});
    log.apply(Evict{.channel = channel, .through = evicted_through});
    log.apply(Forget{.channel = channel});
  }
}

// What `refill` says fits into a segment of that size, and is what it says.
bool sound(const Refill& refill, std::uint64_t footprint) {
  const std::size_t size = sizeof(Segment::Entry);
  if (refill.entries.empty() || refill.entries.size() % size != 0) return false;
  if (footprint < sizeof(Segment) + refill.entries.size() + refill.frames.size()) return false;
  std::uint64_t before = refill.begin;
  for (std::size_t at = 0; at < refill.entries.size(); at += size) {
    const auto offset =
        Unpacker(refill.entries.substr(at, size)).value<Segment::Entry>().frame_offset;
    if (offset < before || offset - refill.begin > refill.frames.size()) return false;
    before = offset;
  }
  return true;
}

bool make_kept(Unpacker& from, Log& log, const std::vector<Made>& made, bool of_another_epoch) {
  while (from.value<bool>()) {
    const auto number = from.value<std::uint32_t>();
    if (number >= made.size()) return false;
    const Refill refill{.channel = made[number].resume.channel,
                        .first = from.value<Sequence>(),
                        .begin = 0,
                        .entries = from.text(),
                        .frames = from.text(),
                        .of_another_epoch = of_another_epoch};
    const std::uint64_t footprint =
        sizeof(Segment) + refill.entries.size() + refill.frames.size() + sizeof(Segment::Entry);
    if (!from.whole() || !sound(refill, footprint)) return false;
    log.apply(OpenSegment{.channel = refill.channel, .footprint = footprint});
    log.apply(refill);
    log.apply(CloseSegment{.channel = refill.channel, .small_next = false});
  }
  return from.whole();
}

bool make_segments(Unpacker& from, Log& log, const std::vector<Made>& made, bool of_another_epoch) {
  for (auto left = from.value<std::uint64_t>(); left > 0 && from.whole(); --left) {
    const auto number = from.value<std::uint32_t>();
    const auto footprint = from.value<std::uint64_t>();
    const bool open = from.value<bool>();
    if (number >= made.size()) return false;
    const Refill refill{.channel = made[number].resume.channel,
                        .first = from.value<Sequence>(),
                        .begin = from.value<std::uint32_t>(),
                        .entries = from.text(),
                        .frames = from.text(),
                        .of_another_epoch = of_another_epoch};
    if (!from.whole() || !sound(refill, footprint)) return false;
    log.apply(OpenSegment{.channel = refill.channel, .footprint = footprint});
    log.apply(refill);
    if (!open) log.apply(CloseSegment{.channel = refill.channel, .small_next = false});
  }
  return from.whole();
}

// Keys of channels that are gone count no more.
void make_receipts(Unpacker& from, Log& log) {
  for (auto left = from.value<std::uint64_t>(); left > 0 && from.whole(); --left) {
    const std::string_view joined = from.text();
    const auto sequence = from.value<Sequence>();
    const auto added = from.value<LogTime>();
    const std::size_t space = joined.find(' ');
    if (!from.whole() || space == std::string_view::npos) continue;
    const Source* const source = log.sources().find(joined.substr(0, space));
    if (source == nullptr) continue;
    log.apply(AddReceipt{.channel = source->id,
                         .key = joined.substr(space + 1),
                         .sequence = sequence,
                         .time = added});
  }
}

}  // namespace

bool write_log_image(const Log& log, const LogClock::Mark& clock, const Past& past,
                     const ImageSink& sink) {
  Stream to(sink);
  to.pack().value(kMagic).value(kLogImageVersion).text(log.epoch().text()).value(log.head());
  to.pack().value(clock.log).value(clock.wall.time_since_epoch().count());
  past.pack(to.pack());
  std::vector<std::uint32_t> numbers;
  std::unordered_map<const Segment*, Live> live;
  write_channels(log, to, numbers, live);
  write_tombstones(log.tombstones(), to);
  write_kept(log, to, numbers);
  write_segments(log, to, numbers, live);
  write_receipts(log.receipts(), to);
  to.pack().value(kMagic);
  return to.flush();
}

std::expected<LogImage, std::string> LogImage::open(std::string_view bytes) {
  Unpacker from(bytes);
  if (from.value<std::uint64_t>() != kMagic) {
    return std::unexpected("what was handed over is no image of a log");
  }
  const auto version = from.value<std::uint32_t>();
  if (version != kLogImageVersion) {
    return std::unexpected(
        fmt::format("the log was handed over in version {} of its image, and "
                    "this broker reads version {}",
                    version, kLogImageVersion));
  }
  const auto epoch = Epoch::parse(from.text());
  const auto head = from.value<Sequence>();
  const auto log_time = from.value<LogTime>();
  const WallTime wall{Duration(from.value<std::int64_t>())};
  Past past = Past::unpack(from);
  const bool ends =
      bytes.size() > sizeof kMagic &&
      Unpacker(bytes.substr(bytes.size() - sizeof kMagic)).value<std::uint64_t>() == kMagic;
  if (!epoch || !from.whole() || !ends) {
    return std::unexpected("the image of the log that was handed over is damaged");
  }
  LogImage image(*epoch, std::move(past));
  image.head_ = head;
  image.clock_ = {.log = log_time, .wall = wall};
  image.rest_ = from.rest();
  return image;
}

std::unique_ptr<Log> LogImage::make(LogOptions options) const {
  auto log = std::make_unique<Log>(std::move(options));
  Unpacker from(rest_);
  const std::vector<Made> made = make_channels(from, *log);
  make_tombstones(from, *log);
  const auto floor = from.value<Sequence>();
  const bool other = log->epoch() != epoch_;
  if (!make_kept(from, *log, made, other) || !make_segments(from, *log, made, other)) {
    return nullptr;
  }
  for (const Made& channel : made) {
    const ChannelId id = channel.resume.channel;
    if (channel.resume.newest > head_) return nullptr;
    if (channel.evicted_through > 0) {
      log->apply(Evict{.channel = id, .through = channel.evicted_through});
    }
    if (channel.finished) {
      log->apply(Finish{.channel = id, .time = channel.resume.last_activity});
    }
    log->apply(channel.resume);
  }
  log->apply(Continue{.head = head_, .floor = floor});
  make_receipts(from, *log);
  if (!from.whole() || from.value<std::uint64_t>() != kMagic) return nullptr;
  return log;
}

}  // namespace fanfare::fanout
