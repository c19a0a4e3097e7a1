// Gzip: the content coding (RFC 9110 §8.4.1.3, RFC 1952) of bodies that several streams share parts
// of. One Deflater compresses what goes to all of them; what only one of them gets is put in
// between, uncompressed, so that it costs a copy and no state. Both end at a whole byte, and a
// decoder has everything that came before:
//
//   head | own | own | shared shared … | own | shared … | end
//
// What is shared may refer back to what was shared since the last restart, by its distance. So it
// is understood by those that got all of that with nothing in between, and a stream enters where
// the next restart is.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace fanfare::http {

// No name, no time, and whatever made it (RFC 1952 §2.3).
inline constexpr std::string_view kGzipHead{"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", 10};

// What a decoder finds out about the text, and compares at the end (RFC 1952 §2.3.1).
struct TextSum {
  std::uint32_t crc = 0;
  std::uint64_t size = 0;

  void add(std::string_view text);
  friend bool operator==(const TextSum&, const TextSum&) = default;
};

// The sum of a text that begins as it likes, and goes on as another does from some point on: what
// of that other one has followed need not be looked at again, or counted meanwhile.
class FollowingSum {
 public:
  FollowingSum() = default;
  // `own` is the sum now, `followed` that of the other one.
  FollowingSum(const TextSum& own, const TextSum& followed)
      : crc_(own.crc ^ followed.crc),
        size_(static_cast<std::uint32_t>(own.size - followed.size)),
        since_(followed.size) {}
  // When that of the other one is `followed`. Its size is right in its last 32 bits, which is all
  // that the end of a stream says of it.
  TextSum sum(const TextSum& followed) const;

 private:
  std::uint32_t crc_ = 0;  // the difference of the two
  std::uint32_t size_ = 0;
  std::uint64_t since_ = 0;  // the size of the other one then
};

// `text` in blocks without compression (RFC 1951 §3.2.4); nothing for none. Five bytes more for
// each 65,535.
void append_stored(std::string& out, std::string_view text);
// The last block, which is empty, and what the decoder is to have found.
void append_gzip_end(std::string& out, const TextSum& sum);

// Some 70 KiB, from its first text on.
class Deflater {
 public:
  Deflater() = default;
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // What follows refers to nothing before it.
  void restart();
  // The next text, which is not empty: as many bytes as there are for a decoder to have all of it.
  // Valid until the next call.
  std::string_view compress(std::string_view text);

 private:
  std::unique_ptr<z_stream> stream_;
  std::string out_;
};

}  // namespace fanfare::http
