// Aead: seals and opens single TLS 1.3 records (RFC 8446 §5.2), with any key. OpenSSL's contexts,
// a few hundred bytes to a kilobyte each, are here, once for all connections of a thread, and take
// another key for each record: an idle connection then needs nothing but its keys. Loading a key
// costs some 0.2 us; records of the same key in a row do without.
//
// Thread: one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/wire/tls/owned.h"

namespace fanfare::tls {

enum class Cipher : std::uint8_t { aes_128_gcm, aes_256_gcm, chacha20_poly1305 };
inline constexpr std::size_t kCipherCount = 3;

inline constexpr std::size_t kTagBytes = 16;
using AeadKey = std::array<unsigned char, 32>;  // the first 16 of it, for aes_128_gcm
using Nonce = std::array<unsigned char, 12>;

class Aead {
 public:
  Aead();
  ~Aead();
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;

  // Writes text.size() + 1 + kTagBytes bytes to `out`: the text and the byte of its type,
  // encrypted, and the tag. `header` is authenticated with them.
  void seal(Cipher cipher, const AeadKey& key, const Nonce& nonce, std::string_view header,
            std::string_view text, unsigned char type, char* out);
  // Writes sealed.size() - kTagBytes bytes to `out`. False, with anything in `out`: not sealed with
  // this key. Precondition: sealed.size() >= kTagBytes.
  [[nodiscard]] bool open(Cipher cipher, const AeadKey& key, const Nonce& nonce,
                          std::string_view header, std::string_view sealed, char* out);

 private:
  struct Direction {
    OwnedCipherState state;
    AeadKey loaded{};
    bool has_key = false;
  };
  EVP_CIPHER_CTX* ready(Direction& direction, Cipher cipher, const AeadKey& key, const Nonce& nonce,
                        bool sealing);

  std::array<OwnedCipher, kCipherCount> ciphers_;
  std::array<Direction, kCipherCount> sealing_;
  std::array<Direction, kCipherCount> opening_;
};

}  // namespace fanfare::tls
