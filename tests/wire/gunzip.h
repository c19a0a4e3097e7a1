// Gunzip: a client's decoder of a gzip body (zlib's own), which is given bytes as they come.
#pragma once

#include <zlib.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace fanfare::gzip_test {

class Gunzip {
 public:
  Gunzip() { broken_ = inflateInit2(&stream_, 15 + 16) != Z_OK; }
  ~Gunzip() { inflateEnd(&stream_); }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  // The text that is in them.
  std::string take(std::string_view bytes) {
    std::string text;
    if (bytes.empty()) return text;
    std::array<char, 16'384> room{};
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(room.data());
      stream_.avail_out = room.size();
      const int done = complete_ ? Z_DATA_ERROR : inflate(&stream_, Z_SYNC_FLUSH);
      text.append(room.data(), room.size() - stream_.avail_out);
      complete_ = complete_ || done == Z_STREAM_END;
      broken_ = broken_ || (done != Z_OK && done != Z_STREAM_END && done != Z_BUF_ERROR);
    } while (!broken_ && !complete_ && (stream_.avail_in > 0 || stream_.avail_out == 0));
    broken_ = broken_ || (complete_ && stream_.avail_in > 0);
    return text;
  }
  // Its end has come, and the text is what it says.
  bool complete() const { return complete_ && !broken_; }
  bool broken() const { return broken_; }

 private:
  z_stream stream_{};
  bool complete_ = false;
  bool broken_ = false;
};

}  // namespace fanfare::gzip_test
