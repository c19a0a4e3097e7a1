// TrafficKeys: what protects one direction of a TLS 1.3 connection, made of its traffic secret
// (RFC 8446 §7.1 to 7.3): 108 bytes, all that an idle connection needs to keep of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/wire/tls/aead.h"

namespace fanfare::tls {

// As long as the cipher's hash: 48 bytes with aes_256_gcm, 32 otherwise.
inline constexpr std::size_t kSecretBytesMax = 48;
std::size_t secret_bytes(Cipher cipher);

class TrafficKeys {
 public:
  TrafficKeys(Cipher cipher, std::string_view secret);
  ~TrafficKeys();
  TrafficKeys(const TrafficKeys&) = delete;
  TrafficKeys& operator=(const TrafficKeys&) = delete;

  const AeadKey& key() const { return key_; }
  // For the record that comes next (§5.3).
  Nonce nonce() const;
  std::uint64_t sequence() const { return sequence_; }
  void count_record() { ++sequence_; }
  // The keys after a KeyUpdate (§7.2). Those before cannot be found from them.
  void update(Cipher cipher);

 private:
  void derive(Cipher cipher);

  std::uint64_t sequence_ = 0;
  AeadKey key_{};
  Nonce start_{};
  std::array<unsigned char, kSecretBytesMax> secret_{};
};

}  // namespace fanfare::tls
