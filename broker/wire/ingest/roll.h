// A roll: who subscribes to one channel, as a publisher asks for it and is answered. A page of it
// at a time, from a place that the page before has named.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fanfare::http {
class Query;
}

namespace fanfare::ingest {

inline constexpr std::uint32_t kRollDefault = 100;
inline constexpr std::uint32_t kRollMax = 1'000;

// Where a page begins. To publishers it is a text, of which they know only that it comes back.
struct RollPlace {
  std::uint32_t shard = 0;
  std::uint32_t member = 0;

  static std::optional<RollPlace> parse(std::string_view text);
  std::string text() const;
};

struct RollRequest {
  std::string channel;
  std::uint32_t limit = kRollDefault;  // 0: only how many there are
  RollPlace after = {};
};

struct RollEntry {
  std::uint64_t connection = 0;  // as in the notices of a watch
  std::int64_t since_ms = 0;     // from 1970
  std::string subject = {};      // of its token or ticket; empty: none
  std::string query = {};        // of its request
  std::string pattern = {};      // by which it has the channel; empty: by its name
};

struct Roll {
  std::string_view channel;
  std::uint64_t subscribers = 0;
  std::int64_t at_ms = 0;
  std::span<const RollEntry> entries;
  std::optional<RollPlace> next;  // none: that was the last page
};

// ?limit= ?after=; or what is wrong with them.
std::expected<RollRequest, std::string> read_roll_request(std::string_view channel,
                                                          const http::Query& query);
// "channel":"c","count":3,"at_ms":…,"subscribers":[{"connection":7,"since_ms":…,"sub":"ann",
// "query":"channel=c"},…],"next":"0-4096"
void append_roll_members(std::string& out, const Roll& roll);

}  // namespace fanfare::ingest
