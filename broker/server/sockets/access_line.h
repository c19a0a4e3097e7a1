// AccessLine: a line of the access log that is not complete yet: its text so far, and when what it
// is about began.
#pragma once

#include <string>

#include "common/time.h"

namespace fanfare::server {

struct AccessLine {
  std::string text = {};  // empty: nothing is to be written
  TimePoint began{};
};

}  // namespace fanfare::server
