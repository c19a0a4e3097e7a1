// Problem: why something of the environment could not be had, as one sentence for the operator that
// says what is wrong and what to do. No exit codes, no logging: whoever asked decides.
#pragma once

#include <string>

namespace fanfare::io {

struct Problem {
  std::string message;
  int error = 0;  // the errno behind it, 0 if there is none
};

}  // namespace fanfare::io
