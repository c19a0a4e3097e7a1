#include <cstddef>
#include <span>

#include "broker/cli/run.h"

int main(int count, char** arguments) {
  fanfare::cli::Console console;
  return static_cast<int>(fanfare::cli::run({arguments, static_cast<std::size_t>(count)}, console));
}
