#include "broker/fanout/event_id.h"

#include <charconv>

namespace fanfare::fanout {
namespace {

// Crockford's base 32, lower case: no i, l, o, u.
constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";

}  // namespace

Epoch Epoch::from(Random& random) {
  Epoch epoch;
  std::uint64_t bits = random.next();
  for (char& c : epoch.text_) {
    c = kAlphabet[bits & 31U];
    bits >>= 5U;
  }
  return epoch;
}

std::optional<Epoch> Epoch::parse(std::string_view text) {
  if (text.size() != kSize) return std::nullopt;
  if (text.find_first_not_of(kAlphabet) != std::string_view::npos) return std::nullopt;
  Epoch epoch;
  text.copy(epoch.text_.data(), kSize);
  return epoch;
}

std::optional<EventId> EventId::parse(std::string_view text) {
  if (text.size() <= Epoch::kSize + 1 || text.size() > kSizeMax) return std::nullopt;
  if (text[Epoch::kSize] != '-') return std::nullopt;
  const auto epoch = Epoch::parse(text.substr(0, Epoch::kSize));
  if (!epoch) return std::nullopt;
  const std::string_view digits = text.substr(Epoch::kSize + 1);
  if (digits.size() > 1 && digits[0] == '0') return std::nullopt;
  EventId id{.epoch = *epoch, .sequence = 0};
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, id.sequence);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return id;
}

char* EventId::write(char* to) const {
  to += epoch.text().copy(to, Epoch::kSize);
  *to++ = '-';
  return std::to_chars(to, to + 20, sequence).ptr;
}

std::string EventId::text() const {
  std::array<char, kSizeMax> text{};
  return {text.data(), write(text.data())};
}

}  // namespace fanfare::fanout
