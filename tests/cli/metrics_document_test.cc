#include "tests/cli/metrics_document.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace fanfare::cli {
namespace {

TEST(MetricsDocument, IsWhatMetricsShow) {
  std::ifstream file(SOURCE_DIR "/docs/METRICS.md", std::ios::binary);
  const std::string document(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(document, testing::metrics_document())
      << "docs/METRICS.md is stale; run: cmake --build --preset dev --target "
         "write-metrics-reference";
}

}  // namespace
}  // namespace fanfare::cli
