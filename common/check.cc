#include "common/check.h"

#include <cstdio>
#include <cstdlib>

namespace fanfare {

void check_failed(const char* file, int line, const char* expression, const char* reason) {
  std::fprintf(stderr, "%s:%d: CHECK(%s) failed: %s\n", file, line, expression, reason);
  std::abort();
}

}  // namespace fanfare
