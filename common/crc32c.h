// CRC-32C (Castagnoli), the checksum of what lies on a disk: the processor's own instruction where
// it has one.
#pragma once

#include <cstdint>
#include <string_view>

namespace fanfare {

// Goes on after bytes whose checksum was `before`.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);
// The same without the instruction.
std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t before = 0);

}  // namespace fanfare
