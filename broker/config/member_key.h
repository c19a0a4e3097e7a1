// From a pointer to a member of an option's struct to the Key that reads and writes it: its kind is
// that of the member's type. For the tables in keys_*.cc alone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "broker/config/keys.h"

namespace fanfare::config {

template <class Enum>
inline constexpr std::array<std::string_view, 0> kWords{};
template <>
inline constexpr std::array<std::string_view, 3> kWords<server::SlowPolicy>{"disconnect", "skip",
                                                                            "latest"};
template <>
inline constexpr std::array<std::string_view, 2> kWords<server::Keep>{"window", "latest"};
template <>
inline constexpr std::array<std::string_view, 2> kWords<server::JournalLevel>{"always", "interval"};
template <>
inline constexpr std::array<std::string_view, 3> kWords<server::AnnouncePosition>{"auto", "always",
                                                                                  "never"};
template <>
inline constexpr std::array<std::string_view, 3> kWords<server::Format>{"event-stream", "raw",
                                                                        "json"};
template <>
inline constexpr std::array<std::string_view, 3> kWords<server::ProxyProtocol>{"off", "accept",
                                                                               "require"};
template <>
inline constexpr std::array<std::string_view, 3> kWords<server::ForwardedField>{
    "off", "x-forwarded-for", "forwarded"};
template <>
inline constexpr std::array<std::string_view, 2> kWords<server::Ask>{"always", "newcomers"};
template <>
inline constexpr std::array<std::string_view, 3> kWords<server::Backend>{"auto", "io_uring",
                                                                         "epoll"};
template <>
inline constexpr std::array<std::string_view, 3> kWords<server::Selftest>{"off", "token", "open"};
template <>
inline constexpr std::array<std::string_view, 4> kWords<server::TokenNeed>{"auto", "required",
                                                                           "optional", "none"};

template <class T>
inline constexpr Kind kKindOf = Kind::texts;
template <>
inline constexpr Kind kKindOf<bool> = Kind::flag;
template <>
inline constexpr Kind kKindOf<std::uint32_t> = Kind::count;
template <>
inline constexpr Kind kKindOf<std::uint64_t> = Kind::size;
template <>
inline constexpr Kind kKindOf<Duration> = Kind::duration;
template <>
inline constexpr Kind kKindOf<std::string> = Kind::text;
template <>
inline constexpr Kind kKindOf<server::SlowPolicy> = Kind::word;
template <>
inline constexpr Kind kKindOf<server::Keep> = Kind::word;
template <>
inline constexpr Kind kKindOf<server::JournalLevel> = Kind::word;
template <>
inline constexpr Kind kKindOf<server::AnnouncePosition> = Kind::word;
template <>
inline constexpr Kind kKindOf<server::Format> = Kind::word;
template <>
inline constexpr Kind kKindOf<server::ProxyProtocol> = Kind::word;
template <>
inline constexpr Kind kKindOf<server::ForwardedField> = Kind::word;
template <>
inline constexpr Kind kKindOf<server::Ask> = Kind::word;
template <>
inline constexpr Kind kKindOf<server::Backend> = Kind::word;
template <>
inline constexpr Kind kKindOf<server::Selftest> = Kind::word;
template <>
inline constexpr Kind kKindOf<server::TokenNeed> = Kind::word;

template <class T>
struct Plain {
  using Type = T;
};
template <class T>
struct Plain<std::optional<T>> {
  using Type = T;
};

template <class T>
Value to_value(const T& option) {
  if constexpr (std::is_enum_v<T> || std::is_same_v<T, std::uint32_t>) {
    return static_cast<std::uint64_t>(option);
  } else {
    return option;
  }
}

template <class T>
T from_value(const Value& value) {
  if constexpr (std::is_enum_v<T> || std::is_same_v<T, std::uint32_t>) {
    return static_cast<T>(std::get<std::uint64_t>(value));
  } else {
    return std::get<T>(value);
  }
}

// record.*first.*second…
template <auto... kPath, class Record>
constexpr auto& reach(Record& record) {
  return (record.*....*kPath);
}

// The key that fills the option at kPath, its kind taken from the option's type.
template <class Record, auto... kPath>
constexpr Key<Record> key(Facts facts) {
  using Option = std::remove_reference_t<decltype(reach<kPath...>(std::declval<Record&>()))>;
  using Type = typename Plain<Option>::Type;
  if (facts.kind != Kind::mode) facts.kind = kKindOf<Type>;  // permissions are a count by type
  if constexpr (std::is_enum_v<Type>) facts.words = kWords<Type>;
  return {.facts = facts,
          .read = [](const Record& record) -> std::optional<Value> {
            const auto& option = reach<kPath...>(record);
            if constexpr (std::is_same_v<Option, Type>) {
              return to_value(option);
            } else {
              return option ? std::optional<Value>(to_value(*option)) : std::nullopt;
            }
          },
          .write = [](Record& record,
                      const Value& value) { reach<kPath...>(record) = from_value<Type>(value); }};
}

}  // namespace fanfare::config
