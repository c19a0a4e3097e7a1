// Problem: why something could not be obtained from the environment, as one sentence for the
// operator that says what is wrong and what to do. No exit codes, no logging: the caller decides.
#pragma once

#include <string>

namespace fanfare::io {

struct Problem {
  std::string message;
  int error = 0;  // the errno behind it, 0 if there is none
};

}  // namespace fanfare::io
