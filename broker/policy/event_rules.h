// What may enter the log. Every event is checked here once, before it gets its number, so that
// nothing downstream has to doubt it: the encoder splits lines and writes them, no more. The rules
// are the ones of the wire (an event name with a line break would let a publisher forge fields) and
// of the clients in the field (many stop at a line of 64 KiB).
//
// Pure functions over values; a valid event costs no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fanfare::policy {

struct EventLimits {
  std::size_t data_bytes = 64U << 10U;  // [limits] event_bytes
  std::size_t type_bytes = 64;          // [limits] event_name_bytes
  // What the broker's own events are called: not for publishers. Empty: there are none.
  std::string_view gap_event = {};  // [delivery] gap_event
  std::string_view end_event = {};  // [delivery] end_event
};
inline constexpr std::size_t kIdempotencyKeyBytesMax = 128;
inline constexpr std::size_t kKeyBytesMax = 128;
// Below 100 ms a client is a hot loop (Chromium reconnects after about 5 ms when told 0 or 1);
// above an hour it looks dead.
inline constexpr std::uint32_t kRetryMsMin = 100;
inline constexpr std::uint32_t kRetryMsMax = 3'600'000;

struct Violation {
  enum class Kind : std::uint8_t { invalid, too_large };
  Kind kind = Kind::invalid;
  std::string sentence = {};  // what is wrong, where, and what would be right
};

// Each is nothing if all is well. The broker's own event names are `~…` and those of `limits`: a
// client that is sent one must be able to believe it.
std::optional<Violation> channel_problem(std::string_view channel);  // of publishers: not `~…`
std::optional<Violation> type_problem(std::string_view type, const EventLimits& limits);
std::optional<Violation> data_problem(std::string_view data, const EventLimits& limits);
std::optional<Violation> retry_problem(std::uint32_t retry_ms);
std::optional<Violation> key_problem(std::string_view key);
std::optional<Violation> idempotency_key_problem(std::string_view key);

// All of them, in the order of the members; the first that is found.
struct Proposal {
  std::string_view channel = {}, type = {}, data = {};
  std::optional<std::uint32_t> retry_ms = {};
  std::string_view key = {}, idempotency_key = {};
};
std::optional<Violation> event_problem(const Proposal& proposal, const EventLimits& limits);
// The same without the channel, for an event whose channel exists, so that its name was checked
// before.
std::optional<Violation> content_problem(const Proposal& proposal, const EventLimits& limits);

}  // namespace fanfare::policy
