// EventId: the place of an event in the one log, as clients see it in `id:` and give it back in
// Last-Event-ID: "<epoch>-<sequence>". The sequence is dense over the whole log; the epoch is fresh
// whenever history is lost, so that an id from another life of the broker is recognised. Never a
// clock.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/random.h"

namespace fanfare::fanout {

// The first event of an epoch has sequence 1; 0 is "before everything".
using Sequence = std::uint64_t;

// Seven characters of lower-case Crockford base 32 (35 random bits).
class Epoch {
 public:
  static constexpr std::size_t kSize = 7;

  static Epoch from(Random& random);
  static std::optional<Epoch> parse(std::string_view text);
  std::string_view text() const { return {text_.data(), text_.size()}; }
  friend bool operator==(const Epoch&, const Epoch&) = default;

 private:
  std::array<char, kSize> text_{};
};

struct EventId {
  static constexpr std::size_t kSizeMax = Epoch::kSize + 1 + 20;

  Epoch epoch;
  Sequence sequence = 0;

  // Strict: exactly what text() makes (no leading zeros, no spaces).
  static std::optional<EventId> parse(std::string_view text);
  std::string text() const;
  // Writes text() to `to`, which has room for kSizeMax bytes; returns where it ended.
  char* write(char* to) const;
  friend bool operator==(const EventId&, const EventId&) = default;
};

}  // namespace fanfare::fanout
