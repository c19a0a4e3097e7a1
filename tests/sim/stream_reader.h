// StreamReader: an EventSource's reading of an event stream (WHATWG HTML 9.2.6), for the
// simulation's clients, which must not share a mistake with the broker's encoder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fanfare::sim {

class StreamReader {
 public:
  struct Message {
    bool dispatched = false;  // false: a blank line that only set the id
    std::string type;         // empty: "message"
    std::string data;
    std::string id;  // the last event id when it was dispatched
  };

  // A new connection: the id stays, a half event is forgotten.
  void reconnect();
  // What the bytes complete is appended to `out`.
  void feed(std::string_view in, std::vector<Message>& out);

  // The last `retry:` of the server, in milliseconds; 0: none yet.
  std::uint64_t retry_ms() const { return retry_ms_; }
  const std::string& last_id() const { return last_id_; }
  // Comment lines so far: heartbeats, and one at the beginning of each stream.
  std::uint64_t comments() const { return comments_; }
  // An event was begun and not finished.
  bool in_event() const { return !line_.empty() || has_data_ || !type_.empty(); }

 private:
  void take_line(std::string_view line, std::vector<Message>& out);

  std::string line_;
  bool after_cr_ = false;
  bool has_data_ = false;
  bool has_id_ = false;
  std::string data_;
  std::string type_;
  std::string id_;  // the buffer
  std::string last_id_;
  std::uint64_t retry_ms_ = 0;
  std::uint64_t comments_ = 0;
};

}  // namespace fanfare::sim
