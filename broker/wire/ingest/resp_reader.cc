#include "broker/wire/ingest/resp_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/hex.h"

namespace fanfare::ingest {
namespace {

constexpr std::uint64_t kArgumentsMax = 1024;            // kept; enough for any NUMSUB by hand
constexpr std::uint64_t kArgumentsFollowed = 1U << 20U;  // Redis's own limit
constexpr std::uint64_t kBulkFollowed = 512U << 20U;     // Redis's proto-max-bulk-len
constexpr std::size_t kInlineBytesMax = 64U << 10U;      // Redis's PROTO_INLINE_MAX_SIZE
constexpr std::size_t kSizeDigitsMax = 10;
constexpr std::size_t kCrlf = 2;
constexpr std::size_t kWholeArgumentsMax = 16;  // for a command that is read in one go

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// A peer's byte as it may stand in an error line.
std::string shown(char c) {
  if (c > 0x20 && c < 0x7f) return {c};
  return fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
}

// What follows a backslash inside double quotes; appends its meaning, returns the bytes it took.
std::size_t unescape(std::string_view rest, std::string& out) {
  if (rest.size() >= 3 && rest[0] == 'x' && hex_value(rest[1]) >= 0 && hex_value(rest[2]) >= 0) {
    out += static_cast<char>(hex_value(rest[1]) * 16 + hex_value(rest[2]));
    return 3;
  }
  constexpr std::string_view kLetters = "nrtba";
  constexpr std::string_view kMeanings = "\n\r\t\b\a";
  const std::size_t letter = kLetters.find(rest[0]);
  out += letter == std::string_view::npos ? rest[0] : kMeanings[letter];
  return 1;
}

// One inline argument from the front of `line`, unquoted onto `out`. False: unbalanced quotes.
// As Redis: quotes may open anywhere, and after they close a blank or the end must follow.
bool take_argument(std::string_view& line, std::string& out) {
  char quote = 0;
  while (!line.empty() && (quote != 0 || !is_space(line[0]))) {
    const char c = line[0];
    line.remove_prefix(1);
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (quote != 0 && c == quote) {
      return line.empty() || is_space(line[0]);
    } else if (quote == '"' && c == '\\' && !line.empty()) {
      line.remove_prefix(unescape(line, out));
    } else if (quote == '\'' && c == '\\' && line.starts_with('\'')) {
      out += '\'';
      line.remove_prefix(1);
    } else {
      out += c;
    }
  }
  return quote == 0;
}

}  // namespace

RespReader::Result RespReader::read(std::string_view text) {
  if (passing_over_) return pass_over(text);
  if (bulks_left_ != 0) return read_bulks(text);
  if (text.empty()) return {};
  if (text[0] != '*') return read_inline(text);
  if (const std::size_t consumed = read_whole(text)) return {Step::command, consumed};
  return read_header(text);
}

namespace {

// The number of up to kPlainDigits digits behind the character at `at`; moves past its CRLF. False:
// this is something else, or so near the end that it may be cut. Inline by force: four of them in
// every PUBLISH, a quarter of what reading one costs.
constexpr std::ptrdiff_t kPlainDigits = 6;
[[gnu::always_inline]] inline bool take_plain_size(const char*& at, const char* end,
                                                   std::size_t& size) {
  if (end - at < 1 + kPlainDigits + static_cast<std::ptrdiff_t>(kCrlf)) return false;
  const char* digit = at + 1;
  size = 0;
  while (true) {
    const unsigned value = static_cast<unsigned char>(*digit) - unsigned{'0'};
    if (value > 9) break;
    if (++digit - at > kPlainDigits + 1) return false;
    size = size * 10 + value;
  }
  if (digit == at + 1 || digit[0] != '\r' || digit[1] != '\n') return false;
  at = digit + kCrlf;
  return true;
}

}  // namespace

// The short path, for nearly all commands: a whole array of a few bulks, with nothing wrong.
// Returns its size; 0 leaves it to the long path to find out what this is.
std::size_t RespReader::read_whole(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  std::size_t count = 0;
  if (!take_plain_size(at, end, count) || count == 0 || count > kWholeArgumentsMax) return 0;
  arguments_.resize(count);
  for (std::string_view& argument : arguments_) {
    std::size_t size = 0;
    if (at == end || *at != '$' || !take_plain_size(at, end, size)) return 0;
    if (size > bulk_bytes_max_ || static_cast<std::size_t>(end - at) < size + kCrlf) return 0;
    argument = {at, size};
    at += size;
    if (at[0] != '\r' || at[1] != '\n') return 0;
    at += kCrlf;
  }
  const auto consumed = static_cast<std::size_t>(at - text.data());
  return consumed <= command_bytes_max() ? consumed : 0;
}

std::size_t RespReader::missing(std::string_view text, std::string_view following) const {
  if (in_bulk_) {
    const std::uint64_t end = position_ + bulk_size_ + (passing_over_ ? 0 : kCrlf);
    CHECK(end > text.size(), "read() said `more` because the bulk is cut");
    return static_cast<std::size_t>(std::min<std::uint64_t>(end - text.size(), following.size()));
  }
  const std::size_t line_feed = following.find('\n');
  return line_feed == std::string_view::npos ? following.size() : line_feed + 1;
}

// "*3\r\n" or "$11\r\n" at position_, without its first character's meaning. Moves past it if
// whole.
RespReader::Line RespReader::read_size(std::string_view text, std::uint64_t& size) {
  std::size_t at = position_ + 1;
  size = 0;
  const std::size_t digits_end = std::min(text.size(), at + kSizeDigitsMax);
  for (; at < digits_end && text[at] >= '0' && text[at] <= '9'; ++at) {
    size = size * 10 + static_cast<std::uint64_t>(text[at] - '0');
  }
  if (at == text.size()) return Line::cut;
  if (text[at] != '\r' || at == position_ + 1) return Line::bad;
  if (at + 1 == text.size()) return Line::cut;
  if (text[at + 1] != '\n') return Line::bad;
  position_ = at + kCrlf;
  return Line::whole;
}

RespReader::Result RespReader::read_header(std::string_view text) {
  position_ = 0;
  if (text.starts_with("*-")) {  // a nil array: Redis takes it for an empty one
    const std::size_t end = text.substr(0, kSizeDigitsMax).find("\r\n");
    if (end != std::string_view::npos) return {Step::nothing, end + kCrlf};
    return text.size() < kSizeDigitsMax ? Result{} : broken("invalid multibulk length");
  }
  std::uint64_t count = 0;
  switch (read_size(text, count)) {
    case Line::cut:
      position_ = 0;
      return {};
    case Line::bad:
      return broken("invalid multibulk length");
    case Line::whole:
      break;
  }
  if (count > kArgumentsFollowed) return broken("invalid multibulk length");
  if (count == 0) return complete(text);
  arguments_.clear();
  pieces_.clear();
  bulks_left_ = count;
  if (count > kArgumentsMax) {
    begin_passing_over(
        fmt::format("the command has {} arguments; the limit is {}: it was not executed", count,
                    kArgumentsMax));
    return pass_over(text);
  }
  return read_bulks(text);
}

RespReader::Result RespReader::read_bulks(std::string_view text) {
  while (bulks_left_ != 0) {
    if (!in_bulk_) {
      if (position_ == text.size()) return {};
      if (text[position_] != '$') {
        return broken(fmt::format("expected '$', got '{}'", shown(text[position_])));
      }
      const Line line = read_size(text, bulk_size_);
      if (line == Line::cut) return {};
      if (line == Line::bad || bulk_size_ > kBulkFollowed) return broken("invalid bulk length");
      in_bulk_ = true;
      if (bulk_size_ > bulk_bytes_max_ || position_ + bulk_size_ > command_bytes_max()) {
        begin_passing_over(
            fmt::format("an argument of {} bytes makes the command too large: the limit is {} "
                        "bytes of data ([limits] event_bytes); it was not executed",
                        bulk_size_, bulk_bytes_max_));
        return pass_over(text);
      }
    }
    const std::size_t end = position_ + static_cast<std::size_t>(bulk_size_);
    if (text.size() < end + kCrlf) return {};
    if (text[end] != '\r' || text[end + 1] != '\n') {
      return broken(fmt::format("expected CRLF after {} bytes of bulk, got '{}'", bulk_size_,
                                shown(text[end])));
    }
    pieces_.push_back({position_, static_cast<std::size_t>(bulk_size_)});
    position_ = end + kCrlf;
    in_bulk_ = false;
    --bulks_left_;
  }
  return complete(text);
}

// The whole array is there.
RespReader::Result RespReader::complete(std::string_view text) {
  arguments_.clear();
  for (const Piece& piece : pieces_) arguments_.push_back(text.substr(piece.offset, piece.size));
  pieces_.clear();
  const std::size_t consumed = std::exchange(position_, 0);
  return {arguments_.empty() ? Step::nothing : Step::command, consumed};
}

RespReader::Result RespReader::read_inline(std::string_view text) {
  // position_ remembers how far there is no line feed, so that a slow line is not searched again
  // and again.
  const std::size_t line_feed = text.find('\n', position_);
  if (line_feed == std::string_view::npos) {
    if (text.size() > kInlineBytesMax) return broken("too big inline request");
    position_ = text.size();
    return {};
  }
  position_ = 0;
  const std::size_t consumed = line_feed + 1;
  if (line_feed > kInlineBytesMax) return broken("too big inline request");
  std::string_view line = text.substr(0, line_feed);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!split_inline(line)) return broken("unbalanced quotes in request");
  return {arguments_.empty() ? Step::nothing : Step::command, consumed};
}

bool RespReader::split_inline(std::string_view line) {
  unquoted_.clear();
  pieces_.clear();
  arguments_.clear();
  while (true) {
    while (!line.empty() && is_space(line[0])) line.remove_prefix(1);
    if (line.empty()) break;
    const std::size_t offset = unquoted_.size();
    if (!take_argument(line, unquoted_)) return false;
    pieces_.push_back({offset, unquoted_.size() - offset});
  }
  for (const Piece& piece : pieces_) {
    arguments_.push_back(std::string_view(unquoted_).substr(piece.offset, piece.size));
  }
  pieces_.clear();
  return true;
}

void RespReader::begin_passing_over(std::string problem) {
  passing_over_ = true;
  if (in_bulk_) bulk_size_ += kCrlf;
  problem_ = std::move(problem);
  pieces_.clear();
}

// Skips the rest of the command. The skipped bytes are not kept; only a size line that is cut off
// is requested again.
RespReader::Result RespReader::pass_over(std::string_view text) {
  while (bulks_left_ != 0) {
    if (!in_bulk_) {
      if (position_ == text.size()) break;
      if (text[position_] != '$') {
        return broken(fmt::format("expected '$', got '{}'", shown(text[position_])));
      }
      const Line line = read_size(text, bulk_size_);
      if (line == Line::cut) break;
      if (line == Line::bad || bulk_size_ > kBulkFollowed) return broken("invalid bulk length");
      bulk_size_ += kCrlf;
      in_bulk_ = true;
    }
    const std::uint64_t gone = std::min<std::uint64_t>(bulk_size_, text.size() - position_);
    position_ += static_cast<std::size_t>(gone);
    bulk_size_ -= gone;
    if (bulk_size_ != 0) break;
    in_bulk_ = false;
    --bulks_left_;
  }
  const std::size_t consumed = std::exchange(position_, 0);
  if (bulks_left_ != 0) return {Step::more, consumed};
  passing_over_ = false;
  return {Step::passed_over, consumed};
}

RespReader::Result RespReader::broken(std::string problem) {
  problem_ = "Protocol error: " + std::move(problem);
  return {Step::protocol_error, 0};
}

}  // namespace fanfare::ingest
