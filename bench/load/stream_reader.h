// StreamReader: the cheapest reading of an SSE stream that still checks everything: finds `data: `
// lines of the load generator's own form ("<number> <nanoseconds> <padding>") and `id: ` lines,
// wherever the bytes are cut. Chunk framing needs no parser: its lines never look like those.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace fanfare::load {

class StreamReader {
 public:
  struct Event {
    std::uint64_t number = 0;   // of its channel, from 1
    std::uint64_t sent_ns = 0;  // CLOCK_MONOTONIC of its publisher
  };

  // Calls on_event(Event), on_id(text) and on_gap() for the whole lines in what has been read so
  // far.
  template <class OnEvent, class OnId, class OnGap>
  void read(std::string_view bytes, OnEvent&& on_event, OnId&& on_id, OnGap&& on_gap) {
    if (!rest_.empty()) {
      rest_ += bytes;
      bytes = rest_;
    }
    std::size_t begin = 0;
    for (std::size_t end; (end = bytes.find('\n', begin)) != std::string_view::npos;
         begin = end + 1) {
      const std::string_view line = bytes.substr(begin, end - begin);
      if (line.starts_with("data: ")) {
        Event event;
        const char* const last = line.data() + line.size();
        const auto number = std::from_chars(line.data() + 6, last, event.number);
        if (number.ec != std::errc{} || number.ptr == last) continue;
        std::from_chars(number.ptr + 1, last, event.sent_ns);
        on_event(event);
      } else if (line.starts_with("id: ")) {
        on_id(line.substr(4));
      } else if (line == "event: gap") {
        on_gap();
      }
    }
    std::string kept(bytes.substr(begin));
    rest_ = std::move(kept);
  }
  void reset() { rest_.clear(); }

 private:
  std::string rest_;
};

}  // namespace fanfare::load
