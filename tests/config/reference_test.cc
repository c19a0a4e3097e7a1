#include "tests/config/reference.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace fanfare::config {
namespace {

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Reference, IsWhatTheDocumentSays) {
  EXPECT_EQ(read(SOURCE_DIR "/docs/CONFIG.md"), reference_markdown())
      << "docs/CONFIG.md is stale; run: cmake --build --preset dev --target write-config-reference";
}

TEST(Reference, IsWhatTheManualPageSays) {
  EXPECT_EQ(read(SOURCE_DIR "/docs/man/broker.toml.5"), reference_manual())
      << "docs/man/broker.toml.5 is stale; run: cmake --build --preset dev --target "
         "write-config-reference";
}

}  // namespace
}  // namespace fanfare::config
