// Replies: what one publisher is answered, in order, until it may be sent. An answer waits for a
// place in the log: all that was appended when it was made, which it may rest on, must have been
// told (broker/server/base/heads.h). Today that happens by the end of the turn; with a journal it
// may take seconds, and the publisher goes on publishing meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fanfare::server {

class Replies {
 public:
  bool empty() const { return text_.empty(); }
  std::size_t size() const { return text_.size(); }
  // For a session, or a watcher's notices: to be appended to, nothing else.
  std::string& text() { return text_; }

  // All that is here, and does not wait yet, waits for this place (Head::batches) to be told. No
  // lower than the one before.
  void wait_for(std::uint64_t place);
  // take() would return something.
  bool ready(std::uint64_t told) const;
  // Moves what may be sent, now that the log is told up to there, into `out`, which is empty. A
  // reply that waits keeps back those appended after it.
  void take(std::uint64_t told, std::string& out);

 private:
  // The text up to `end` waits for `place`.
  struct Wait {
    std::size_t end = 0;
    std::uint64_t place = 0;
  };

  std::string text_;
  std::vector<Wait> waits_;  // both ascend; what lies behind the last waits for nothing
};

}  // namespace fanfare::server
