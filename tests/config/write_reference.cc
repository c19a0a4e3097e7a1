// write_config_reference CONFIG.md broker.toml.5: writes both references of all keys.
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/config/reference.h"

namespace {

bool write(const char* path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) std::perror(path);
  return static_cast<bool>(file);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: write_config_reference CONFIG.md broker.toml.5\n", stderr);
    return 2;
  }
  const bool written = write(argv[1], fanfare::config::reference_markdown()) &&
                       write(argv[2], fanfare::config::reference_manual());
  return written ? 0 : 1;
}
