// HelloLength: how long a ClientHello says that it is, read from the records that it comes in,
// however they are cut. OpenSSL takes memory for all of it when its first four bytes have come: 200
// KB for nine bytes of a client that says nothing more. So it is looked at before. A second one
// (RFC 8446 §4.1.4) is followed like the first; nothing else of a handshake is nearly as long. It
// must not be shown what TLS 1.2 encrypts, whose records have the same type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fanfare::tls {

class HelloLength {
 public:
  // Takes what comes next. True: a ClientHello of more than `max` bytes begins in it.
  bool exceeds(std::size_t max, std::string_view bytes);

 private:
  void header_byte(unsigned char byte);
  bool message_byte(unsigned char byte, std::size_t max);

  bool over_ = false;              // no other one can follow
  std::uint8_t header_bytes_ = 0;  // of a record's five that have come
  std::uint8_t type_ = 0;          // of the record
  std::uint16_t record_left_ = 0;  // bytes of the record that are to come
  std::uint8_t head_bytes_ = 0;    // of a message's four that have come
  std::uint32_t message_left_ = 0;
};

}  // namespace fanfare::tls
