#include "broker/journal/record.h"

#include <bit>

#include "common/crc32c.h"
#include "common/packing.h"

namespace fanfare::journal {
namespace {

static_assert(std::endian::native == std::endian::little, "records are written as they lie here");

constexpr std::uint32_t kMagic = 0x4a524e46;  // "FNRJ"
constexpr std::uint32_t kVersion = 1;

}  // namespace

void RecordHead::fields_to(std::string& out) const {
  Packer(out)
      .value(kMagic)
      .value(kVersion)
      .value(segment)
      .value(synced)
      .value(head)
      .value(reserved)
      .value(clock.log.nanoseconds)
      .value(std::int64_t{clock.wall.time_since_epoch().count()})
      .value(bytes)
      .value(chain)
      .value(items_crc);
}

void RecordHead::append_to(std::string& out) const {
  const std::size_t begin = out.size();
  fields_to(out);
  Packer(out).value(crc32c(std::string_view(out).substr(begin)));
}

std::uint32_t RecordHead::crc() const {
  std::string fields;
  fields_to(fields);
  return crc32c(fields);
}

std::optional<RecordHead> RecordHead::read(std::string_view bytes) {
  Unpacker from(bytes.substr(0, kSize));
  const bool known =
      from.value<std::uint32_t>() == kMagic && from.value<std::uint32_t>() == kVersion;
  RecordHead head;
  head.segment = from.value<std::uint64_t>();
  head.synced = from.value<std::uint64_t>();
  head.head = from.value<fanout::Sequence>();
  head.reserved = from.value<fanout::Sequence>();
  head.clock.log = {from.value<std::int64_t>()};
  head.clock.wall = fanout::WallTime(Duration(from.value<std::int64_t>()));
  head.bytes = from.value<std::uint32_t>();
  head.chain = from.value<std::uint32_t>();
  head.items_crc = from.value<std::uint32_t>();
  const auto crc = from.value<std::uint32_t>();
  if (!known || !from.whole()) return std::nullopt;
  if (crc != crc32c(bytes.substr(0, kSize - sizeof crc))) return std::nullopt;
  return head;
}

}  // namespace fanfare::journal
