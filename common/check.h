// CHECK: a programmer's mistake ends the process with its reason, in every build. Never used on
// what a peer, a file or the kernel can cause: those are values (std::expected) and counters.
#pragma once

namespace fanfare {

// Prints "file:line: CHECK(expression) failed: reason" to standard error and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* expression,
                               const char* reason);

}  // namespace fanfare

// CHECK(x, "why this always holds")
#define CHECK(expression, reason)                                       \
  do {                                                                  \
    if (!(expression)) [[unlikely]]                                     \
      ::fanfare::check_failed(__FILE__, __LINE__, #expression, reason); \
  } while (false)
