#include "broker/journal/manifest.h"

#include "common/crc32c.h"
#include "common/packing.h"

namespace fanfare::journal {
namespace {

constexpr std::uint64_t kMagic = 0x74736566696e616dU;  // "manifest"
constexpr std::uint32_t kVersion = 1;

}  // namespace

std::string Manifest::text() const {
  std::string text;
  Packer(text)
      .value(kMagic)
      .value(kVersion)
      .text(epoch.text())
      .value(level)
      .text(boot)
      .value(image)
      .value(first)
      .value(last)
      .value(clean)
      .value(head)
      .value(clock.log)
      .value(std::int64_t{clock.wall.time_since_epoch().count()});
  Packer(text).value(crc32c(text));
  return text;
}

std::optional<Manifest> Manifest::parse(std::string_view text) {
  if (text.size() < sizeof(std::uint32_t)) return std::nullopt;
  const std::string_view content = text.substr(0, text.size() - sizeof(std::uint32_t));
  const auto crc = Unpacker(text.substr(content.size())).value<std::uint32_t>();
  Unpacker from(content);
  const bool known = crc == crc32c(content) && from.value<std::uint64_t>() == kMagic &&
                     from.value<std::uint32_t>() == kVersion;
  const auto epoch = fanout::Epoch::parse(from.text());
  Manifest manifest;
  manifest.level = from.value<Level>();
  manifest.boot = from.text();
  manifest.image = from.value<std::uint64_t>();
  manifest.first = from.value<std::uint64_t>();
  manifest.last = from.value<std::uint64_t>();
  manifest.clean = from.value<bool>();
  manifest.head = from.value<fanout::Sequence>();
  manifest.clock.log = from.value<fanout::LogTime>();
  manifest.clock.wall = fanout::WallTime(Duration(from.value<std::int64_t>()));
  if (!known || !epoch || !from.whole()) return std::nullopt;
  manifest.epoch = *epoch;
  return manifest;
}

}  // namespace fanfare::journal
