#include "common/sha1.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace fanfare {
namespace {

constexpr std::size_t kBlockBytes = 64;
constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kRounds = 80;

using State = std::array<std::uint32_t, 5>;

std::uint32_t word_at(std::string_view block, std::size_t index) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    word = (word << 8U) | static_cast<unsigned char>(block[4 * index + i]);
  }
  return word;
}

// FIPS 180-4 §6.1.2.
void add_block(State& state, std::string_view block) {
  std::array<std::uint32_t, kRounds> words{};
  for (std::size_t t = 0; t < kRounds; ++t) {
    words[t] = t < 16 ? word_at(block, t)
                      : std::rotl(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  for (std::size_t t = 0; t < kRounds; ++t) {
    std::uint32_t mixed = 0;
    std::uint32_t constant = 0;
    if (t < 20) {
      mixed = (b & c) ^ (~b & d);
      constant = 0x5a827999;
    } else if (t < 40) {
      mixed = b ^ c ^ d;
      constant = 0x6ed9eba1;
    } else if (t < 60) {
      mixed = (b & c) ^ (b & d) ^ (c & d);
      constant = 0x8f1bbcdc;
    } else {
      mixed = b ^ c ^ d;
      constant = 0xca62c1d6;
    }
    const std::uint32_t next = std::rotl(a, 5) + mixed + e + constant + words[t];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  const State added{a, b, c, d, e};
  for (std::size_t i = 0; i < state.size(); ++i) state[i] += added[i];
}

}  // namespace

std::string sha1_hex(std::string_view text) {
  State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  for (; text.size() >= kBlockBytes; text.remove_prefix(kBlockBytes)) {
    add_block(state, text.substr(0, kBlockBytes));
  }
  std::string rest(text);
  rest += '\x80';
  while (rest.size() % kBlockBytes != kBlockBytes - kLengthBytes) rest += '\0';
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    rest += static_cast<char>(bits >> (8 * (kLengthBytes - 1 - i)));
  }
  for (std::size_t at = 0; at < rest.size(); at += kBlockBytes) {
    add_block(state, std::string_view(rest).substr(at, kBlockBytes));
  }
  return fmt::format("{:08x}{:08x}{:08x}{:08x}{:08x}", state[0], state[1], state[2], state[3],
                     state[4]);
}

}  // namespace fanfare
