// LifeLog: the lives of a broker's connections as lines, for `fanfare tail --admin`: those that
// have been opened since the last look, those that have ended, and why, and how many were refused.
// Made of what the admin listener has anyway (the live page's report of each second, and the
// youngest connections), so that watching costs the broker nothing per connection. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "broker/client/listings.h"

namespace fanfare::cli {

class LifeLog {
 public:
  // Younger ones than this may be missing from `youngest` if it is full.
  static constexpr std::uint64_t kYoungest = 500;

  explicit LifeLog(bool json) : json_(json) {}

  // Lines for one second; `youngest` is sorted by age, and may be empty. The first call only
  // learns who was there before.
  std::string lines(const client::LiveReport& report,
                    const client::Listed<client::ListedConnection>& youngest);

 private:
  std::string opened(std::int64_t unix_ms, const client::ListedConnection& row) const;
  std::string closed(const client::LiveReport::Close& close) const;
  std::string others(const client::LiveReport& report) const;

  const bool json_;
  bool begun_ = false;
  std::set<std::string> known_;  // of those that were youngest
};

}  // namespace fanfare::cli
