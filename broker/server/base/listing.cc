#include "broker/server/base/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <tuple>

namespace fanfare::server {
namespace {

constexpr std::array kStateNames{
#define X(name) std::string_view(#name),
    FANFARE_CONNECTION_STATES(X)
#undef X
};

// The number at the beginning of `text`, which is taken from it.
template <class Number>
bool take_number(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<ConnectionName> ConnectionName::parse(std::string_view text) {
  ConnectionName name;
  if (take(text, 's')) {
    if (!take_number(text, name.stream) || !text.empty()) return std::nullopt;
    return name;
  }
  name.kind = Kind::socket;
  const bool whole = take(text, 'c') && take_number(text, name.shard) && take(text, '.') &&
                     take_number(text, name.slot) && take(text, '.') &&
                     take_number(text, name.generation) && text.empty();
  return whole ? std::optional(name) : std::nullopt;
}

std::string ConnectionName::text() const {
  if (kind == Kind::stream) return fmt::format("s{}", stream);
  return fmt::format("c{}.{}.{}", shard, slot, generation);
}

std::string_view name_of(ConnectionState state) {
  return kStateNames[static_cast<std::size_t>(state)];
}

std::optional<ConnectionState> connection_state_of(std::string_view name) {
  const auto found = std::ranges::find(kStateNames, name);
  if (found == kStateNames.end()) return std::nullopt;
  return static_cast<ConnectionState>(found - kStateNames.begin());
}

std::vector<std::string_view> connection_states() {
  return {kStateNames.begin(), kStateNames.end()};
}

bool FoundConnection::before(const FoundConnection& other, bool descending) const {
  if (key != other.key) return descending ? key > other.key : key < other.key;
  return std::tie(shard, is_stream, place) < std::tie(other.shard, other.is_stream, other.place);
}

}  // namespace fanfare::server
