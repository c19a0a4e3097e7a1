// Frames of HTTP/2 as bytes, written and read apart from nghttp2, so that a test can say what no
// client would. Field blocks are written in HPACK's plainest form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fanfare::h2_test {

enum Type : std::uint8_t {
  kData,
  kHeaders,
  kPriority,
  kRstStream,
  kSettings,
  kPushPromise,
  kPing,
  kGoaway,
  kWindowUpdate,
  kContinuation,
  kPriorityUpdate = 0x10,
};
enum Flag : std::uint8_t {
  kNoFlag = 0,
  kAck = 1,
  kEndStream = 1,
  kEndHeaders = 4,
  kPadded = 8,
  kPriorityFlag = 0x20,
};

inline std::string number(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

// `length`: what its head says, if that is not the payload's.
inline std::string frame(std::uint8_t type, int flags, std::uint32_t stream,
                         std::string_view payload = {}, std::int64_t length = -1) {
  const auto size =
      length < 0 ? static_cast<std::uint32_t>(payload.size()) : static_cast<std::uint32_t>(length);
  std::string text = number(size, 3);
  text += static_cast<char>(type);
  text += static_cast<char>(flags);
  return text + number(stream, 4) + std::string(payload);
}

// RFC 7541 §5.1
inline std::string integer(std::uint32_t value, int prefix_bits, std::uint8_t first = 0) {
  const std::uint32_t most = (1U << prefix_bits) - 1;
  if (value < most) return {static_cast<char>(first | value)};
  std::string text(1, static_cast<char>(first | most));
  for (value -= most; value >= 128; value >>= 7U) text += static_cast<char>(value % 128 + 128);
  return text + static_cast<char>(value);
}
inline std::string literal(std::string_view text) {
  return integer(static_cast<std::uint32_t>(text.size()), 7) + std::string(text);
}
// Without indexing (§6.2.2).
inline std::string field(std::string_view name, std::string_view value) {
  return std::string(1, '\0') + literal(name) + literal(value);
}
// With it (§6.2.1).
inline std::string indexed_field(std::string_view name, std::string_view value) {
  return "\x40" + literal(name) + literal(value);
}

using Fields = std::vector<std::pair<std::string, std::string>>;

inline std::string block(const Fields& fields) {
  std::string text;
  for (const auto& [name, value] : fields) text += field(name, value);
  return text;
}
inline std::string get_block(std::string_view path = "/events?channel=a", const Fields& more = {}) {
  return block({{":method", "GET"},
                {":scheme", "http"},
                {":path", std::string(path)},
                {":authority", "x"}}) +
         block(more);
}
inline std::string get(std::uint32_t stream, std::string_view path = "/events?channel=a",
                       const Fields& more = {}) {
  return frame(kHeaders, kEndHeaders | kEndStream, stream, get_block(path, more));
}
inline std::string post_head(std::uint32_t stream, std::string_view path, const Fields& more = {}) {
  return frame(kHeaders, kEndHeaders, stream,
               block({{":method", "POST"},
                      {":scheme", "http"},
                      {":path", std::string(path)},
                      {":authority", "x"}}) +
                   block(more));
}
inline std::string setting(std::uint16_t name, std::uint32_t value) {
  return number(name, 2) + number(value, 4);
}
inline std::string window_update(std::uint32_t stream, std::uint32_t more) {
  return frame(kWindowUpdate, 0, stream, number(more, 4));
}
inline std::string rst(std::uint32_t stream, std::uint32_t code = 8) {
  return frame(kRstStream, 0, stream, number(code, 4));
}

// The preface and empty SETTINGS.
std::string greeting(std::string_view settings = {});

// One frame that the broker said.
struct Heard {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
  Fields fields = {};  // of HEADERS

  // The error of RST_STREAM or GOAWAY.
  std::uint32_t error() const;
  std::string value(std::string_view name) const;
  bool end() const { return (type == kData || type == kHeaders) && (flags & kEndStream) != 0; }
};

// Takes the broker's bytes, however cut, apart.
class Ear {
 public:
  Ear();
  ~Ear();
  Ear(const Ear&) = delete;
  Ear& operator=(const Ear&) = delete;

  std::vector<Heard> hear(std::string_view bytes);

 private:
  struct Decoder;
  std::string rest_;
  Decoder* decoder_;
};

}  // namespace fanfare::h2_test
