// Encoder: an Event becomes its frame, once: one HTTP/1.1 chunk that holds one SSE event.
//
//   <hex size> CRLF                         RFC 9112 §7.1
//   event: <type> LF                        only if there is a type
//   retry: <milliseconds> LF                only if there is one
//   data: <line> LF                         one per line of the data; an empty payload has one
//   id: <epoch>-<sequence> LF               last: some clients commit the id when its line arrives
//   LF                                      and would lose an event that is cut after it
//   CRLF
//
// Behind it lies the event's key, if it has one, and behind that a zero byte if it removes the key:
// neither is ever sent as it is (framing.h).
//
// CR, LF and CRLF each end a line of the data, so that a publisher cannot start a field of its own;
// a client gets all three back as LF. The exact size comes first, the bytes go straight to their
// final place. Does not validate: policy/ has done that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "broker/fanout/event.h"
#include "broker/fanout/event_id.h"

namespace fanfare::fanout {

class Encoder {
 public:
  // What measure() found out, for encode().
  struct Shape {
    std::size_t frame_size = 0;
    std::size_t text_size = 0;
    bool one_line = true;  // no CR or LF in the data
  };

  explicit Encoder(const Epoch& epoch);

  Shape measure(const Event& event, Sequence sequence) const;
  // `frame` has exactly `shape.frame_size` bytes, and shape == measure(event, sequence).
  void encode(const Shape& shape, const Event& event, Sequence sequence,
              std::span<char> frame) const;
  // The frame, of that event, gets this epoch in its id.
  void renew(std::span<char> frame, Sequence sequence) const;

 private:
  std::array<char, 4 + Epoch::kSize + 1> id_line_{};  // "id: <epoch>-"
};

// What follows the key of an event that removes it. No key has such a byte.
inline constexpr char kRemoves = '\0';

// What lies behind the chunk of a frame.
struct KeyOfFrame {
  std::string_view key;
  bool removes = false;
};
KeyOfFrame key_of(std::string_view frame);

// Writes `value` in lower-case hexadecimal and CRLF; returns where it ended.
char* write_chunk_size(char* to, std::size_t value);

}  // namespace fanfare::fanout
