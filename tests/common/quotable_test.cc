// quotable: whatever a peer says, what an error repeats of it is short and printable.
#include "common/quotable.h"

#include <gtest/gtest.h>

#include <string>

namespace fanfare {
namespace {

TEST(Quotable, QuotesAPeersBytesHarmlessly) {
  EXPECT_EQ(quotable("a\r\n\x80 b"), "a??? b");
  EXPECT_EQ(quotable("\x1b[2J\x7f"), "?[2J?");
  EXPECT_EQ(quotable(""), "");
}

TEST(Quotable, CutsWhatIsLong) {
  EXPECT_EQ(quotable(std::string(64, 'x')), std::string(64, 'x'));
  EXPECT_EQ(quotable(std::string(65, 'x')), std::string(64, 'x') + "...");
}

}  // namespace
}  // namespace fanfare
