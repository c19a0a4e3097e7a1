// The protocol of bundles: one connection with several event streams, framed as simply as can be.
// The client says kBundleGreeting; then both sides say frames:
//
//   size of the payload (4 bytes), kind (1), number of the stream (4), payload
//
//   client  open    an HTTP/1.1 request, whose connection and body framing mean nothing here
//           cancel  no more of this stream, please
//   broker  head    "200 text/event-stream…": the answer begins; of one that is no stream it is all
//           data    what the stream says, as it is, without chunks
//           end     "complete" or "come back"
//
// Streams are numbered by the client, each number once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fanfare::sim {

inline constexpr std::string_view kBundleGreeting = "bundle\n";
inline constexpr std::string_view kComplete = "complete";
inline constexpr std::string_view kComeBack = "come back";

struct BundleFrame {
  enum class Kind : std::uint8_t { open, cancel, head, data, end };
  static constexpr std::size_t kHeadBytes = 9;
  static constexpr std::size_t kPayloadMax = 1U << 20U;

  Kind kind{};
  std::uint32_t stream = 0;
  std::string_view payload;

  std::string text() const;
};

// Takes the first frame off `bytes`, which it is a view of; none: it is not complete yet.
std::optional<BundleFrame> take_frame(std::string_view& bytes);
// What `bytes` begin with cannot become a frame.
bool not_a_frame(std::string_view bytes);

}  // namespace fanfare::sim
