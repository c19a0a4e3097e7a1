#include "tests/sim/bundle_frame.h"

#include <cstring>

namespace fanfare::sim {
namespace {

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t number = 0;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

}  // namespace

std::string BundleFrame::text() const {
  std::string text(kHeadBytes, '\0');
  const auto size = static_cast<std::uint32_t>(payload.size());
  std::memcpy(text.data(), &size, sizeof size);
  text[4] = static_cast<char>(kind);
  std::memcpy(text.data() + 5, &stream, sizeof stream);
  return text += payload;
}

std::optional<BundleFrame> take_frame(std::string_view& bytes) {
  if (bytes.size() < BundleFrame::kHeadBytes) return std::nullopt;
  const std::size_t size = number_at(bytes, 0);
  if (bytes.size() < BundleFrame::kHeadBytes + size) return std::nullopt;
  const BundleFrame frame{.kind = BundleFrame::Kind(bytes[4]),
                          .stream = number_at(bytes, 5),
                          .payload = bytes.substr(BundleFrame::kHeadBytes, size)};
  bytes.remove_prefix(BundleFrame::kHeadBytes + size);
  return frame;
}

bool not_a_frame(std::string_view bytes) {
  if (bytes.size() < BundleFrame::kHeadBytes) return false;
  return number_at(bytes, 0) > BundleFrame::kPayloadMax ||
         static_cast<std::uint8_t>(bytes[4]) > static_cast<std::uint8_t>(BundleFrame::Kind::end);
}

}  // namespace fanfare::sim
