#include "broker/fanout/name_hash.h"

#include <cstring>

namespace fanfare::fanout {
namespace {

// Odd, with about as many ones as zeros: the fractions of the square roots of 2 and 3.
constexpr std::uint64_t kA = 0x6a09e667f3bcc909U;
constexpr std::uint64_t kB = 0xbb67ae8584caa73bU;

// Both halves of the product of two words: each bit of it depends on every bit of both.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

template <class Word>
std::uint64_t load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

struct Words {
  std::uint64_t first, last;
};

// All of up to 16 bytes, some of them twice.
Words words_of(const char* at, std::size_t size) {
  if (size >= 8) return {load<std::uint64_t>(at), load<std::uint64_t>(at + size - 8)};
  if (size >= 4) return {load<std::uint32_t>(at), load<std::uint32_t>(at + size - 4)};
  if (size == 0) return {0, 0};
  return {load<std::uint8_t>(at) << 8U | load<std::uint8_t>(at + size / 2),
          load<std::uint8_t>(at + size - 1)};
}

}  // namespace

NameHash::NameHash(const Epoch& epoch) {
  const std::string_view text = epoch.text();
  const Words words = words_of(text.data(), text.size());
  seed_ = fold(words.first ^ kA, words.last ^ kB);
}

std::size_t NameHash::operator()(std::string_view name) const noexcept {
  const char* at = name.data();
  std::size_t left = name.size();
  std::uint64_t hash = fold(seed_ ^ left, kB);
  for (; left > 16; at += 16, left -= 16) {
    hash = fold(load<std::uint64_t>(at) ^ kA, load<std::uint64_t>(at + 8) ^ hash);
  }
  const Words words = words_of(at, left);
  return fold(fold(words.first ^ kA, words.last ^ hash) ^ kB, hash ^ kA);
}

}  // namespace fanfare::fanout
