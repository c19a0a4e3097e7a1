// RFC 9110 §5.6.7: IMF-fixdate.
#include "broker/wire/http/date.h"

#include <gtest/gtest.h>

namespace fanfare::http {
namespace {

std::string_view at(Date& date, std::int64_t seconds) {
  date.tell(std::chrono::sys_seconds(std::chrono::seconds(seconds)));
  return date.text();
}

TEST(Date, IsAnImfFixdate) {
  Date date;
  EXPECT_EQ(date.text(), "");
  EXPECT_EQ(at(date, 784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(at(date, 784'111'778), "Sun, 06 Nov 1994 08:49:38 GMT");
  EXPECT_EQ(at(date, 784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT") << "a clock may be set back";
  EXPECT_EQ(at(date, 0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(at(date, 1'709'164'799), "Wed, 28 Feb 2024 23:59:59 GMT");
  EXPECT_EQ(at(date, 1'709'164'800), "Thu, 29 Feb 2024 00:00:00 GMT");
  EXPECT_EQ(at(date, 4'102'444'799), "Thu, 31 Dec 2099 23:59:59 GMT");
}

}  // namespace
}  // namespace fanfare::http
