// RespReader: cuts a byte stream into RESP commands: `*n` arrays of `$size` bulks, or inline lines
// with Redis's quoting. Knows nothing of what commands mean.
//
// A command that is too long to be kept does not end the connection: its bytes are skipped and the
// command is reported, so that replies stay in step with requests. Only framing that cannot be
// followed is a protocol error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fanfare::ingest {

class RespReader {
 public:
  // `bulk_bytes_max` bounds one argument and, together with `overhead`, a whole command with its
  // framing. It may change, and must outlive the reader.
  RespReader(const std::size_t& bulk_bytes_max, std::size_t overhead)
      : bulk_bytes_max_(bulk_bytes_max), overhead_(overhead) {}

  enum class Step : std::uint8_t {
    more,            // no whole command yet
    command,         // arguments() holds one; it has at least one argument
    nothing,         // an empty line or array: no reply
    passed_over,     // a whole command was skipped because it was too long to keep: problem()
    protocol_error,  // problem(); reading cannot go on
  };
  struct Result {
    Step step = Step::more;
    std::size_t consumed = 0;  // bytes of `text` that are not to be shown again
  };

  // `text` begins with the first byte not yet consumed: after `more` it is the same text, longer.
  // A whole command is consumed at once; `more` consumes only what is passed over.
  Result read(std::string_view text);

  // After `more`: how much of `following` must be added to `text` before read() can continue. Never
  // more than up to the end of the command.
  std::size_t missing(std::string_view text, std::string_view following) const;

  // The header of an array was read, and not yet all of its bulks.
  bool inside_array() const { return bulks_left_ != 0; }
  // The arguments of the last `command`, valid until the next read() or until its text moves.
  std::span<const std::string_view> arguments() const { return arguments_; }
  // A sentence for an error reply.
  const std::string& problem() const { return problem_; }

 private:
  struct Piece {
    std::size_t offset, size;
  };
  enum class Line : std::uint8_t { whole, cut, bad };

  std::size_t command_bytes_max() const { return bulk_bytes_max_ + overhead_; }
  std::size_t read_whole(std::string_view text);
  Result read_header(std::string_view text);
  Result read_bulks(std::string_view text);
  Result read_inline(std::string_view text);
  bool split_inline(std::string_view line);
  Result pass_over(std::string_view text);
  void begin_passing_over(std::string problem);
  Line read_size(std::string_view text, std::uint64_t& size);
  Result complete(std::string_view text);
  Result broken(std::string problem);

  const std::size_t& bulk_bytes_max_;
  const std::size_t overhead_;
  std::vector<std::string_view> arguments_;
  std::vector<Piece> pieces_;  // of the arguments read so far, in `text`
  std::string unquoted_;       // the text that inline arguments point into
  std::string problem_;
  std::size_t position_ = 0;      // `text` is read up to here
  std::uint64_t bulks_left_ = 0;  // 0: between commands
  // The size of the bulk at position_, if in_bulk_; while skipping, what is left of it and its
  // CRLF.
  std::uint64_t bulk_size_ = 0;
  bool in_bulk_ = false;
  bool passing_over_ = false;
};

}  // namespace fanfare::ingest
