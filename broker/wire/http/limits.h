// Limits: how much of everything a peer may send in one HTTP message. Each has a key in broker.toml
// or is a constant with its reason; a message that passes one is refused with the status named.
#pragma once

#include <cstdint>

namespace fanfare::http {

struct Limits {
  // Request line, fields and every line end of the head. 431 (414 while in the target).
  std::uint32_t head_bytes = 16U << 10U;
  // The request target. 414.
  std::uint32_t target_bytes = 8U << 10U;
  // Field lines of the head. 431.
  std::uint32_t fields = 100;
  // The body after decoding. 413, as soon as a length or a chunk size says so.
  std::uint64_t body_bytes = 64U << 10U;
  // The method: longer than any registered one (UPDATEREDIRECTREF, 17). 501 (RFC 9112 §3).
  std::uint32_t method_bytes = 32;
  // All chunk extensions of one message together. No client sends any, so they are only a way to
  // make a server read without end. 413.
  std::uint32_t chunk_extension_bytes = 1U << 10U;
  // The trailer section, line ends included. 431.
  std::uint32_t trailer_bytes = 4U << 10U;
};

// Which of them a message exceeded, for callers that know the keys of broker.toml.
enum class Limit : std::uint8_t { none, head_bytes, target_bytes, fields, body_bytes };

}  // namespace fanfare::http
