// The one table of configuration keys: name, type, bounds, help and the option each one fills. The
// parser, the checks, --set and docs/CONFIG.md all come from it; a key that is not here does not
// exist. Defaults are not repeated here: they are those of server/base/options.h.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/server/base/options.h"

#include "common/time.h"

namespace fanfare::config {

// What a value is, and how it is written.
enum class Kind : std::uint8_t {
  flag,      // true or false
  count,     // a whole number
  size,      // bytes, as a string with a unit
  duration,  // a string with a unit
  mode,      // permissions, as an octal string: "0660"
  word,      // one of a few strings
  text,      // a string
  texts,     // a list of strings
};

// Count, size (bytes), mode and word (its index) are all numbers.
using Value = std::variant<bool, std::uint64_t, Duration, std::string, std::vector<std::string>>;

// The facts about a key that do not depend on which option it fills.
struct Facts {
  std::string_view name;
  Kind kind{};
  // Inclusive bounds: of a number, of bytes, of nanoseconds, of the entries of a list, or of the
  // bytes of a string.
  std::uint64_t at_least = 0;
  std::uint64_t at_most = std::numeric_limits<std::uint64_t>::max();
  std::span<const std::string_view> words = {};  // Kind::word, by index
  std::string_view zero = {};                    // Kind::count: the word that stands for 0
  bool restart = false;                          // takes effect only when the broker starts
  std::string_view help = {};
};

template <class Record>
struct Key {
  Facts facts;
  // Nothing if a rule does not set the option, so that the general one applies.
  std::optional<Value> (*read)(const Record&) = nullptr;
  // The value is of the key's kind and within its bounds.
  void (*write)(Record&, const Value&) = nullptr;
};

template <class Record>
struct Section {
  std::string_view name;  // "delivery"
  std::string_view help;
  std::span<const Key<Record>> keys;
};

// [listen], [server], [history], … in the order in which they are documented.
std::span<const Section<server::Options>> sections();
// [[tls.sni]], [[publish.client]], [[channel]], [[route]] and [[hook]], of which there may be any
// number.
const Section<server::SniRule>& sni_section();
const Section<server::PublishClientRule>& publish_client_section();
const Section<server::ChannelRule>& channel_section();
const Section<server::RouteRule>& route_section();
const Section<server::HookRule>& hook_section();

}  // namespace fanfare::config
