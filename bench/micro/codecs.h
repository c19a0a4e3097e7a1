// Compressors of one endless stream, as a feed would have them: what is compressed is flushed to a
// byte's end each time, so that a client can decode it at once, and a restart forgets all that came
// before, so that a client can enter there.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/check.h"

#ifdef FANFARE_BENCH_ZSTD
#include <zstd.h>
#endif
#ifdef FANFARE_BENCH_BROTLI
#include <brotli/encode.h>
#endif

namespace fanfare::bench {

// Raw deflate, as gzip contains it: a window of 32 KiB and 256 KiB of memory each.
class Deflate {
 public:
  explicit Deflate(int level, int window_bits = 15, int memory_level = 8) {
    const int result =
        deflateInit2(&stream_, level, Z_DEFLATED, -window_bits, memory_level, Z_DEFAULT_STRATEGY);
    CHECK(result == Z_OK, "there is memory");
  }
  ~Deflate() { deflateEnd(&stream_); }
  Deflate(const Deflate&) = delete;
  Deflate& operator=(const Deflate&) = delete;

  void restart() { deflateReset(&stream_); }
  std::string_view compress(std::string_view text) {
    out_.resize(deflateBound(&stream_, text.size()) + 16);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream_.avail_in = static_cast<uInt>(text.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
    stream_.avail_out = static_cast<uInt>(out_.size());
    const int result = deflate(&stream_, Z_SYNC_FLUSH);
    CHECK(result == Z_OK && stream_.avail_out > 0, "there is room");
    return {out_.data(), out_.size() - stream_.avail_out};
  }

 private:
  z_stream stream_{};
  std::string out_;
};

// The same with a window of 8 KiB and 64 KiB of memory.
class SmallDeflate : public Deflate {
 public:
  explicit SmallDeflate(int level) : Deflate(level, 13, 6) {}
};

#ifdef FANFARE_BENCH_ZSTD
// A restart is a new frame; the old one ends without bytes to spare (an empty last block).
class Zstd {
 public:
  explicit Zstd(int level) : context_(ZSTD_createCCtx()) {
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, 15);
  }
  ~Zstd() { ZSTD_freeCCtx(context_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;

  void restart() { restart_ = true; }
  std::string_view compress(std::string_view text) {
    out_.resize(ZSTD_compressBound(text.size()) + 64);
    ZSTD_outBuffer out{out_.data(), out_.size(), 0};
    if (restart_ && begun_) {
      ZSTD_inBuffer none{nullptr, 0, 0};
      CHECK(ZSTD_compressStream2(context_, &out, &none, ZSTD_e_end) == 0, "there is room");
    }
    restart_ = false;
    begun_ = true;
    ZSTD_inBuffer in{text.data(), text.size(), 0};
    CHECK(ZSTD_compressStream2(context_, &out, &in, ZSTD_e_flush) == 0, "there is room");
    return {out_.data(), out.pos};
  }

 private:
  ZSTD_CCtx* context_;
  std::string out_;
  bool restart_ = false;
  bool begun_ = false;
};
#endif

#ifdef FANFARE_BENCH_BROTLI
// Without restarts: a stream of Brotli's cannot be entered.
class Brotli {
 public:
  explicit Brotli(int quality) : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, static_cast<std::uint32_t>(quality));
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, 16);
  }
  ~Brotli() { BrotliEncoderDestroyInstance(state_); }
  Brotli(const Brotli&) = delete;
  Brotli& operator=(const Brotli&) = delete;

  void restart() { CHECK(false, "it has none"); }
  std::string_view compress(std::string_view text) {
    out_.resize(BrotliEncoderMaxCompressedSize(text.size()) + 64);
    const auto* in = reinterpret_cast<const std::uint8_t*>(text.data());
    auto* to = reinterpret_cast<std::uint8_t*>(out_.data());
    std::size_t in_left = text.size();
    std::size_t room = out_.size();
    do {
      const bool done = BrotliEncoderCompressStream(state_, BROTLI_OPERATION_FLUSH, &in_left, &in,
                                                    &room, &to, nullptr) == BROTLI_TRUE;
      CHECK(done, "text is compressed");
    } while (in_left > 0 || BrotliEncoderHasMoreOutput(state_) == BROTLI_TRUE);
    return {out_.data(), out_.size() - room};
  }

 private:
  BrotliEncoderState* state_;
  std::string out_;
};
#endif

}  // namespace fanfare::bench
