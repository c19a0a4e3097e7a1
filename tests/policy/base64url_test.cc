#include "broker/policy/base64url.h"

#include <gtest/gtest.h>

#include <string>

#include "common/random.h"

namespace fanfare::policy {
namespace {

using namespace std::string_literals;

TEST(Base64Url, WritesWhatItReads) {
  // RFC 4648 §10, without the padding.
  EXPECT_EQ(base64url_encoded("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64url_encoded("fooba"), "Zm9vYmE");
  EXPECT_EQ(base64url_encoded("foob"), "Zm9vYg");
  EXPECT_EQ(base64url_encoded("\xfb\xff"), "-_8");
  EXPECT_EQ(base64url_encoded(""), "");
  Random random(1);
  for (std::size_t size = 0; size < 100; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random.below(256));
    EXPECT_EQ(base64url_decoded(base64url_encoded(bytes)), bytes);
  }
}

TEST(Base64Url, ATextHasOneSpelling) {
  EXPECT_EQ(base64url_decoded("Zg"), "f");
  EXPECT_EQ(base64url_decoded("Zh"), std::nullopt) << "bits that do not count are not zero";
  EXPECT_EQ(base64url_decoded("Zm9="), std::nullopt);
  EXPECT_EQ(base64url_decoded("Zg=="), std::nullopt) << "padding";
  EXPECT_EQ(base64url_decoded("Z"), std::nullopt) << "a size that no bytes have";
  EXPECT_EQ(base64url_decoded("Zm9vY"), std::nullopt);
  for (const char* const text : {"+_8A", "Zm9v\n", " Zm9v", "Zm 9v", "Zm/v", "Zm.v"}) {
    EXPECT_EQ(base64url_decoded(text), std::nullopt) << text;
  }
  EXPECT_EQ(base64url_decoded("Zm9\0"s), std::nullopt);
  EXPECT_EQ(base64url_decoded("Zm9\xc3"), std::nullopt);
}

}  // namespace
}  // namespace fanfare::policy
