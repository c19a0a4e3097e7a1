#include "tests/wire/h2/frames.h"

#include <nghttp2/nghttp2.h>

#include "broker/wire/h2/session.h"

#include "common/check.h"

namespace fanfare::h2_test {
namespace {

std::uint32_t number_at(std::string_view text, std::size_t at, int bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) {
    value = value << 8U | static_cast<unsigned char>(text[at + static_cast<std::size_t>(i)]);
  }
  return value;
}

}  // namespace

std::string greeting(std::string_view settings) {
  return std::string(h2::kPreface) + frame(kSettings, 0, 0, settings);
}

std::uint32_t Heard::error() const {
  return number_at(payload, type == kGoaway ? 4 : 0, 4);
}

std::string Heard::value(std::string_view name) const {
  for (const auto& [field, value] : fields) {
    if (field == name) return value;
  }
  return {};
}

struct Ear::Decoder {
  nghttp2_hd_inflater* inflater = nullptr;
};

Ear::Ear() : decoder_(new Decoder) {
  CHECK(nghttp2_hd_inflate_new(&decoder_->inflater) == 0, "memory");
}

Ear::~Ear() {
  nghttp2_hd_inflate_del(decoder_->inflater);
  delete decoder_;
}

std::vector<Heard> Ear::hear(std::string_view bytes) {
  constexpr std::size_t kHead = 9;
  rest_ += bytes;
  std::vector<Heard> heard;
  std::size_t at = 0;
  while (rest_.size() - at >= kHead) {
    const std::size_t size = number_at(rest_, at, 3);
    if (rest_.size() - at < kHead + size) break;
    Heard one{.type = static_cast<std::uint8_t>(rest_[at + 3]),
              .flags = static_cast<std::uint8_t>(rest_[at + 4]),
              .stream = number_at(rest_, at + 5, 4),
              .payload = rest_.substr(at + kHead, size)};
    at += kHead + size;
    if (one.type == kHeaders) {
      const auto* in = reinterpret_cast<const std::uint8_t*>(one.payload.data());
      std::size_t left = one.payload.size();
      while (true) {
        nghttp2_nv pair{};
        int flags = 0;
        const ssize_t taken =
            nghttp2_hd_inflate_hd2(decoder_->inflater, &pair, &flags, in, left, 1);
        CHECK(taken >= 0, "the broker's field blocks are valid");
        in += taken;
        left -= static_cast<std::size_t>(taken);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
          one.fields.emplace_back(
              std::string(reinterpret_cast<const char*>(pair.name), pair.namelen),
              std::string(reinterpret_cast<const char*>(pair.value), pair.valuelen));
        }
        if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
          nghttp2_hd_inflate_end_headers(decoder_->inflater);
          break;
        }
      }
    }
    heard.push_back(std::move(one));
  }
  rest_.erase(0, at);
  return heard;
}

}  // namespace fanfare::h2_test
