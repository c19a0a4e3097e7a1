#include "broker/wire/http/gzip.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/wire/gunzip.h"

#include "common/random.h"

namespace fanfare::http {
namespace {

using gzip_test::Gunzip;

TextSum sum_of(std::string_view text) {
  TextSum sum;
  sum.add(text);
  return sum;
}

TEST(Gzip, StoredTextsComeBackWhateverTheirSize) {
  for (const std::size_t size : {0U, 1U, 2U, 65'534U, 65'535U, 65'536U, 200'000U}) {
    const std::string text(size, 'x');
    std::string bytes;
    append_stored(bytes, text);
    EXPECT_EQ(bytes.size(), size + 5 * ((size + 65'534) / 65'535));
    append_gzip_end(bytes, sum_of(text));
    Gunzip client;
    EXPECT_EQ(client.take(std::string(kGzipHead) + bytes), text);
    EXPECT_TRUE(client.complete()) << size;
  }
}

TEST(Gzip, AnEndThatSaysAnotherSumIsNoEnd) {
  std::string bytes(kGzipHead);
  append_stored(bytes, "abc");
  append_gzip_end(bytes, sum_of("abd"));
  Gunzip client;
  client.take(bytes);
  EXPECT_FALSE(client.complete());
}

TEST(Gzip, EachTextCanBeReadAtOnce) {
  Deflater deflater;
  Gunzip client;
  client.take(kGzipHead);
  std::size_t bytes = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string text = "data: {\"value\":" + std::to_string(i) + "}\n\n";
    const std::string_view packed = deflater.compress(text);
    bytes += packed.size();
    EXPECT_EQ(client.take(packed), text);
  }
  EXPECT_LT(bytes, 100 * 15);
}

TEST(Gzip, TextsThatDoNotCompressHaveRoom) {
  Deflater deflater;
  Gunzip client;
  client.take(kGzipHead);
  Random random(1);
  for (const std::size_t size : {1U, 60U, 1'000U, 70'000U, 1'048'576U, 10U}) {
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(random.below(256));
    EXPECT_EQ(client.take(deflater.compress(text)), text);
  }
}

// A client that has not had what came before a restart has no use for it after.
TEST(Gzip, AStreamEntersAtARestart) {
  Deflater deflater;
  for (int i = 0; i < 20; ++i) deflater.compress("the same text, again and again\n");
  deflater.restart();
  Gunzip client;
  client.take(kGzipHead);
  std::string own;
  append_stored(own, "of its own\n");
  EXPECT_EQ(client.take(own), "of its own\n");
  EXPECT_EQ(client.take(deflater.compress("the same text, again\n")), "the same text, again\n");
  EXPECT_EQ(client.take(deflater.compress("the same text, again\n")), "the same text, again\n");
  EXPECT_FALSE(client.broken());
}

// Otherwise the tests of what enters where would find nothing.
TEST(Gzip, AStreamThatEntersElsewhereReadsSomethingElse) {
  Deflater deflater;
  deflater.compress("the same text, again and again\n");
  Gunzip client;
  std::string bytes(kGzipHead);
  append_stored(bytes, "something of its own that is not short\n");
  client.take(bytes);
  EXPECT_NE(client.take(deflater.compress("the same text, again\n")), "the same text, again\n");
}

TEST(FollowingSum, IsThatOfAllThatWasReadWhateverWasRead) {
  Random random(7);
  const auto some = [&random] { return std::string(random.below(40), 'a' + random.next() % 26); };
  for (int i = 0; i < 1'000; ++i) {
    std::string shared = some();
    std::string mine = some();
    FollowingSum following(sum_of(mine), {});
    for (int times = 0; times < 4; ++times) {
      following = {following.sum({}), sum_of(shared)};
      const std::string more = some();
      shared += more;
      mine += more;
      following = {following.sum(sum_of(shared)), {}};
      EXPECT_EQ(following.sum({}), sum_of(mine));
      shared += some();
    }
  }
}

// The end of a stream says the size modulo 2^32 (RFC 1952 §2.3.1).
TEST(FollowingSum, KeepsTheSizeModuloItsLastBits) {
  const TextSum large{.crc = 1, .size = 5'000'000'000};
  const FollowingSum following({.crc = 2, .size = 10}, large);
  const TextSum later{.crc = 1, .size = large.size + 4'294'967'295};
  EXPECT_EQ(following.sum(later).size, 9U);
}

}  // namespace
}  // namespace fanfare::http
