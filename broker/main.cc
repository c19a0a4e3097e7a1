#include <cstddef>
#include <span>

#include "broker/cli/run.h"

#include "common/build.h"

int main(int count, char** arguments) {
  fanfare::cli::Console console;
  console.commit = fanfare::build_commit();
  return static_cast<int>(fanfare::cli::run({arguments, static_cast<std::size_t>(count)}, console));
}
