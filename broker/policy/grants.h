// Grants: what somebody has shown they may subscribe to, and until when. Where it comes from (a
// token, a ticket) is not to be seen in it.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/time.h"

namespace fanfare::policy {

struct Grants {
  std::string subject;                // "sub"; empty: none
  std::vector<std::string> channels;  // names and patterns, valid ones
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
