// Grants: what somebody has shown they may subscribe to, and until when. Where it comes from (a
// token, a ticket) is not to be seen in it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/time.h"

namespace fanfare::policy {

// Names a person or a program, for counting what they hold: by issuer and subject, or by the token
// itself.
using Bearer = std::array<std::uint8_t, 16>;
// Nothing: it cannot be told from others.
std::optional<Bearer> bearer_of(std::string_view issuer, std::string_view subject,
                                std::string_view token);

struct Grants {
  std::string subject;      // "sub"; empty: none
  std::string issuer = {};  // "iss"; empty: none
  std::optional<Bearer> bearer = {};
  std::vector<std::string> channels;  // names and patterns, valid ones
  std::string_view proof = "token";   // by what it was shown, for sentences
  // Further claims that somebody needs (JwtRules::kept): texts and whole numbers.
  std::vector<std::pair<std::string, std::string>> claims = {};
  // From then on they count no more; streams end. max(): they always do.
  std::chrono::sys_seconds expires = std::chrono::sys_seconds::max();
  // How long a stream that they open lasts; zero: as long as they count.
  Duration stream_life{};
};

// More is no list that somebody keeps: use a pattern. Each is compared with each topic asked for.
inline constexpr std::size_t kGrantedChannelsMax = 100;
inline constexpr std::size_t kSubjectBytesMax = 255;  // and of a kept claim

// Why `channel` cannot be granted, as the end of a sentence about it; empty: it can.
std::string grant_problem(std::string_view channel);

// Whether one of the channels covers all that `topic` can match.
bool covers(const Grants& grants, std::string_view topic);

}  // namespace fanfare::policy
