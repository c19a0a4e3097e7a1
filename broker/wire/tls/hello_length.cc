#include "broker/wire/tls/hello_length.h"

#include <algorithm>

namespace fanfare::tls {
namespace {

constexpr unsigned char kHandshake = 22;   // RFC 8446 §5.1
constexpr unsigned char kClientHello = 1;  // §4
constexpr std::uint8_t kHeaderBytes = 5;
constexpr std::uint8_t kMessageHeadBytes = 4;

}  // namespace

void HelloLength::header_byte(unsigned char byte) {
  if (header_bytes_ == 0) type_ = byte;
  if (header_bytes_ >= 3) record_left_ = static_cast<std::uint16_t>(record_left_ << 8U | byte);
  if (++header_bytes_ == kHeaderBytes && record_left_ == 0) header_bytes_ = 0;
}

bool HelloLength::message_byte(unsigned char byte, std::size_t max) {
  if (head_bytes_ == 0) {
    over_ = byte != kClientHello;
    message_left_ = 0;
  } else {
    message_left_ = message_left_ << 8U | byte;
  }
  return ++head_bytes_ == kMessageHeadBytes && message_left_ > max;
}

bool HelloLength::exceeds(std::size_t max, std::string_view bytes) {
  while (!bytes.empty() && !over_) {
    if (header_bytes_ < kHeaderBytes) {
      header_byte(static_cast<unsigned char>(bytes.front()));
      bytes.remove_prefix(1);
      continue;
    }
    std::size_t taken = std::min<std::size_t>(record_left_, bytes.size());
    if (type_ == kHandshake && head_bytes_ < kMessageHeadBytes) {
      taken = 1;
      if (message_byte(static_cast<unsigned char>(bytes.front()), max)) return true;
    } else if (type_ == kHandshake) {
      taken = std::min<std::size_t>(taken, message_left_);
      message_left_ -= static_cast<std::uint32_t>(taken);
    }
    if (head_bytes_ == kMessageHeadBytes && message_left_ == 0) head_bytes_ = 0;
    bytes.remove_prefix(taken);
    record_left_ = static_cast<std::uint16_t>(record_left_ - taken);
    if (record_left_ == 0) header_bytes_ = 0;
  }
  return false;
}

}  // namespace fanfare::tls
