#include "tests/cli/manual.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/roff.h"

namespace fanfare::cli {
namespace {

using testing::HasSubstr;

TEST(Manual, IsThePageThatIsInstalled) {
  std::ifstream file(SOURCE_DIR "/docs/man/fanfare.1", std::ios::binary);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(page, manual_page())
      << "docs/man/fanfare.1 is stale; run: cmake --build --preset dev --target write-manual";
}

TEST(Manual, HasEveryCommandWithItsOptionsAndExamples) {
  const std::string page = manual_page();
  for (const char* command : {"serve", "publish", "tail", "top", "check", "cert", "completion"}) {
    EXPECT_THAT(page, HasSubstr(std::string("\n.SS fanfare ") + command + "\n"));
  }
  EXPECT_THAT(page, HasSubstr("\n\\fB\\-\\-config\\fR, \\fB\\-c\\fR \\fIFILE\\fR\n"));
  EXPECT_THAT(page, HasSubstr("\\fBfanfare publish\\fR [\\fIOPTION\\fR...] [\\fICHANNEL\\fR]"));
  EXPECT_THAT(page, HasSubstr("fanfare serve \\-\\-config /etc/fanfare/broker.toml"));
}

TEST(Manual, TextIsNeverARequest) {
  EXPECT_EQ(roff(".TH"), "\\&.TH");
  EXPECT_EQ(roff("a\n'b"), "a\n\\&\\(aqb");
  EXPECT_EQ(roff("a\\n --b `c`"), "a\\en \\-\\-b c");
}

}  // namespace
}  // namespace fanfare::cli
