// Recognises which dialect a publisher speaks, from the first token of its connection. The dialect
// is fixed for the life of the connection: an HTTP body that happens to contain RESP lines stays a
// body (that is what keeps a multi-dialect socket from being tricked by what it carries).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fanfare::ingest {

enum class Dialect : std::uint8_t {
  undecided,  // show more bytes
  http,       // a method and a space (also `PRI`: the HTTP parser knows what to say to HTTP/2)
  resp,       // `*`, or a word that is no HTTP method: an inline command
  ndjson,     // `{`, or `[` (which is then refused: a line is an object)
  unknown,    // TLS, binary, …: send unknown_dialect_answer() and close
};

// At most this many bytes are needed; with as many the answer is never `undecided`.
inline constexpr std::size_t kSniffBytesMax = 64;

// `first_bytes` is everything received so far. A UTF-8 mark at the front, then line breaks and
// blanks before the token are skipped (every dialect ignores them; the mark is the caller's to take
// off, but for NDJSON, which does it by itself). Does not change its mind: once decided, more bytes
// do not alter it. At the end of the input a word may still be undecided: append a line feed and
// ask again.
Dialect sniff(std::string_view first_bytes);

// What to write to a peer whose `first_bytes` belong to no dialect, before closing.
std::string_view unknown_dialect_answer(std::string_view first_bytes);

}  // namespace fanfare::ingest
