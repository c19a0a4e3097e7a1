// write_config_reference FILE: writes the reference of all keys.
#include <cstdio>
#include <fstream>

#include "tests/config/reference.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_config_reference FILE\n", stderr);
    return 2;
  }
  std::ofstream file(argv[1], std::ios::binary);
  file << fanfare::config::reference_markdown();
  file.close();
  if (!file) std::perror(argv[1]);
  return file ? 0 : 1;
}
