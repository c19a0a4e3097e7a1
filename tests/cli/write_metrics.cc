// write_metrics_reference FILE: writes docs/METRICS.md.
#include <cstdio>
#include <fstream>

#include "tests/cli/metrics_document.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_metrics_reference FILE\n", stderr);
    return 2;
  }
  std::ofstream file(argv[1], std::ios::binary);
  file << fanfare::cli::testing::metrics_document();
  file.close();
  if (!file) std::perror(argv[1]);
  return file ? 0 : 1;
}
