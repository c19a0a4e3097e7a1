// write_manual FILE: writes the manual page of fanfare.
#include <cstdio>
#include <fstream>

#include "tests/cli/manual.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_manual FILE\n", stderr);
    return 2;
  }
  std::ofstream file(argv[1], std::ios::binary);
  file << fanfare::cli::manual_page();
  file.close();
  if (!file) std::perror(argv[1]);
  return file ? 0 : 1;
}
