#include "broker/wire/tls/aead.h"

#include <openssl/err.h>

#include "common/check.h"

namespace fanfare::tls {
namespace {

constexpr std::array kNames{"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"};

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Aead::Aead() {
  for (std::size_t i = 0; i < kCipherCount; ++i) {
    ciphers_[i].reset(EVP_CIPHER_fetch(nullptr, kNames[i], nullptr));
    CHECK(ciphers_[i] != nullptr, "OpenSSL has the ciphers of TLS 1.3");
    sealing_[i].state.reset(EVP_CIPHER_CTX_new());
    opening_[i].state.reset(EVP_CIPHER_CTX_new());
    CHECK(sealing_[i].state != nullptr && opening_[i].state != nullptr, "out of memory");
  }
}

Aead::~Aead() {
  for (Direction& direction : sealing_) OPENSSL_cleanse(&direction.loaded, sizeof(AeadKey));
  for (Direction& direction : opening_) OPENSSL_cleanse(&direction.loaded, sizeof(AeadKey));
}

EVP_CIPHER_CTX* Aead::ready(Direction& direction, Cipher cipher, const AeadKey& key,
                            const Nonce& nonce, bool sealing) {
  EVP_CIPHER_CTX* const state = direction.state.get();
  const int way = sealing ? 1 : 0;
  int done = 0;
  if (!direction.has_key) {
    const EVP_CIPHER* const kind = ciphers_[static_cast<std::size_t>(cipher)].get();
    done = EVP_CipherInit_ex2(state, kind, key.data(), nonce.data(), way, nullptr);
  } else if (CRYPTO_memcmp(direction.loaded.data(), key.data(), key.size()) != 0) {
    done = EVP_CipherInit_ex2(state, nullptr, key.data(), nonce.data(), way, nullptr);
  } else {
    done = EVP_CipherInit_ex2(state, nullptr, nullptr, nonce.data(), way, nullptr);
  }
  CHECK(done == 1, "a key of the right size is taken");
  direction.has_key = true;
  direction.loaded = key;
  return state;
}

void Aead::seal(Cipher cipher, const AeadKey& key, const Nonce& nonce, std::string_view header,
                std::string_view text, unsigned char type, char* out) {
  EVP_CIPHER_CTX* const state =
      ready(sealing_[static_cast<std::size_t>(cipher)], cipher, key, nonce, /*sealing=*/true);
  auto* const to = reinterpret_cast<unsigned char*>(out);
  int size = 0;
  int more = 0;
  int last = 0;
  bool sealed = EVP_EncryptUpdate(state, nullptr, &size, bytes_of(header),
                                  static_cast<int>(header.size())) == 1;
  size = 0;
  if (!text.empty()) {
    sealed = sealed && EVP_EncryptUpdate(state, to, &size, bytes_of(text),
                                         static_cast<int>(text.size())) == 1;
  }
  sealed = sealed && EVP_EncryptUpdate(state, to + size, &more, &type, 1) == 1 &&
           EVP_EncryptFinal_ex(state, to + size + more, &last) == 1 &&
           EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_AEAD_GET_TAG, kTagBytes, to + text.size() + 1) == 1;
  CHECK(sealed, "a record of a lawful size can be sealed");
}

bool Aead::open(Cipher cipher, const AeadKey& key, const Nonce& nonce, std::string_view header,
                std::string_view sealed, char* out) {
  EVP_CIPHER_CTX* const state =
      ready(opening_[static_cast<std::size_t>(cipher)], cipher, key, nonce, /*sealing=*/false);
  const std::size_t text_bytes = sealed.size() - kTagBytes;
  std::array<unsigned char, kTagBytes> tag{};
  sealed.copy(reinterpret_cast<char*>(tag.data()), kTagBytes, text_bytes);
  auto* const to = reinterpret_cast<unsigned char*>(out);
  int size = 0;
  int last = 0;
  bool opened = EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
                EVP_DecryptUpdate(state, nullptr, &size, bytes_of(header),
                                  static_cast<int>(header.size())) == 1;
  size = 0;
  if (text_bytes > 0) {
    opened = opened && EVP_DecryptUpdate(state, to, &size, bytes_of(sealed),
                                         static_cast<int>(text_bytes)) == 1;
  }
  opened = opened && EVP_DecryptFinal_ex(state, to + size, &last) == 1;
  if (!opened) ERR_clear_error();
  return opened;
}

}  // namespace fanfare::tls
