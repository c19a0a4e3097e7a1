// The whole of `fanfare` but main(): takes arguments, finds the command, runs it.
#pragma once

#include <span>

#include "broker/cli/command.h"

namespace fanfare::cli {

// `arguments[0]` is the name of the program.
Exit run(std::span<const char* const> arguments, Console& console);

}  // namespace fanfare::cli
